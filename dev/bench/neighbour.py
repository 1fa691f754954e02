#!/usr/bin/python3
"""A process that lives beside a load and off the page cache: it walks over a file that it has
mapped, again and again. Says how much of that it found in the cache and how long it took: alone, from
when it is warm until SIGUSR1, and then beside the load, until SIGTERM.

usage: neighbour.py FILE
"""
import ctypes
import json
import mmap
import resource
import signal
import sys
import time

PAUSE = 0.02
PAGE = mmap.PAGESIZE
# The cache is asked before each of these is touched: what readahead brings in behind a miss counts as found.
STEP = 1 << 20


class Walker:
    def __init__(self, path):
        with open(path, "rb") as f:
            self.map = mmap.mmap(f.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        self.view = memoryview(self.map)
        self.start = ctypes.addressof(ctypes.c_char.from_buffer(self.map))
        self.cached = (ctypes.c_char * (STEP // PAGE))()
        self.mincore = ctypes.CDLL(None, use_errno=True).mincore
        self.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]

    def walk(self):
        """Touches every page; how many were cached."""
        found = 0
        for at in range(0, len(self.view), STEP):
            if self.mincore(self.start + at, STEP, self.cached):
                raise OSError(ctypes.get_errno(), "mincore")
            found += self.cached.raw.count(1)
            self.view[at:at + STEP:PAGE].tobytes()
        return found


def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_majflt


def phase(walker, over):
    """Walks until it is over."""
    walks = found = 0
    busy = 0.0
    before, start = faults(), time.monotonic()
    while not over:
        begin = time.monotonic()
        found += walker.walk()
        busy += time.monotonic() - begin
        walks += 1
        time.sleep(PAUSE)
    seconds = time.monotonic() - start
    touched = max(walks, 1) * (len(walker.view) // PAGE)
    return {"hit_pct": round(100 * found / touched, 4), "majfault": faults() - before, "seconds": round(seconds, 3),
            "walks_per_s": round(walks / seconds, 3), "walk_ms": round(1000 * busy / max(walks, 1), 4)}


def main(path):
    loading, over = [], []
    signal.signal(signal.SIGUSR1, lambda *_: loading.append(1))
    signal.signal(signal.SIGTERM, lambda *_: over.append(1))
    walker = Walker(path)
    walker.walk()
    print("warm", flush=True)
    alone = phase(walker, loading)
    beside = phase(walker, over)
    print(json.dumps({**beside, **{f"alone_{k}": v for k, v in alone.items()}}), flush=True)


main(*sys.argv[1:])
