#!/usr/bin/python3
"""A process that lives beside a load and off the page cache: it walks over a file that it has
mapped, again and again, until it is told to stop, and says what that cost.

usage: neighbour.py FILE
"""
import json
import mmap
import resource
import signal
import sys
import time

PAUSE = 0.02


def main(path):
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    with open(path, "rb") as f:
        view = memoryview(mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ))
    walks = faults = 0
    start = time.monotonic()
    print("ready", flush=True)
    while not stop:
        view[::4096].tobytes()
        if not walks:
            # The first walk brings it in.
            faults, start = resource.getrusage(resource.RUSAGE_SELF).ru_majflt, time.monotonic()
            print("warm", flush=True)
        walks += 1
        time.sleep(PAUSE)
    print(json.dumps({"majfault": resource.getrusage(resource.RUSAGE_SELF).ru_majflt - faults,
                      "walks_per_s": round((walks - 1) / (time.monotonic() - start), 3)}), flush=True)


main(*sys.argv[1:])
