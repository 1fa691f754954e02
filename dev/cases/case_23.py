"""advice: RANDOM, SEQUENTIAL, COLD"""
import mmap
import os

import lab

MODES = "SCP"
VARIANTS = "random", "sequential", "cold"
MADV_COLD = 20
ADVICE = {"random": mmap.MADV_RANDOM, "sequential": mmap.MADV_SEQUENTIAL, "cold": mmap.MADV_NORMAL}
MODEL = {"files": 2}


def load(folder, variant):
    for path in lab.shards(folder):
        m = lab.mapped(path)
        m.madvise(ADVICE[variant])
        fd = os.open(path, os.O_RDONLY)
        for i, (_, (pos, size)) in enumerate(sorted(lab.header(path).items())):
            if i % 3:
                # Experts stay on the host, the rest goes to the device.
                lab.copy(m, pos, size, mmap.PAGESIZE)
                if variant == "cold":
                    m.madvise(MADV_COLD, pos // mmap.PAGESIZE * mmap.PAGESIZE, size)
            else:
                for at in range(pos, pos + size, lab.MB):
                    lab.note(os.pread(fd, lab.MB, at), at)
        os.close(fd)
