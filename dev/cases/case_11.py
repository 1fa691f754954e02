"""the memory policy of the reader"""
import ctypes
import os

import lab
import where

VARIANTS = "bind", "interleave"
SET_MEMPOLICY = 238
MPOL = {"bind": (2, 2), "interleave": (3, 3)}


def load(folder, variant):
    """On a CPU of node 0; bind: memory of node 1."""
    os.sched_setaffinity(0, {0})
    mode, nodes = MPOL[variant]
    mask = ctypes.c_ulong(nodes)
    if lab.libc.syscall(SET_MEMPOLICY, mode, ctypes.byref(mask), 64):
        raise OSError(ctypes.get_errno(), "set_mempolicy")
    lab.load(lab.shards(folder))
    lab.said["nodes"] = where.all_bytes_on_nodes(lab.shards(folder))


def judge(r, want):
    nodes = r.said.get("nodes", {})
    share = nodes.get("1", 0) / max(1, sum(nodes.values()))
    low, high = (0.95, 1) if r.variant == "bind" else (0.4, 0.6)
    want(low <= share <= high, f"{share:.0%} of the model on node 1")
