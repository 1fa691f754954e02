"""only the metadata is read"""
import glob
import os

import lab

QUICK = True
FILES = 8


def make(root):
    for i in range(FILES):
        lab.write_model(f"{root}/{i}", files=1, tensors=24, size=2 * lab.MB)


def models(folder, _):
    return sorted(glob.glob(folder + "/*"))


def load(folder, _):
    for path in sorted(glob.glob(folder + "/*/*")):
        fd = os.open(path, os.O_RDONLY)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        for _ in range(4096):
            # A header, value by value.
            os.read(fd, 8)
        os.close(fd)
        m = lab.mapped(path)
        for pos, _ in lab.header(path).values():
            lab.note(m[pos:pos + 1], pos)


def judge(r, want):
    more = r.read - r.stock.read
    want(more <= FILES * lab.MB, f"{more / 1e6:.1f} MB more read, want at most 1 MiB a file")
    want(not r.saved, "saved as the template of a load")
