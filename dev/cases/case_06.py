"""times change at every load, the bytes do not"""
import mmap
import os
import threading

import lab

VARIANTS = "none", "before", "headers", "middle", "always", "msync"
ONE_TEMPLATE = True


def touch(paths):
    for path in paths:
        os.utime(path)


def load_shared(path):
    m = lab.mapped(path, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, os.O_RDWR)
    m[0:1] = m[0:1]
    m.flush(0, mmap.PAGESIZE)
    for _, (pos, size) in sorted(lab.header(path).items()):
        lab.copy(m, pos, size)


def load(folder, variant):
    files = lab.shards(folder)
    if variant == "headers":
        for path in files:
            lab.header(path)
    if variant in ("before", "headers"):
        touch(files)
    if variant == "msync":
        for path in files:
            load_shared(path)
        return
    over = threading.Event()

    def always():
        while not over.wait(0.1):
            touch(files)

    if variant == "always":
        threading.Thread(target=always).start()
    lab.load(files[:2])
    if variant == "middle":
        touch(files)
    lab.load(files[2:])
    over.set()


def judge(r, want):
    ratio = r.seconds / r.runs["none", "P"].seconds
    if r.mode == "P" and r.variant != "msync":
        want(ratio <= 1.1, f"{ratio:.2f} of the replay without touch")
