#!/usr/bin/python3
"""Turns what the guests wrote into the table and out/run.json.

Fails (1) if a run failed or a byte was wrong; a goal that was missed is said, and fails nothing.

usage: report.py FOLDER DIGESTS.json RUN.json NAME...    FOLDER has NAME/results.json of each guest;
without the guest "unpatched", nothing is compared to it
"""
import json
import os
import statistics
import sys

import goals
import table

ORDER = ("unpatched", "stock", "maio-first", "maio")


def read(path):
    with open(path) as f:
        return json.load(f)


def row(profile, loader, policy, runs, peak):
    """The medians of one loader under one policy."""
    s = sorted(r["ns"] / 1e9 for r in runs)
    median = statistics.median(s)
    mbps = runs[0]["bytes"] / 1e6 / median
    result = {
        "profile": profile, "loader": loader, "policy": policy,
        "seconds": round(median, 6), "mbps": round(mbps, 2), "pct_of_peak": round(100 * mbps / peak, 2),
        "times_stock": None,
        "cached_mb_end": round(statistics.median(r["cached_end"] for r in runs) / 1e6, 3),
        "cached_mb_end_max": round(max(r["cached_end"] for r in runs) / 1e6, 3),
        "min": s[0], "max": s[-1], "spread_pct": round(100 * (s[-1] - s[0]) / median, 3),
        "runs": [round(r["ns"] / 1e9, 6) for r in runs],
    }
    counters = [r["maioctl"] for r in runs if "maioctl" in r]
    if counters:
        result["maioctl"] = counters[-1]
    return result


def rows(guests, peaks):
    groups = {}
    for profile, policy_of, guest in guests:
        for r in guest["runs"]:
            if "error" not in r:
                groups.setdefault((profile, r["loader"], policy_of(r["policy"])), []).append(r)
    result = [row(*key, runs, peaks[key[0]]) for key, runs in groups.items()]
    loaders = list(dict.fromkeys(r["loader"] for r in result))
    profiles = list(peaks)
    result.sort(key=lambda r: (profiles.index(r["profile"]), loaders.index(r["loader"]), ORDER.index(r["policy"])))
    stock = {(r["profile"], r["loader"]): r["seconds"] for r in result if r["policy"] == "stock"}
    for r in result:
        if (r["profile"], r["loader"]) in stock:
            r["times_stock"] = round(stock[r["profile"], r["loader"]] / r["seconds"], 4)
    return result


def pread4k(paper, unpatched):
    """Each state's cost, with how much more that is than what it is compared to."""
    costs = {"unpatched": unpatched.get("pread4k", {}).get("off"), **paper.get("pread4k", {})}
    result = {}
    for name, cost in costs.items():
        if not cost:
            continue
        result[name] = dict(cost)
        than = costs.get("unpatched" if name == "off" else "off")
        if name != "unpatched" and than and "ns" in cost and "ns" in than:
            result[name]["more_pct"] = round(100 * (cost["ns"] / than["ns"] - 1), 3)
    return result


def main(folder, digests, out, *names):
    guests, failed, digests = {}, [], read(digests)
    for name in names:
        try:
            guests[name] = read(os.path.join(folder, name, "results.json"))
        except (OSError, ValueError) as e:
            failed.append(f"the guest of '{name}' left no results ({e})")
    if "paper" not in guests or "calibration" not in guests["paper"]:
        print("\n".join(failed), file=sys.stderr)
        return 1
    for name, guest in guests.items():
        if "maio_error" in guest:
            failed.append(f"{name}: MAIO cannot be used: {guest['maio_error']}")
        for r in guest["runs"]:
            if "error" in r:
                failed.append(f"{name}: {r['loader']}, {r['policy']}, round {r['round'] + 1}: {r['error']}")
        failed += [f"{name}: pread, {state}: {cost['error']}"
                   for state, cost in guest.get("pread4k", {}).items() if "error" in cost]

    paper = guests["paper"]
    loads = [r for g in guests.values() for r in g["runs"] if "error" not in r]
    # What was not computed for a load is not compared; each has at least the checksum.
    wrong = sorted({(r["loader"], r["policy"]) for r in loads
                    if any(r.get(kind, digest) != digest for kind, digest in digests.items()) or "crc32" not in r})
    hashed = {(r["loader"], r["policy"]) for r in loads if "sha256" in r}
    wrong += sorted({(r["loader"], r["policy"]) for r in loads} - hashed)
    calibration = {n: guests[n]["calibration"] for n in ("paper", "fast") if n in guests}
    peaks = {n: c["peak_mbps"] for n, c in calibration.items()}
    unpatched = guests.get("unpatched", {"runs": []})
    run = {
        "base": paper["base"], "accel": paper["accel"], "control": "unpatched" in names,
        "model_mb": round(loads[0]["bytes"] / 1e6, 3) if loads else 0,
        "peak_mbps": round(peaks["paper"], 2), "qd1_mbps": round(paper["calibration"]["qd1_mbps"], 2),
        "sha256_equal": bool(loads) and not wrong, **digests,
        "kernel": {n: g["kernel"] for n, g in guests.items()}, "thp": paper["thp"], "memory": paper["memory"],
        "calibration": calibration,
        "rows": rows([(p, (lambda _: "unpatched") if n == "unpatched" else (lambda policy: policy), guests[n])
                      for n, p in (("paper", "paper"), ("unpatched", "paper"), ("fast", "fast")) if n in guests],
                     peaks),
        "pread4k": pread4k(paper, unpatched), "failed": failed,
    }
    run["checks"] = goals.checks(run)
    with open(out, "w") as f:
        json.dump(run, f, indent=1)
        f.write("\n")

    table.show(run)
    for loader, policy in wrong:
        print(f"  WRONG BYTES: {loader} under {policy}: not the digest of the model", file=sys.stderr)
    for text in failed:
        print(f"  FAILED: {text}", file=sys.stderr)
    missed = sum(not c["ok"] for c in run["checks"])
    print(f"\n  {len(loads)} loads, SHA-256 over all tensors {'equal' if run['sha256_equal'] else 'NOT EQUAL'}; "
          f"{len(run['checks']) - missed} of {len(run['checks'])} goals met")
    return 1 if failed or wrong or not loads else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
