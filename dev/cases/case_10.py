"""pages that a neighbour has hot, and a load that burns"""
import json
import os
import random
import subprocess
import sys
import time

import cache
import lab

MODES = "SCB"
# From a cold cache, for B to have a template.
PREPARES = "C"
SECONDS = 4
neighbour = None


def load(folder, _):
    lab.load(lab.shards(folder))


def before(folder, mode, _):
    """Unless the load is the one that is recorded, the model is cached, and somebody else reads in it."""
    global neighbour
    if mode == "C":
        return
    cache.warm(lab.shards(folder))
    neighbour = subprocess.Popen([sys.executable, "-B", __file__, folder], stdout=subprocess.PIPE, text=True)
    time.sleep(1)


def after(_, mode):
    return {} if mode == "C" else {"neighbour_us": json.loads(neighbour.communicate()[0])}


def judge(r, want):
    want(r.read <= 0.05 * 400 * lab.MB, f"{r.read / 1e6:.0f} MB read, want at most 5 % of the model")
    want(r.resident >= 0.95 * r.stock.resident, f"{r.resident >> 20} MiB of {r.stock.resident >> 20} stay cached")
    mean, was = r.said["neighbour_us"], r.stock.said["neighbour_us"]
    want(mean < 2 * was, f"the neighbour's slowest reads take {mean:.0f} us, {was:.0f} beside stock")


def main(folder):
    """The neighbour: small reads at random; prints the mean of its worst tenth, in microseconds."""
    files = [os.open(p, os.O_RDONLY) for p in lab.shards(folder)]
    times, end = [], time.monotonic() + SECONDS
    while time.monotonic() < end:
        begin = time.perf_counter()
        os.pread(random.choice(files), 4096, random.randrange(0, 25000) * 4096)
        times.append(time.perf_counter() - begin)
        time.sleep(0.001)
    worst = sorted(times)[-len(times) // 10:]
    print(sum(worst) / len(worst) * 1e6)


if __name__ == "__main__":
    main(sys.argv[1])
