"""What is done for a load beside the load itself: MAIO, and what people use instead."""
import os
import threading
import time

import cache
import maio
import ssd
from command import run

QUEUE = "/sys/block/{}/queue/read_ahead_kb"
# Windows that a stock kernel is tried with; the best of them counts.
READAHEAD_KB = (512, 2048, 8192)
# What "load -T" writes, and watch reads.
PROGRESS = "/dev/shm/progress"


class Eager:
    """Reads the whole model in the background, several threads, from its first access on."""
    THREADS = 4

    def __init__(self, paths):
        self.first = threading.Event()
        self.over = False
        self.threads = [threading.Thread(target=self.read, args=(paths[n::self.THREADS],))
                        for n in range(self.THREADS)]
        self.threads.append(threading.Thread(target=self.watch, args=(paths[0],)))
        for t in self.threads:
            t.start()

    def watch(self, path):
        while not self.over and not cache.cached(path):
            time.sleep(0.001)
        self.first.set()

    def read(self, paths):
        self.first.wait()
        if not self.over:
            cache.warm(paths)

    def stop(self):
        self.over = True
        for t in self.threads:
            t.join()


# Each load is the first ever: what only records, and what begins with a template made of the headers.
FIRST = ("maio-first", "maio-cold")
# What maioctl is to say that it did.
STATES = {"maio-first": "record", "maio-cold": "cold"}
MODES = {"maio-keep": "--keep", "maio-auto": "--auto"}


def store(cell, method):
    return os.path.join(maio.STORE, method if method in FIRST else cell["variant"] + "-" + cell["loader"])


def is_c(cell):
    return cell["command"][0].endswith("/load")


def command(cell, method, more=()):
    """The loader's command line under this method; more: options for a C loader."""
    cmd = list(cell["command"])
    if is_c(cell):
        cmd[1:1] = more
    if method == "populate":
        cmd.insert(1, "-P")
    elif method == "willneed" and is_c(cell):
        cmd.insert(1, "-W")
    elif method == "dontcache":
        cmd.insert(1, "-D")
    elif method in ("direct", "direct-copy"):
        # Last, so that it is what counts.
        cmd[-1:-1] = ["-m", "direct", "-p", str(2 << 20)] + (["-x"] if method == "direct-copy" else [])
    elif method.startswith("maio"):
        node = ["--node", str(cell["node"])] if "node" in cell else []
        cold = ["--no-cold"] if method == "maio-first" else []
        mode = MODES.get(method) or ("--keep" if node else "--burn")
        cmd = maio.before(cell["loader"], cell["path"], mode, *cold, *node, store=store(cell, method)) + cmd
    return cmd


def call(cmd, method, cgroup=None, digest=""):
    """Runs a loader; what it printed. The Python ones check what they loaded where a digest is asked for."""
    return run(*cmd, env={"DIGEST": digest, **({"WILLNEED": "1"} if method == "willneed" else {})}, cgroup=cgroup)


def record(cell, method):
    """A recording of this very loader, once, but for a first load, which is measured itself."""
    folder = store(cell, method)
    if method in FIRST:
        maio.forget(folder)
    elif not os.path.isdir(folder):
        maio.forget(folder)
        more = ("-oreverse",) if cell.get("template") == "wrong" else ()
        call(command(cell, method, more), method)


def prepare(method, cell, paths):
    """Before the clock runs: the cache as the method wants it to be found."""
    cache.drop(paths)
    if method.startswith("maio"):
        record(cell, method)
        cache.drop(paths)
    if method == "cached":
        cache.warm(paths)
    if cell.get("second"):
        call(command(cell, method), method)


def before(method, paths):
    """What goes before the load and counts: something to stop after it, and ns."""
    if method == "eager":
        return Eager(paths), 0
    if method == "vmtouch":
        ssd.await_tick()
        start = time.monotonic_ns()
        run("vmtouch", "-t", "-q", *paths)
        return None, time.monotonic_ns() - start
    return None, 0


def read_ahead(disk, kb):
    """Sets the window; returns what it was."""
    path = QUEUE.format(disk)
    with open(path) as f:
        old = f.read().strip()
    with open(path, "w") as f:
        f.write(str(kb))
    return old
