"""MAP_POPULATE, then mlock(), and little memory"""
import ctypes
import mmap

import lab

MODES = "SCPB"
LIMITS = {"memory 180 MiB": 180 * lab.MB, "locked, memory 320 MiB": 320 * lab.MB}
PIECE = 16 * lab.MB


def load(folder, variant):
    maps = [lab.mapped(p, flags=mmap.MAP_PRIVATE | mmap.MAP_POPULATE) for p in lab.shards(folder)]
    lab.libc.mlock.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    with open("/proc/self/maps") as f:
        begins = {line.split()[-1]: int(line.split("-")[0], 16) for line in f if ".safetensors" in line}
    for path, m in zip(lab.shards(folder), maps):
        # Grows as tensors are placed.
        for at in range(0, 50 * lab.MB if "locked" in variant else 0, PIECE):
            if lab.libc.mlock(begins[path] + at, PIECE):
                raise OSError(ctypes.get_errno(), "mlock")
        lab.copy(m, 0, len(m))
