"""writes beside a load, little memory"""
import os
import subprocess
import sys
import time

import lab

MODES = "SCPB"
LIMITS = {"cached": 300 * lab.MB, "RWF_DONTCACHE": 300 * lab.MB}


def load(folder, variant):
    out = os.path.dirname(folder) + "/written"
    writer = subprocess.Popen([sys.executable, "-B", __file__, out, "128" if "DONT" in variant else "0"],
                              stdout=subprocess.PIPE, text=True)
    begin = time.monotonic()
    lab.load(lab.shards(folder))
    lab.said["load"] = time.monotonic() - begin
    lab.said["writer"] = float(writer.communicate()[0])
    os.unlink(out)


def judge(runs, want):
    for (variant, mode), r in runs.items():
        stock = runs[variant, "S"].said
        want(r.said.get("load", 0) <= stock["load"] * 1.05, f"{variant}, {mode}: the load is slower than stock's")
        want(r.said.get("writer", 0) <= stock["writer"] * 1.1, f"{variant}, {mode}: the writer is slower than stock's")


def main(path, flags):
    """The writer; prints its seconds."""
    begin, block = time.monotonic(), os.urandom(lab.MB)
    fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_TRUNC)
    for i in range(200):
        os.pwritev(fd, [block], i % 150 * lab.MB, int(flags))
    os.fsync(fd)
    print(time.monotonic() - begin)


if __name__ == "__main__":
    main(*sys.argv[1:])
