#!/usr/bin/python3
"""The part of `make cases` that runs in a guest: loads as users' reports have them, each on the stock
kernel and in MAIO's modes, from a cold cache.

A case is a module case_NN:
    its docstring        one line
    load(folder, variant)  the load, in a process of its own (see lab.py)
    MODES                which ways: S stock, C first run, P replay, A --auto, B replay with --burn ("SCP")
    PREPARES             of these, what only records for those behind it, and is not judged
    VARIANTS             names of variants of the load (one without a name)
    LIMITS               in place of VARIANTS: {variant: memory limit in bytes or None}
    CACHED               bytes that may stay cached beside what does on stock
    MODEL, make(root)    the model: what write_model() is given, or what makes it
    models(folder, variant)  what maioctl is told to be the model (the folder)
    OPTIONS              {mode: options of maioctl} where they are others than usual
    ONE_TEMPLATE         variants replay the template of the first one; it alone has a first run (False)
    before(folder, mode, variant), after(folder, mode)    beside the load; after() may tell more of it
    QUICK                True: CI runs it, and it has to hold
    judge(r, want)       what else is wanted of a run: want(is it so, what is said if not); the same variant
                         without MAIO is r.stock, any other run r.runs[variant, mode]

usage: guest.py OUT.jsonl CASE...
"""
import importlib
import json
import os
import re
import shutil
import sys
import time
from types import SimpleNamespace

import cache
import counters
import lab
import maio
import settle
import ssd
from command import complete, run

HERE = os.path.dirname(os.path.abspath(__file__))
MOUNT = "/mnt"
OPTIONS = {"C": [], "P": [], "A": ["--auto"], "B": ["--burn"]}
COMPLAINT = re.compile(r"\b(BUG|WARNING|oom|Killed|hung task|rcu.*stall)\b")
# What may differ from one load to the next: the command's start, and a page here or there.
SLOWER, MORE = 1.05, 1.05
SECONDS, BYTES = 0.03, 2 << 20


def say(text):
    print("   " + text, file=sys.stderr, flush=True)


def files_of(folder):
    """Those of the SSD: what is on tmpfs is always cached."""
    files = [os.path.join(d, f) for d, _, names in os.walk(folder) for f in names]
    return [f for f in files if os.stat(f).st_dev == os.stat(folder).st_dev]


def bytes_read():
    return counters.device_bytes(os.path.basename(os.path.realpath(ssd.DEVICE)))


def complaints():
    return [line for line in run("dmesg").splitlines() if COMPLAINT.search(line)]


class Case:
    def __init__(self, name):
        self.name = name
        self.module = importlib.import_module("case_" + name)
        self.limits = self.hook("LIMITS", {})
        self.variants = list(self.limits or self.hook("VARIANTS", ("",)))
        self.one_template = self.hook("ONE_TEMPLATE", False)
        self.runs = {}

    def hook(self, name, default):
        return getattr(self.module, name, default)

    def plan(self):
        """(variant, mode) in turn."""
        return [(v, m) for v in self.variants for m in self.hook("MODES", "SCP")
                if m != "C" or v == self.variants[0] or not self.one_template]

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

    def clean(self):
        """There is room for a few models only."""
        shutil.rmtree(f"{MOUNT}/{self.name}", ignore_errors=True)

    def command(self, variant, mode):
        load = [sys.executable, "-B", HERE + "/lab.py", "case_" + self.name, self.folder, variant]
        if mode == "S":
            return load
        service = re.sub(r"\W+", "-", self.name + ("" if self.one_template else variant))
        models = self.hook("models", lambda folder, _: [folder])(self.folder, variant)
        before = maio.before(service, models[0], *{**OPTIONS, **self.hook("OPTIONS", {})}[mode])
        return before[:-1] + models[1:] + before[-1:] + load

    def measure(self, variant, mode):
        files, limit = files_of(self.folder), self.limits.get(variant)
        cache.drop(files)
        if os.path.exists(maio.TOLD):
            os.unlink(maio.TOLD)
        if limit:
            os.mkdir(lab.CGROUP)
            with open(lab.CGROUP + "/memory.max", "w") as f:
                f.write(str(limit))
        self.hook("before", lambda *_: None)(self.folder, mode, variant)
        settle.khugepaged()
        complained = len(complaints())
        read, begin = bytes_read(), time.monotonic()
        done = complete(*self.command(variant, mode), cgroup=lab.CGROUP if limit else None)
        seconds, read = time.monotonic() - begin, bytes_read() - read
        resident = sum(cache.cached(f) for f in files)
        more = self.hook("after", lambda *_: {})(self.folder, mode)
        if limit:
            os.rmdir(lab.CGROUP)
        if mode == "S" and done.returncode:
            raise RuntimeError(f"the load fails without MAIO: {done.stderr[-2000:].strip()}")
        said = json.loads(done.stdout) if not done.returncode else {}
        told = {}
        if os.path.exists(maio.TOLD):
            with open(maio.TOLD) as f:
                told = json.load(f)
        return SimpleNamespace(
            variant=variant, mode=mode, runs=self.runs, seconds=seconds, read=read, resident=resident, exit=done.returncode, said={**said, **more},
            prefetched=told.get("stats", {}).get("prefetched_bytes", 0), saved=bool(told.get("template", {}).get("saved")),
            replayed=told.get("state") == "replay", told=told, stderr=done.stderr[-2000:],
            complaints=complaints()[complained:])

    def common(self, r, want):
        """What is wanted of every case."""
        stock = r.stock
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
            r.stock, why = self.runs[variant, "S"], []

            def want(ok, text):
                if not ok:
                    why.append(text)

            judged = mode != "S" and mode not in self.hook("PREPARES", "")
            if judged:
                self.common(r, want)
                self.hook("judge", lambda *_: None)(r, want)
            out.write(json.dumps({
                "case": self.name, "title": self.module.__doc__, "variant": variant, "mode": mode, "seconds": r.seconds,
                "ratio_to_stock": r.seconds / r.stock.seconds, "read_mb": r.read / 1e6,
                "read_ratio": r.read / max(1, r.stock.read), "resident_mb": r.resident / 1e6, "exit": r.exit,
                "verdict": "fails" if why else "ok" if judged else "not judged", "why": "; ".join(why),
                "said": r.said, "maioctl": r.told}) + "\n")


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
                case = Case(name)
                try:
                    case.go(f)
                finally:
                    case.clean()
            except (RuntimeError, OSError, ValueError, KeyError) as e:
                failed = 1
                say(f"{name}: {type(e).__name__}: {e}")
                f.write(json.dumps({"case": name, "mode": "", "verdict": "fails", "why": f"{type(e).__name__}: {e}"}) + "\n")
    return failed


sys.exit(main(*sys.argv[1:]))
