#!/usr/bin/python3
"""The part of `make cases` that runs in a guest: loads as users' reports have them, each on the stock
kernel and in MAIO's modes, from a cold cache.

A case is a module case_NN:
    its docstring        one line
    load(folder, variant)  the load, in a process of its own (see lab.py)
    MODES                which ways: S stock, C first run, P replay, A --auto, B replay with --burn ("SCP")
    PREPARES             of these, what only records for those behind it
    VARIANTS             names of variants of the load (one without a name)
    LIMITS               in place of VARIANTS: {variant: memory limit in bytes or None}
    CACHED               bytes that may stay cached beside what does on stock
    MODEL, make(root)    the model: what write_model() is given, or what makes it
    models(folder)       what maioctl is told to be the model (the folder)
    plan()               (variant, mode) in turn, where that is not all of both
    service(variant)     under which name the template goes
    before(folder, mode, variant), after(mode)    beside the load; after() may tell more of it
    judge(runs, want)    what else is wanted: want(is it so, what is said if not)

usage: guest.py OUT.jsonl CASE...
"""
import importlib
import json
import os
import re
import subprocess
import sys
import time
from types import SimpleNamespace

import cache
import lab
import maio
import settle
import ssd
from command import run

HERE = os.path.dirname(os.path.abspath(__file__))
MOUNT, CGROUP, TOLD = "/mnt", "/sys/fs/cgroup/case", maio.TOLD
OPTIONS = {"C": [], "P": [], "A": ["--auto"], "B": ["--burn"]}
COMPLAINT = re.compile(r"\b(BUG|WARNING|oom|Killed|hung task|rcu.*stall)\b")
# What may differ from one load to the next: the command's start, and a page here or there.
SLOWER, MORE = 1.05, 1.05
SECONDS, BYTES = 0.03, 2 << 20


def say(text):
    print("   " + text, file=sys.stderr, flush=True)


def files_of(folder):
    return [os.path.join(d, f) for d, _, names in os.walk(folder) for f in names]


def bytes_read():
    with open(f"/sys/block/{os.path.basename(os.path.realpath(ssd.DEVICE))}/stat") as f:
        return int(f.read().split()[2]) * 512


def complaints():
    return [line for line in run("dmesg").splitlines() if COMPLAINT.search(line)]


class Case:
    def __init__(self, name):
        self.name = name
        self.module = importlib.import_module("case_" + name)
        self.limits = getattr(self.module, "LIMITS", None)
        self.variants = self.limits or getattr(self.module, "VARIANTS", ("",))
        self.runs = {}

    def hook(self, name, default):
        return getattr(self.module, name, default)

    def plan(self):
        modes = self.hook("MODES", "SCP")
        return self.hook("plan", lambda: [(v, m) for v in self.variants for m in modes])()

    def make(self):
        """The model; one that is like the last case's is there already."""
        shape = self.hook("MODEL", {})
        own = self.hook("make", None)
        self.folder = f"{MOUNT}/{self.name if own else 'model' + str(shape.get('files', ''))}"
        if not os.path.isdir(self.folder):
            if own:
                own(self.folder)
            else:
                lab.write_model(self.folder, **shape)
            os.sync()

    def command(self, variant, mode):
        load = [sys.executable, "-B", HERE + "/lab.py", "case_" + self.name, self.folder, variant]
        if mode == "S":
            return load
        service = re.sub(r"\W+", "-", self.name + self.hook("service", lambda v: v)(variant))
        models = self.hook("models", lambda folder: [folder])(self.folder)
        before = maio.before(service, models[0], *OPTIONS[mode])
        return before[:-1] + models[1:] + before[-1:] + load

    def measure(self, variant, mode):
        files, limit = files_of(self.folder), self.limits and self.limits[variant]
        cache.drop(files)
        if os.path.exists(TOLD):
            os.unlink(TOLD)
        if limit:
            os.mkdir(CGROUP)
            with open(CGROUP + "/memory.max", "w") as f:
                f.write(str(limit))
        self.hook("before", lambda *_: None)(self.folder, mode, variant)
        settle.khugepaged()
        complained = len(complaints())
        read, begin = bytes_read(), time.monotonic()

        def join():
            if limit:
                with open(CGROUP + "/cgroup.procs", "w") as f:
                    f.write(str(os.getpid()))

        done = subprocess.run(self.command(variant, mode), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False, preexec_fn=join, cwd=HERE)
        seconds, read = time.monotonic() - begin, bytes_read() - read
        resident = sum(cache.cached(f) for f in files)
        more = self.hook("after", lambda *_: {})(mode)
        if limit:
            os.rmdir(CGROUP)
        said = json.loads(done.stdout) if done.returncode == 0 and done.stdout else {}
        told = {}
        if os.path.exists(TOLD):
            with open(TOLD) as f:
                told = json.load(f)
        return SimpleNamespace(
            seconds=seconds, read=read, resident=resident, exit=done.returncode, said={**said, **more},
            prefetched=told.get("stats", {}).get("prefetched_bytes", 0), saved=bool(told.get("template", {}).get("saved")),
            replayed=told.get("state") == "replay", told=told, stderr=done.stderr[-2000:],
            complaints=complaints()[complained:])

    def common(self, r, stock, want):
        """What is wanted of every case."""
        if r.exit != stock.exit:
            want(False, f"exit {r.exit}: {r.stderr.strip().splitlines()[-1:]}")
            return
        want(r.said.get("sum") == stock.said.get("sum"), "other bytes were read")
        want(not r.complaints, f"the kernel complains: {r.complaints[:1]}")
        want(r.seconds <= stock.seconds * SLOWER + SECONDS, f"{r.seconds / stock.seconds:.2f} of stock's time")
        want(r.read <= stock.read * MORE + BYTES, f"{r.read / max(1, stock.read):.2f} of the bytes stock reads")
        want(r.resident <= stock.resident + self.hook("CACHED", BYTES),
             f"{r.resident / 1e6:.0f} MB stay cached, {stock.resident / 1e6:.0f} on stock")

    def go(self, out):
        self.make()
        for variant, mode in self.plan():
            r = self.runs[variant, mode] = self.measure(variant, mode)
            say(f"{self.name} {variant} {mode}: {r.seconds:.3f} s, {r.read / 1e6:.0f} MB read, "
                f"{r.resident / 1e6:.0f} MB cached, exit {r.exit}")
        for (variant, mode), r in self.runs.items():
            stock, why = self.runs[variant, "S"], []
            # Judged one by one, so that each run is told what it failed.
            pair = {(variant, "S"): stock, (variant, mode): r}

            def want(ok, text):
                if not ok and text not in why:
                    why.append(text)

            if mode != "S" and mode not in self.hook("PREPARES", ""):
                self.common(r, stock, want)
                self.hook("judge", lambda *_: None)(Runs(self.runs, pair), want)
            out.write(json.dumps({
                "case": self.name, "title": self.module.__doc__, "variant": variant, "mode": mode, "seconds": r.seconds,
                "ratio_to_stock": r.seconds / stock.seconds, "read_mb": r.read / 1e6,
                "read_ratio": r.read / max(1, stock.read), "resident_mb": r.resident / 1e6, "exit": r.exit,
                "verdict": "fails" if why else "ok", "why": "; ".join(why), "said": r.said, "maioctl": r.told}) + "\n")


class Runs(dict):
    """All runs of a case, of which those are looked at that are judged now."""
    def __init__(self, runs, judged):
        super().__init__(runs)
        self.judged = judged

    def items(self):
        return self.judged.items()


def main(out, *names):
    run("mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0", ssd.DEVICE)
    os.makedirs(MOUNT, exist_ok=True)
    run("mount", "-o", "noinit_itable", ssd.DEVICE, MOUNT)
    with open("/sys/fs/cgroup/cgroup.subtree_control", "w") as f:
        f.write("+memory")
    run("modprobe", "ppc_maio")
    maio.forget()
    failed = 0
    with open(out, "w", buffering=1) as f:
        for name in names:
            try:
                Case(name).go(f)
            except (RuntimeError, OSError, ValueError, KeyError) as e:
                failed = 1
                say(f"{name}: {type(e).__name__}: {e}")
                f.write(json.dumps({"case": name, "mode": "", "verdict": "fails", "why": f"{type(e).__name__}: {e}"}) + "\n")
    return failed


sys.exit(main(*sys.argv[1:]))
