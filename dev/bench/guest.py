#!/usr/bin/python3
"""The part of `make bench` that runs in a guest: its cells in turn, several rounds, a cold cache
before each. A record is written as soon as it is there.

usage: guest.py CELLS.json ROUNDS RECORDS    RECORDS gets a line of JSON for each measurement
"""
import json
import os
import resource
import signal
import subprocess
import sys
import time

import cache
import counters
import disk
import maio
import methods
import settle
import ssd
import where
from command import run

HERE = os.path.dirname(os.path.abspath(__file__))
CGROUP, NEIGHBOUR = "/sys/fs/cgroup/bench", disk.MOUNT + "/neighbour.bin"
LOAD_OUT, WATCH_OUT = "/tmp/load.json", "/tmp/watch.txt"
NEIGHBOUR_SIZE = 128 << 20
NEIGHBOUR_ALONE = 2
# Samples of a watched load.
WATCH_MS = "10"
# The one of the digests that costs little.
CHECK = "crc32"


def say(text):
    print(f"   {os.environ['PPC_PROFILE']}: {text}", file=sys.stderr, flush=True)


class Limit:
    """A cgroup with a memory limit (in bytes, or "max"), for the load and what is beside it; or none."""
    def __init__(self, limit):
        self.cgroup = CGROUP if limit is not None else None
        if self.cgroup:
            with open("/sys/fs/cgroup/cgroup.subtree_control", "w") as f:
                f.write("+memory")
            os.mkdir(CGROUP)
            with open(CGROUP + "/memory.max", "w") as f:
                f.write(str(limit))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.cgroup:
            os.rmdir(CGROUP)


class Neighbour:
    """What lives beside the load, warm before that begins."""
    def __init__(self, cell):
        self.proc = None
        if cell.get("neighbour"):
            self.proc = subprocess.Popen(
                ["/usr/bin/python3", "-B", HERE + "/neighbour.py", NEIGHBOUR], stdout=subprocess.PIPE, text=True,
                preexec_fn=lambda: open(CGROUP + "/cgroup.procs", "w").write(str(os.getpid())))
            while self.proc.stdout.readline().strip() != "warm":
                if self.proc.poll() is not None:
                    raise RuntimeError("the neighbour died")
            # What it finds in the cache while it is alone is what it is compared to.
            time.sleep(NEIGHBOUR_ALONE)

    def load_begins(self):
        if self.proc:
            self.proc.send_signal(signal.SIGUSR1)

    def stop(self):
        if not self.proc:
            return {}
        self.proc.terminate()
        said = json.loads(self.proc.stdout.read())
        self.proc.wait()
        return {"neighbour": said}


OWN = {}


def own_memory(cell, paths, dev):
    """The most that a loader has beside files, of anonymous memory and of the kernel's: once, in a
    cgroup without a limit. The two need not have had their most at the same time."""
    if cell["loader"] not in OWN:
        _, samples = watched(cell, paths, dev, "stock", "max")
        OWN[cell["loader"]] = {"own_anon": max(s[4] for s in samples), "own_kernel": max(s[5] for s in samples)}
    return OWN[cell["loader"]]


def memory_of(cell, paths, dev):
    """A cell's limit, and what of it is the loader's own. What the kernel has for the loader is not:
    that takes its place from the files'."""
    if cell["memory"] is None:
        return {}
    share = int(sum(os.stat(p).st_size for p in paths) * cell["memory"])
    own = own_memory(cell, paths, dev) if cell.get("own") else {}
    return {"memory_max": share + own.get("own_anon", 0), "files_max": share, **own}


def load(cell, paths, dev, method):
    """One measurement: the loader's own clock, and what the method needs before it."""
    if os.path.exists(LOAD_OUT):
        os.unlink(LOAD_OUT)
    memory = memory_of(cell, paths, dev)
    methods.prepare(method, cell, paths)
    with Limit(memory.get("memory_max")) as limit:
        neighbour = Neighbour(cell)
        try:
            settle.khugepaged()
            count = counters.Counters(dev)
            beside, extra = methods.before(method, paths)
            try:
                # Begun with a tick, too: what the loader's start takes hangs on the SSD.
                ssd.await_tick()
                neighbour.load_begins()
                start = time.monotonic_ns()
                said = methods.call(methods.command(cell, method), method, limit.cgroup, CHECK)
                whole = time.monotonic_ns() - start
            finally:
                if beside:
                    beside.stop()
            record = count.since()
        finally:
            told = neighbour.stop()
    if os.path.exists(LOAD_OUT):
        with open(LOAD_OUT) as f:
            said = f.read()
    record.update(json.loads(said))
    record["ns"] += extra
    record["command_ns"] = whole + extra
    record.update(told)
    record.update(memory)
    record["cached_end"] = sum(cache.cached(p) for p in paths)
    if "node" in cell:
        record["where"] = where.all_bytes_on_nodes(paths)
    if method.startswith("maio"):
        # A policy that was not at work has not been measured.
        stats = maio.told(methods.STATES.get(method, "replay"))["stats"]
        record["maio"] = {k: stats[k] for k in (
            "prefetched_bytes", "useful_bytes", "late_bytes", "wasted_bytes", "burned_bytes", "refaulted_bytes",
            "memory_waits", "node_bytes")}
        record["template_bytes"] = maio.stored(methods.store(cell, method))
    return record


def measure(cell, paths, dev):
    if cell["method"] != "readahead":
        return load(cell, paths, dev, cell["method"])
    tried = []
    for kb in methods.READAHEAD_KB:
        old = methods.read_ahead(dev, kb)
        try:
            tried.append({**load(cell, paths, dev, "stock"), "read_ahead_kb": kb})
        finally:
            methods.read_ahead(dev, old)
    return min(tried, key=lambda r: r["ns"])


def watched(cell, paths, dev, method, memory_max, more=()):
    """A load that is not measured but watched, or asked for the sum of what it read."""
    methods.prepare(method, cell, paths)
    with Limit(memory_max) as limit:
        beside, _ = methods.before(method, paths)
        try:
            said = methods.call([HERE + "/watch", WATCH_MS, dev, methods.PROGRESS, WATCH_OUT,
                                 *methods.command(cell, method, more)], method, limit.cgroup)
        finally:
            if beside:
                beside.stop()
    with open(WATCH_OUT) as f:
        return said, [[int(w) for w in line.split()] for line in f]


def look(cell, paths, dev):
    """What is only seen by looking closer, which costs time: the cache's peak, how a load goes on, what it reads."""
    more = ["-T", methods.PROGRESS]
    how = paths, dev, cell["method"], memory_of(cell, paths, dev).get("memory_max")
    _, samples = watched(cell, *how, more)
    t0, read0, cached0 = samples[0][:3]
    result = {"cached_peak": max(s[2] - cached0 for s in samples)}
    if cell["method"] in ("stock", "maio"):
        result["timeline"] = [[(t - t0) // 1000000, read - read0, cached - cached0, loaded]
                              for t, read, cached, loaded, _, _ in samples]
    if methods.is_c(cell):
        with counters.FolioOrders() as orders:
            result["sum"] = json.loads(watched(cell, *how, ["-c"])[0])["sum"]
        result["folio_orders"] = orders.bytes
    return result


def set_up(cells):
    """The SSD with what these cells load."""
    first = cells[0]
    say(f"make {first['fs']}" + (f" with {first['copies']} copies of the model" if first["copies"] > 1 else ""))
    disk.make(first["fs"], first["copies"])
    folders = sorted({c["folder"] for c in cells} - {"model"})
    if folders:
        disk.grow()
    for folder in folders:
        if folder == "gguf":
            disk.make_gguf()
        else:
            disk.make_folder(folder)
    if any(c.get("neighbour") for c in cells):
        with open(NEIGHBOUR, "wb") as f:
            for _ in range(NEIGHBOUR_SIZE >> 20):
                f.write(b"neighbour " * 104857 + b"      ")
        os.sync()
    for c in cells:
        c["path"] = f"{disk.MOUNT}/{c['folder']}"
        c["command"] = [w.format(here=HERE, model=c["path"], out=LOAD_OUT) for w in c["command"]]


def main(cells, rounds, out):
    with open(cells) as f:
        cells = json.load(f)
    rounds = int(rounds)
    # Many small files are open at once.
    resource.setrlimit(resource.RLIMIT_NOFILE, (1 << 16, 1 << 16))
    dev = os.path.basename(os.path.realpath(ssd.DEVICE))
    with open(out, "w", buffering=1) as records:
        def write(record):
            records.write(json.dumps(record) + "\n")

        calibration = ssd.calibrate(("128k", "512k", "2m"))
        say(f"fio: depth 1 {calibration['qd1_mbps']:.0f} MB/s, depth 32 {calibration['peak_mbps']:.0f} MB/s")
        write({"calibration": calibration, "kernel": os.uname().release, "accel": os.environ.get("PPC_ACCEL"),
               "base": os.environ.get("PPC_BASE"), "cells": cells, "rounds": rounds})
        set_up(cells)
        ssd.find_tick()
        if any(c["method"].startswith("maio") for c in cells):
            run("modprobe", "ppc_maio")
        for n in range(rounds):
            for i, cell in enumerate(cells):
                record = {"name": cell["name"], "round": n}
                paths = disk.files(cell["folder"])
                try:
                    record.update(measure(cell, paths, dev))
                    if n == 0:
                        record["look"] = look(cell, paths, dev)
                    told = f"{record['ns'] / 1e9:.4f} s"
                except (RuntimeError, OSError, ValueError, KeyError) as e:
                    record["error"] = told = f"{type(e).__name__}: {e}"
                write(record)
                say(f"round {n + 1} of {rounds}, {i + 1} of {len(cells)}, {cell['name']}: {told}")


main(*sys.argv[1:])
