"""writes beside a load, little memory"""
import os
import subprocess
import sys
import time

import lab

MODES = "SCPB"
WRITTEN = 200 * lab.MB
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


def judge(r, want):
    """On stock the device rests between reads. If it never does, a fair half of it is the writer's."""
    full = (r.read + WRITTEN) / 527e6 > 0.9 * r.said.get("load", 0)
    for name, most in ("load", 1.05), ("writer", 2.1 if full else 1.1):
        ratio = r.said.get(name, 0) / r.stock.said[name]
        want(ratio <= most, f"the {name} takes {ratio:.2f} of its time on stock")


def main(path, flags):
    """The writer; prints its seconds."""
    begin, block = time.monotonic(), os.urandom(lab.MB)
    fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_TRUNC)
    for i in range(WRITTEN // lab.MB):
        os.pwritev(fd, [block], i % 150 * lab.MB, int(flags))
    os.fsync(fd)
    print(time.monotonic() - begin)


if __name__ == "__main__":
    main(*sys.argv[1:])
