"""pages cached on the wrong node"""
import os

import cache
import lab
import where

QUICK = True
OPTIONS = {"C": ["--node", "1"], "P": ["--node", "1"]}


def before(folder, _, __):
    """Cached on node 0, as somebody has just read it there."""
    os.sched_setaffinity(0, {0})
    cache.warm(lab.shards(folder))


def load(folder, _):
    lab.load(lab.shards(folder))
    lab.said["nodes"] = where.all_bytes_on_nodes(lab.shards(folder))


def judge(r, want):
    nodes = r.said.get("nodes", {})
    share = nodes.get("1", 0) / max(1, sum(nodes.values()))
    want(share >= 0.95 or "on node 0" in r.stderr, f"{share:.0%} of the model on node 1, and maioctl does not say so")
