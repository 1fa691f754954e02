"""a loader that looks at free memory first"""
import time

import lab

LIMITS = {"": None, "cgroup": 600 * lab.MB}


def load(folder, variant):
    for path in lab.shards(folder):
        lab.header(path)
    # Imports, a device's context.
    time.sleep(2)
    if variant:
        with open("/sys/fs/cgroup/case/memory.current") as f:
            lab.said["used"] = int(f.read())
    else:
        lab.said["used"] = -lab.meminfo("MemFree")
    lab.load(lab.shards(folder))


def judge(r, want):
    more = r.said.get("used", 0) - r.stock.said["used"]
    want(more <= 32 * lab.MB, f"{more >> 20} MiB less free before data was read, want at most 32")
