"""times change at every load, the bytes do not"""
import mmap
import os
import threading

import lab

VARIANTS = "none", "before", "headers", "middle", "always", "msync"


def service(_):
    return "touched"


def plan():
    """One template, of the load that is not touched."""
    yield from (("none", mode) for mode in "SCP")
    yield from ((variant, mode) for variant in VARIANTS[1:] for mode in "SP")


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


def judge(runs, want):
    untouched = runs["none", "P"].seconds
    for (variant, mode), r in runs.items():
        if mode == "P" and variant != "msync":
            want(r.seconds <= 1.1 * untouched, f"{variant}: {r.seconds / untouched:.2f} of the replay without touch")
