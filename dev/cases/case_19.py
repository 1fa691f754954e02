"""loaded right after it was written"""
import os
import shutil
import time

import cache
import lab
from command import run

MODES = "SB"
LIMITS = {"": None, "memory 480 MiB": 480 * lab.MB, "again": None}
ONE_TEMPLATE = True


def make(root):
    lab.write_model(root + "/source")
    shutil.copytree(root + "/source", root + "/model")


def models(root, _):
    return [root + "/model"]


def before(root, _, variant):
    """Written anew, and not synced."""
    if variant != "again":
        shutil.rmtree(root + "/model")
        run("cp", "-r", root + "/source", root + "/model", cgroup=lab.CGROUP if LIMITS[variant] else None)


def load(root, _):
    lab.load(lab.shards(root + "/model"))


def after(root, _):
    """How long until nothing of it is cached; 5 s at most."""
    begin = time.monotonic()
    files = lab.shards(root + "/model")
    while (left := sum(cache.cached(f) for f in files)) and time.monotonic() < begin + 5:
        time.sleep(0.1)
    return {"left": left}


def judge(r, want):
    want(r.said["left"] <= lab.MB, f"{r.said['left'] / 1e6:.0f} MB are cached 5 s after the load")
    if r.variant == "again":
        want(r.seconds < r.stock.seconds, "no faster than stock")
