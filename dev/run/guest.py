#!/usr/bin/python3
"""The part of `make run` that runs in a guest: calibrates the SSD, then loads the model again
and again, each loader under each policy in turn, from a cold cache.

usage: guest.py POLICIES ROUNDS PARTS OUT.json
POLICIES and PARTS are lists with commas; parts: calibrate, pread.
"""
import json
import os
import sys

import cache
import maio
import settle
import ssd
from command import run

HERE = os.path.dirname(os.path.abspath(__file__))
MOUNT = "/mnt"
MODEL, PREAD, OTHER = MOUNT + "/model", MOUNT + "/pread.bin", MOUNT + "/other.bin"
LOADERS = {
    "safetensors": ["load_safetensors.py"],
    "read-128k": ["load_read.py", str(128 << 10)],
    "read-1m": ["load_read.py", str(1 << 20)],
}


def say(text):
    print(f"   {os.environ.get('PPC_PROFILE')}{' unpatched' if os.environ.get('PPC_STOCK') else ''}: {text}",
          file=sys.stderr, flush=True)


def read(path):
    with open(path) as f:
        return f.read().strip()


def load(loader, policy, kinds):
    """One load from a cold cache: what the loader says of itself, and what is left in the cache."""
    shards = [f"{MODEL}/{f}" for f in sorted(os.listdir(MODEL)) if f.endswith(".safetensors")]
    script, *args = LOADERS[loader]
    cmd = ["/usr/bin/python3", "-B", f"{HERE}/{script}", *args, MODEL, "/tmp/load.json"]
    for f in ("/tmp/load.json", maio.TOLD):
        if os.path.exists(f):
            os.unlink(f)
    if policy == "maio-first":
        maio.forget()
    if policy.startswith("maio"):
        cmd = maio.before(loader, MODEL, "--burn") + cmd
    cache.drop(shards)
    settle.khugepaged()
    run(*cmd, env={"DIGEST": kinds})
    end = sum(cache.cached(f) for f in shards)
    with open("/tmp/load.json") as f:
        result = json.load(f)
    result["cached_end"] = end
    if policy.startswith("maio"):
        result["maioctl"] = maio.told("cold" if policy == "maio-first" else "replay")
    return result


def digest(n, policy):
    """A SHA-256 takes far longer than a load here: once for each loader and policy."""
    paper = os.environ.get("PPC_PROFILE") == "paper"
    return "sha256,crc32" if n == 0 and (paper or policy == "maio") else "crc32"


def loads(policies, rounds):
    runs = []
    for n in range(rounds):
        for loader in LOADERS:
            for policy in policies:
                one = {"loader": loader, "policy": policy, "round": n}
                try:
                    one.update(load(loader, policy, digest(n, policy)))
                    told = f"{one['ns'] / 1e9:.4f} s"
                except (RuntimeError, OSError, ValueError, KeyError) as e:
                    one["error"] = told = str(e)
                runs.append(one)
                say(f"round {n + 1} of {rounds}, {loader}, {policy}: {told}")
    return runs


def pread(with_maio):
    """Instructions of one cached 4 KiB pread(): alone, beside an attachment, attached."""
    cost = [HERE + "/cost", "pread", "4096", PREAD]
    result = {}

    def measure(name, *prefix):
        cache.rewarm(PREAD)
        try:
            result[name] = json.loads(run(*prefix, *cost).splitlines()[-1])
            say(f"4 KiB pread, {name}: {result[name]['ns']:.1f} ns")
        except (RuntimeError, OSError, ValueError) as e:
            result[name] = {"error": str(e)}
            say(f"4 KiB pread, {name}: {e}")

    measure("off")
    if with_maio:
        maio.forget()
        measure("other", *maio.before("other", OTHER, "--keep"))
        measure("attached-recording", *maio.before("warm", PREAD, "--keep", "--no-cold"))
        # A recording of cold reads, so that the next run replays it.
        cache.drop([PREAD])
        try:
            run(*maio.before("cold", PREAD, "--keep", "--no-cold"), "cat", PREAD)
        except (RuntimeError, OSError) as e:
            say(f"recording for the replay: {e}")
        measure("attached-replaying", *maio.before("cold", PREAD, "--keep"))
    return result


def main(policies, rounds, parts, out):
    policies = policies.split(",")
    with_maio = any(p.startswith("maio") for p in policies)
    result = {
        "kernel": os.uname().release, "profile": os.environ.get("PPC_PROFILE"), "accel": os.environ.get("PPC_ACCEL"),
        "base": os.environ.get("PPC_BASE"), "thp": read("/sys/kernel/mm/transparent_hugepage/enabled"),
        "memory": read("/proc/meminfo").splitlines()[0],
    }
    run("mount", "-o", "noatime", ssd.DEVICE, MOUNT)
    ssd.find_tick()
    if with_maio:
        try:
            run("modprobe", "ppc_maio")
            run("maioctl", "--version")
        except (RuntimeError, OSError) as e:
            # The stock rows are still worth having.
            result["maio_error"] = str(e)
            say(f"MAIO cannot be used: {e}")
            policies, with_maio = [p for p in policies if not p.startswith("maio")], False
    if "calibrate" in parts:
        result["calibration"] = c = ssd.calibrate()
        say(f"fio: depth 1 {c['qd1_mbps']:.0f} MB/s, depth 32 " +
            ", ".join(f"{bs} {mbps:.0f}" for bs, mbps in c["qd32_mbps"].items()))
    if "pread" in parts:
        result["pread4k"] = pread(with_maio)
    result["runs"] = loads(policies, int(rounds))
    with open(out, "w") as f:
        json.dump(result, f, indent=1)


main(sys.argv[1], sys.argv[2], sys.argv[3].split(","), sys.argv[4])
