#!/usr/bin/python3
"""The part of `make bench` that asks what the hooks cost those who do not need them, and how an
attachment grows: instructions of cached reads and faults in every state of a file, of a cold
read, of attaching, and bytes of memory.

usage: costs.py OUT.json
"""
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time

import cache
import counters
import disk

HERE = os.path.dirname(os.path.abspath(__file__))
FILE, OTHER = disk.MOUNT + "/pread.bin", disk.MOUNT + "/other.bin"
STORE, OUT = "/tmp/store", "/tmp/maioctl.json"
FAULT_AROUND = "/sys/kernel/debug/fault_around_bytes"
OPERATIONS = {
    "pread 4 KiB": ["pread", "4096"],
    "pread 1 MiB": ["pread", str(1 << 20)],
    "minor fault": ["fault"],
    "minor fault, fault-around": ["fault"],
}
READ = ["dd", "of=/dev/null", "bs=1M", "status=none"]
COLD_ROUNDS = 5
FILES = (1, 10, 100, 1000, 10000)


def say(text):
    print(f"   {os.environ['PPC_PROFILE']}: {text}", file=sys.stderr, flush=True)


def run(cmd):
    done = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(cmd)}: exit {done.returncode}: {(done.stderr or done.stdout)[-1000:].strip()}")
    return done.stdout


def maioctl(service, model):
    return ["maioctl", "run", "--require", "--store", STORE, "--service", service, "--keep", "--json", OUT, model, "--"]


def fresh_store():
    shutil.rmtree(STORE, ignore_errors=True)
    os.mkdir(STORE)


def warm(path):
    """Brought in by the stock kernel each time, so that the folios are the same."""
    cache.drop([path])
    with open(path, "rb", buffering=0) as f:
        while f.read(1 << 20):
            pass


def cached(prefix):
    result = {}
    for name, words in OPERATIONS.items():
        with open(FAULT_AROUND, "w") as f:
            f.write(str(65536 if "around" in name else 4096))
        warm(FILE)
        result[name] = json.loads(run([*prefix, HERE + "/cost", *words, FILE]).splitlines()[-1])["ns"]
    with open(FAULT_AROUND, "w") as f:
        f.write("65536")
    return result


def cold(prefix, forget):
    """Instructions of all tasks for a MiB of a cold sequential read."""
    values = []
    for _ in range(COLD_ROUNDS):
        if forget:
            fresh_store()
        cache.drop([FILE])
        before = counters.busy_ns()
        run([*prefix, *READ, "if=" + FILE])
        values.append(counters.busy_ns() - before)
    # Starting dd and maioctl costs, too: the same without the file.
    empty = []
    for _ in range(COLD_ROUNDS):
        if forget:
            fresh_store()
        before = counters.busy_ns()
        run([*prefix, *READ, "if=/dev/null"])
        empty.append(counters.busy_ns() - before)
    return (statistics.median(values) - statistics.median(empty)) / (os.stat(FILE).st_size / (1 << 20))


def states(patched):
    """What a file may be to the hooks: a name, and what is put before a command for it."""
    if not patched:
        yield "unpatched", []
        return
    yield "off", []
    fresh_store()
    yield "another file attached", maioctl("other", OTHER)
    fresh_store()
    yield "recording", maioctl("warm", FILE)
    fresh_store()
    cache.drop([FILE])
    run(maioctl("cold", FILE) + [*READ, "if=" + FILE])
    yield "replaying", maioctl("cold", FILE)


def memory():
    with open("/proc/meminfo") as f:
        return memory_of(f.read())


def memory_of(text):
    """Bytes that the kernel itself has taken."""
    return sum(int(re.search(rf"^{k}:\s+(\d+) kB", text, re.M)[1]) for k in ("Slab", "VmallocUsed", "Percpu")) << 10


def attach(count):
    """Time of a run that does nothing, and memory while it is attached, with so many files."""
    folder = f"{disk.MOUNT}/attach"
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    for n in range(count):
        with open(f"{folder}/{n:05d}.gguf", "wb") as f:
            f.write(bytes(4096))
    os.sync()
    times, sizes = [], []
    for _ in range(3):
        fresh_store()
        # The inodes are there before, as they will be after.
        run(["find", folder, "-name", "*.gguf", "-size", "+0"])
        before = memory()
        start = time.monotonic_ns()
        said = run(maioctl("attach", folder) + ["cat", "/proc/meminfo"])
        times.append(time.monotonic_ns() - start)
        sizes.append(memory_of(said) - before)
    return {"files": count, "ns": statistics.median(times), "bytes": statistics.median(sizes)}


def slope(rows, key):
    """Least squares of what grows with the number of files: (at none, of each more)."""
    xs, ys = [r["files"] for r in rows], [r[key] for r in rows]
    mx, my = statistics.mean(xs), statistics.mean(ys)
    each = sum((x - mx) * (y - my) for x, y in zip(xs, ys)) / sum((x - mx) ** 2 for x in xs)
    return [my - each * mx, each]


def template():
    """The bytes of a template, of the model as one loader reads it."""
    fresh_store()
    model = disk.MOUNT + "/model"
    cache.drop(disk.files("model"))
    run(maioctl("model", model) + [HERE + "/load", model])
    size = sum(e.stat().st_size for e in os.scandir(STORE))
    return {"bytes": size, "model_bytes": sum(os.stat(p).st_size for p in disk.files("model"))}


def main(out):
    patched = not os.environ.get("PPC_STOCK")
    # An attachment's files are open while it is made.
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * FILES[-1], 2 * FILES[-1]))
    disk.make("ext4", 1)
    disk.grow()
    # What growing leaves to write would be counted with the first reads.
    os.sync()
    time.sleep(10)
    result = {"operations": {}, "cold_read_per_mib": {}}
    if patched:
        run(["modprobe", "ppc_maio"])
    for name, prefix in states(patched):
        result["operations"][name] = cached(prefix)
        result["cold_read_per_mib"][name] = cold(prefix, name == "recording")
        say(f"{name}: " + ", ".join(f"{op} {ns:.1f}" for op, ns in result["operations"][name].items()) +
            f", cold read {result['cold_read_per_mib'][name]:.0f} a MiB")
    if patched:
        result["attach"] = rows = []
        for count in FILES:
            rows.append(attach(count))
            say(f"{count} files attached: {rows[-1]['ns'] / 1e6:.2f} ms, {rows[-1]['bytes'] / 1024:.0f} KiB")
        result["slopes"] = {key: slope(rows, key) for key in ("ns", "bytes")}
        result["template"] = template()
        say(f"template: {result['template']['bytes']} bytes")
    with open(out, "w") as f:
        json.dump(result, f, indent=1)


main(*sys.argv[1:])
