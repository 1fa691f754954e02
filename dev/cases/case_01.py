"""headers through the cache, data by O_DIRECT"""
import mmap
import os

import cache
import lab

QUICK = True
MODES = "SCPB"
VARIANTS = "", "mincore"
CACHED = 16 * lab.MB


def load(folder, variant):
    """With mincore, what is cached already is read through the cache."""
    buffer = mmap.mmap(-1, lab.MB)
    if not variant:
        for path in lab.shards(folder):
            lab.header(path)
    direct = []
    for path in lab.shards(folder):
        direct.append(not variant or not cache.cached(path))
        lab.header(path)
        fd = os.open(path, os.O_RDONLY | (os.O_DIRECT if direct[-1] else 0))
        size = os.fstat(fd).st_size
        for pos in range(0, size - lab.MB, lab.MB):
            os.preadv(fd, [buffer], pos)
            lab.note(buffer, pos)
        with open(path, "rb", 0) as f:
            lab.note(os.pread(f.fileno(), lab.MB, size - lab.MB), size - lab.MB)
        os.close(fd)
    lab.said["direct"] = direct


def judge(r, want):
    want(r.prefetched <= 16 * lab.MB, f"{r.prefetched >> 20} MiB read ahead, want at most 16")
    want(r.said.get("direct") == r.stock.said["direct"], "the loader chose another way to read")
