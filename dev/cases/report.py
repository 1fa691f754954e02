#!/usr/bin/python3
"""The table of `make cases`, what fails first; also as out/cases/results.json.

usage: report.py [--judge] RESULTS.json RECORDS.jsonl...
fails if a case could not be run; --judge: also if one is not as wanted, with a line for each
"""
import json
import sys

KEYS = ("case", "title", "variant", "mode", "seconds", "ratio_to_stock", "read_mb", "read_ratio", "resident_mb", "exit",
        "verdict", "why", "said", "maioctl")
MODES = {"S": "stock", "C": "first run", "P": "replay", "A": "auto", "B": "replay, burn"}


def judge(records):
    """Return: how many cases fail."""
    failed = 0
    for case in sorted({r["case"] for r in records}):
        whys = [f"{r['variant']} {MODES.get(r['mode'], '')}: {r['why']}".strip() for r in records
                if r["case"] == case and r["verdict"] == "fails"]
        failed += bool(whys)
        print(f"FAIL case {case}: {'; '.join(whys)}" if whys else f"ok   case {case}")
    return failed


def main(*args):
    judged = args[0] == "--judge"
    out, *files = args[judged:]
    records = []
    for name in files:
        with open(name) as f:
            records += [json.loads(line) for line in f]
    records.sort(key=lambda r: (r["verdict"] != "fails", r["case"], r.get("variant", "")))
    with open(out, "w") as f:
        json.dump([{k: r.get(k) for k in KEYS} for r in records], f, indent=1)
    print(f"  {'case':<4} {'variant':<24} {'mode':<13} {'seconds':>8} {'x stock':>8} {'MB read':>8} {'x stock':>8} "
          f"{'MB cached':>10}  verdict")
    broken, last = 0, None
    for r in records:
        if r["mode"] == "":
            broken += 1
            print(f"  {r['case']:<4} could not be run: {r['why']}")
            continue
        if (r["case"], r["verdict"] == "fails") != last:
            last = r["case"], r["verdict"] == "fails"
            print(f"  {r['case']:<4} {r['title']}")
        print(f"  {'':<4} {r['variant']:<24} {MODES[r['mode']]:<13} {r['seconds']:>8.3f} {r['ratio_to_stock']:>8.2f} "
              f"{r['read_mb']:>8.1f} {r['read_ratio']:>8.2f} {r['resident_mb']:>10.1f}  {r['verdict']}"
              + (f": {r['why']}" if r["why"] else ""))
    verdicts = [r["verdict"] for r in records]
    ok, failed = verdicts.count("ok"), verdicts.count("fails")
    print(f"\n  {ok} of {ok + failed} runs are as wanted; all of it: {out}")
    failed = judge(records) if judged else 0
    return 1 if broken or failed else 0


sys.exit(main(*sys.argv[1:]))
