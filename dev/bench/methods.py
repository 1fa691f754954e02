"""What is done for a load beside the load itself: MAIO, and what people use instead."""
import os
import shutil
import subprocess
import threading
import time

import cache

HERE = os.path.dirname(os.path.abspath(__file__))
STORE = "/tmp/store"
QUEUE = "/sys/block/{}/queue/read_ahead_kb"
# Windows that a stock kernel is tried with; the best of them counts.
READAHEAD_KB = (512, 2048, 8192)
# What "load -T" writes, and watch reads.
PROGRESS = "/dev/shm/progress"
MAIOCTL_OUT = "/tmp/maioctl.json"


def read_all(paths):
    buffer = bytearray(1 << 20)
    for path in paths:
        with open(path, "rb", buffering=0) as f:
            while f.readinto(buffer):
                pass


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
            read_all(paths)

    def stop(self):
        self.over = True
        for t in self.threads:
            t.join()


def tick():
    """Waits until the SSD's cap has a tick, as loaders do."""
    at, interval = map(int, os.environ["SSD_TICK"].split(","))
    time.sleep((at - time.monotonic_ns()) % interval / 1e9)


def store(cell, method):
    return os.path.join(STORE, "first" if method == "maio-first" else cell["variant"] + "-" + cell["loader"])


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
        cmd = ["maioctl", "run", "--require", "--store", store(cell, method), "--service", cell["loader"],
               "--keep" if method == "maio-keep" or node else "--burn", *node, "--json", MAIOCTL_OUT,
               cell["path"], "--", *cmd]
    return cmd


def environment(method):
    """What the Python loaders are told: only the check that costs little, and what to do at the start."""
    env = {**os.environ, "DIGEST": "crc32"}
    if method == "willneed":
        env["WILLNEED"] = "1"
    return env


def call(cmd, method, cell=None):
    """Runs a loader, in its cgroup if it has one; what it printed."""
    group = cell.get("cgroup") if cell else None

    def join():
        with open(group + "/cgroup.procs", "w") as f:
            f.write(str(os.getpid()))

    done = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                          env=environment(method), preexec_fn=join if group else None)
    if done.returncode:
        raise RuntimeError(f"{' '.join(cmd)}: exit {done.returncode}: {(done.stderr or done.stdout)[-1000:].strip()}")
    return done.stdout


def record(cell, method):
    """A recording of this very loader, once; its time counts for the method maio-first."""
    folder = store(cell, method)
    if method == "maio-first":
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
    elif not os.path.isdir(folder):
        os.makedirs(folder)
        more = ("-oreverse",) if cell.get("template") == "wrong" else ()
        call(command(cell, method, more), method)


def prepare(method, cell, paths):
    """Before the clock runs: the cache as the method wants it to be found."""
    cache.drop(paths)
    if method.startswith("maio"):
        record(cell, method)
        cache.drop(paths)
    if method == "cached":
        read_all(paths)
    if cell.get("second"):
        call(command(cell, method), method, cell)


def before(method, paths):
    """What goes before the load and counts: something to stop after it, and ns."""
    if method == "eager":
        return Eager(paths), 0
    if method == "vmtouch":
        tick()
        start = time.monotonic_ns()
        subprocess.run(["vmtouch", "-t", "-q", *paths], check=True)
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
