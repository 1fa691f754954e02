#!/usr/bin/python3
"""The part of `make run` that runs in a guest: calibrates the SSD, then loads the model again
and again, each loader under each policy in turn, from a cold cache.

usage: guest.py POLICIES ROUNDS PARTS OUT.json
POLICIES and PARTS are lists with commas; parts: calibrate, pread.
"""
import json
import os
import shutil
import subprocess
import sys

import cache
import ssd

HERE = os.path.dirname(os.path.abspath(__file__))
MOUNT = "/mnt"
MODEL, PREAD, OTHER = MOUNT + "/model", MOUNT + "/pread.bin", MOUNT + "/other.bin"
STORE = "/tmp/store"
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


def run(cmd, **env):
    done = subprocess.run(cmd, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(cmd)}: exit {done.returncode}: {(done.stderr or done.stdout)[-2000:].strip()}")
    return done.stdout


def maioctl(service, mode, model, out):
    """What is put before a command to run it with MAIO. Without the policy it is to fail, not to go on."""
    return ["maioctl", "run", "--require", "--store", STORE, "--service", service, mode, "--json", out, model, "--"]


def account(path, state):
    """maioctl's own account of a run, which must have been of the kind that its row names."""
    with open(path) as f:
        told = json.load(f)
    if told["state"] != state:
        raise RuntimeError(f"maioctl did not {state}, its state was '{told['state']}': {told.get('reason')}")
    return told


def load(loader, policy, kinds):
    """One load from a cold cache: what the loader says of itself, and what is left in the cache."""
    shards = [f"{MODEL}/{f}" for f in sorted(os.listdir(MODEL)) if f.endswith(".safetensors")]
    script, *args = LOADERS[loader]
    cmd = ["/usr/bin/python3", "-B", f"{HERE}/{script}", *args, MODEL, "/tmp/load.json"]
    for f in ("/tmp/load.json", "/tmp/maioctl.json"):
        if os.path.exists(f):
            os.unlink(f)
    if policy == "maio-first":
        shutil.rmtree(STORE, ignore_errors=True)
        os.mkdir(STORE)
    if policy.startswith("maio"):
        cmd = maioctl(loader, "--burn", MODEL, "/tmp/maioctl.json") + cmd
    cache.drop(shards)
    run(cmd, DIGEST=kinds)
    end = sum(cache.cached(f) for f in shards)
    with open("/tmp/load.json") as f:
        result = json.load(f)
    result["cached_end"] = end
    if policy.startswith("maio"):
        result["maioctl"] = account("/tmp/maioctl.json", "record" if policy == "maio-first" else "replay")
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
        # Brought in by the stock kernel each time, so that the folios are the same.
        cache.drop([PREAD])
        with open(PREAD, "rb", buffering=0) as f:
            while f.read(1 << 20):
                pass
        try:
            result[name] = json.loads(run([*prefix, *cost]).splitlines()[-1])
            say(f"4 KiB pread, {name}: {result[name]['ns']:.1f} ns")
        except (RuntimeError, OSError, ValueError) as e:
            result[name] = {"error": str(e)}
            say(f"4 KiB pread, {name}: {e}")

    measure("off")
    if with_maio:
        shutil.rmtree(STORE, ignore_errors=True)
        os.mkdir(STORE)
        out = "/tmp/maioctl.json"
        measure("other", *maioctl("other", "--keep", OTHER, out))
        measure("attached-recording", *maioctl("warm", "--keep", PREAD, out))
        # A recording of cold reads, so that the next run replays it.
        cache.drop([PREAD])
        try:
            run(maioctl("cold", "--keep", PREAD, out) + ["cat", PREAD])
        except (RuntimeError, OSError) as e:
            say(f"recording for the replay: {e}")
        measure("attached-replaying", *maioctl("cold", "--keep", PREAD, out))
    return result


def main(policies, rounds, parts, out):
    policies = policies.split(",")
    with_maio = any(p.startswith("maio") for p in policies)
    result = {
        "kernel": os.uname().release, "profile": os.environ.get("PPC_PROFILE"), "accel": os.environ.get("PPC_ACCEL"),
        "base": os.environ.get("PPC_BASE"), "thp": read("/sys/kernel/mm/transparent_hugepage/enabled"),
        "memory": read("/proc/meminfo").splitlines()[0],
    }
    run(["mount", "-o", "noatime", ssd.DEVICE, MOUNT])
    os.environ["SSD_TICK"] = ssd.tick()
    if with_maio:
        try:
            run(["modprobe", "ppc_maio"])
            run(["maioctl", "--version"])
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
