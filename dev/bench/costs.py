#!/usr/bin/python3
"""The part of `make bench` that asks what the hooks cost those who do not need them, and how an
attachment grows: instructions of cached reads and faults in every state of a file, of a cold
read, of attaching, and bytes of memory.

usage: costs.py OUT.json
"""
import ctypes
import fcntl
import json
import os
import re
import resource
import shutil
import statistics
import struct
import sys
import time

import cache
import counters
import disk
import maio
from command import run

HERE = os.path.dirname(os.path.abspath(__file__))
FILE, OTHER = disk.MOUNT + "/pread.bin", disk.MOUNT + "/other.bin"
SCRATCH = disk.MOUNT + "/grow"
FAULT_AROUND = "/sys/kernel/debug/fault_around_bytes"
OPERATIONS = {
    "pread 4 KiB": ["pread", "4096"],
    "pread 1 MiB": ["pread", str(1 << 20)],
    "minor fault": ["fault"],
    "minor fault, fault-around": ["fault"],
}
READ = ["dd", "of=/dev/null", "bs=1M", "status=none"]
COLD_ROUNDS = 5
PPC_IOC_ATTACH, MAIO_IOC_RECORD_START = 0x4038bc01, 0xbc40
EXTENT_STEP = 3 << 20


def say(text):
    print(f"   {os.environ['PPC_PROFILE']}: {text}", file=sys.stderr, flush=True)


def cost(*words, prefix=()):
    """Instructions of one operation."""
    return json.loads(run(*prefix, HERE + "/cost", *words).splitlines()[-1])["ns"]


def cached(prefix):
    result = {}
    for name, words in OPERATIONS.items():
        with open(FAULT_AROUND, "w") as f:
            f.write(str(65536 if "around" in name else 4096))
        cache.rewarm(FILE)
        result[name] = cost(*words, FILE, prefix=prefix)
    with open(FAULT_AROUND, "w") as f:
        f.write("65536")
    return result


def cold(prefix, forget):
    """Instructions of all tasks for a MiB of a cold sequential read."""
    # In every state the inode stays in memory, as it does for an attachment.
    with open(FILE, "rb"):
        return cold_read(prefix, forget)


def cold_read(prefix, forget):
    values = []
    for _ in range(COLD_ROUNDS):
        if forget:
            maio.forget()
        cache.drop([FILE])
        before = counters.busy_ns()
        run(*prefix, *READ, "if=" + FILE)
        values.append(counters.busy_ns() - before)
    # Starting dd and maioctl costs, too: the same without the file.
    empty = []
    for _ in range(COLD_ROUNDS):
        if forget:
            maio.forget()
        before = counters.busy_ns()
        run(*prefix, *READ, "if=/dev/null")
        empty.append(counters.busy_ns() - before)
    # What else the kernel does meanwhile only adds to it.
    return (min(values) - min(empty)) / (os.stat(FILE).st_size / (1 << 20))


def recorded(service, model, *command):
    """What is put before a command so that it is run with a replay of another one."""
    maio.forget()
    cache.drop([FILE])
    run(*maio.before(service, model, "--keep", "--no-cold"), *command)
    maio.told("record")
    return maio.before(service, model, "--keep")


class Attached:
    """Attachments of one file each, by this process, in which the policy does nothing or records."""
    def __init__(self, paths, record=False):
        self.fds = []
        with open("/dev/ppc", "rb") as ppc:
            for path in paths:
                with open(path, "rb") as f:
                    fds = ctypes.c_int32(f.fileno())
                    # Something that may be written to, or ioctl() does not tell what it returned.
                    args = bytearray(struct.pack("<Q16sQIIQQ", 0, b"maio", ctypes.addressof(fds), 1, 0, 0, 0))
                    self.fds.append(fcntl.ioctl(ppc, PPC_IOC_ATTACH, args))
                if record:
                    fcntl.ioctl(self.fds[-1], MAIO_IOC_RECORD_START)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for fd in self.fds:
            os.close(fd)


def states(patched):
    """What a file may be to the hooks: a name, and what is put before a command for it."""
    if not patched:
        yield "unpatched", []
        return
    yield "off", []
    maio.forget()
    yield "another file attached", maio.before("other", OTHER, "--keep")
    with Attached([FILE]):
        yield "attached, idle", []
    maio.forget()
    yield "recording", maio.before("warm", FILE, "--keep", "--no-cold")
    yield "replaying", recorded("cold", FILE, *READ, "if=" + FILE)


def memory():
    with open("/proc/meminfo") as f:
        return memory_of(f.read())


def memory_of(text):
    """Bytes that the kernel itself has taken."""
    return sum(int(re.search(rf"^{k}:\s+(\d+) kB", text, re.M)[1]) for k in ("Slab", "VmallocUsed", "Percpu")) << 10


def scratch(count, size=4096):
    """So many files of their own; of holes if they are large."""
    shutil.rmtree(SCRATCH, ignore_errors=True)
    os.mkdir(SCRATCH)
    paths = [f"{SCRATCH}/{n:05d}.gguf" for n in range(count)]
    for path in paths:
        with open(path, "wb") as f:
            f.truncate(size)
    os.sync()
    return paths


def attached(prefix):
    """Time of a run that does nothing, and the kernel's memory in it: medians of three."""
    times, sizes = [], []
    for _ in range(3):
        before = memory()
        start = time.monotonic_ns()
        said = run(*prefix, "cat", "/proc/meminfo")
        times.append(time.monotonic_ns() - start)
        sizes.append(memory_of(said) - before)
    return {"ns": statistics.median(times), "bytes": statistics.median(sizes)}


def by_files(count):
    scratch(count)
    maio.forget()
    # The inodes are there before, as they will be after.
    run("find", SCRATCH, "-name", "*.gguf", "-size", "+0")
    return attached(maio.before("files", SCRATCH, "--keep"))


def by_extents(count):
    """The template has so many, far from each other, in a file beside the one that is read."""
    path, = scratch(1, (count + 1) * EXTENT_STEP)
    os.rename(FILE, SCRATCH + "/file.gguf")
    try:
        os.symlink(SCRATCH + "/file.gguf", FILE)
        prefix = recorded("extents", SCRATCH, "/usr/bin/python3", "-c", f"""
import os
with open({FILE!r}, "rb", buffering=0) as f:
    while f.read(1 << 20):
        pass
fd = os.open({path!r}, os.O_RDONLY)
for n in range({count}):
    os.pread(fd, 65536, n * {EXTENT_STEP})
""")
        row = attached(prefix)
        row["template_bytes"] = maio.stored()
        cache.rewarm(FILE)
        row["op_ns"] = cost("pread", "4096", FILE, prefix=prefix)
    finally:
        os.unlink(FILE)
        os.rename(SCRATCH + "/file.gguf", FILE)
    return row


def by_attachments(count):
    """So many attachments of other files, while one more is made and read."""
    with Attached(scratch(count)):
        maio.forget()
        row = attached(maio.before("one-more", FILE, "--keep"))
        cache.rewarm(FILE)
        maio.forget()
        row["op_ns"] = cost("pread", "4096", FILE, prefix=maio.before("one-more", FILE, "--keep"))
    return row


def by_replicas(count):
    """So many attachments of the file that is read, all recording."""
    with Attached([FILE] * count, record=True):
        cache.rewarm(FILE)
        return {"op_ns": cost("pread", "4096", FILE)}


def by_workers(count):
    """So many processes read the file that is cached, and were recorded to."""
    words = ["workers", str(count), "4096", FILE]
    cache.rewarm(FILE)
    row = {"op_off_ns": cost(*words)}
    maio.forget()
    cache.rewarm(FILE)
    row["op_recording_ns"] = cost(*words, prefix=maio.before("warm", FILE, "--keep", "--no-cold"))
    prefix = recorded("cold", FILE, HERE + "/cost", *words)
    row["template_bytes"] = maio.stored()
    cache.rewarm(FILE)
    row["op_ns"] = cost(*words, prefix=prefix)
    return row


# What an attachment may have more or less of.
GROWTH = {
    "files": (by_files, (1, 10, 100, 1000, 10000)),
    "extents": (by_extents, (1, 10, 100, 1000)),
    "attachments": (by_attachments, (1, 10, 100, 1000)),
    "replicas": (by_replicas, (1, 2, 4, 8)),
    "workers": (by_workers, (1, 10, 100, 1000)),
}


def slope(rows, key):
    """Least squares of what grows with a number: (at none, of each more)."""
    xs, ys = [r["count"] for r in rows], [r[key] for r in rows]
    mx, my = statistics.mean(xs), statistics.mean(ys)
    each = sum((x - mx) * (y - my) for x, y in zip(xs, ys)) / sum((x - mx) ** 2 for x in xs)
    return [my - each * mx, each]


def grow(of):
    measure, counts = GROWTH[of]
    rows = []
    for count in counts:
        rows.append({"count": count, **measure(count)})
        say(f"{of}: " + ", ".join(f"{k} {v:.0f}" for k, v in rows[-1].items()))
    return {"rows": rows, "slopes": {key: slope(rows, key) for key in rows[0] if key != "count"}}


def template():
    """The bytes of a template, of the model as one loader reads it."""
    model = disk.MOUNT + "/model"
    cache.drop(disk.files("model"))
    recorded("model", model, HERE + "/load", model)
    size = maio.stored()
    return {"bytes": size, "model_bytes": sum(os.stat(p).st_size for p in disk.files("model"))}


def main(out):
    patched = not os.environ.get("PPC_STOCK")
    # An attachment's files are open while it is made, and each idle process has pipes.
    most = 2 * max(GROWTH["files"][1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    disk.make("ext4", 1)
    disk.grow()
    # What growing leaves to write would be counted with the first reads.
    os.sync()
    time.sleep(10)
    result = {"operations": {}, "cold_read_per_mib": {}}
    if patched:
        run("modprobe", "ppc_maio")
    for name, prefix in states(patched):
        result["operations"][name] = cached(prefix)
        result["cold_read_per_mib"][name] = cold(prefix, name == "recording")
        say(f"{name}: " + ", ".join(f"{op} {ns:.1f}" for op, ns in result["operations"][name].items()) +
            f", cold read {result['cold_read_per_mib'][name]:.0f} a MiB")
    if patched:
        result["growth"] = {of: grow(of) for of in GROWTH}
        result["template"] = template()
        say(f"template: {result['template']['bytes']} bytes")
    with open(out, "w") as f:
        json.dump(result, f, indent=1)


main(*sys.argv[1:])
