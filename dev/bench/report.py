#!/usr/bin/python3
"""Turns the guests' records into a table and results.json: medians, and what they are compared to.

usage: report.py FOLDER DIGESTS.json RESULTS.json [OLD.json]
FOLDER has GUEST/records.jsonl of each guest; CLOCK, DEVICE in the environment as make bench has them
"""
import json
import os
import re
import statistics
import sys

import cells
import goals

# Slower by less than this is not told as lost: it is within what rounds differ by.
NOTHING_PCT = 0.5
CLOCK = os.environ.get("CLOCK", "virtual")
PROFILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../profiles")


def read_records(path):
    """A guest's first line and its records; a last line that is cut off is left out."""
    records = []
    with open(path) as f:
        for line in f:
            try:
                records.append(json.loads(line))
            except ValueError:
                continue
    if not records or "calibration" not in records[0]:
        raise ValueError("no calibration in it")
    return records[0], records[1:]


def median(runs, key):
    values = [r[key] for r in runs if key in r]
    return statistics.median(values) if values else None


def scaled(value, by, digits):
    return None if value is None else round(value / by, digits)


def command_of(name):
    if CLOCK == "real":
        return f"make bench CLOCK=real DEVICE={os.environ['DEVICE']} CELLS='{name}'"
    return f"make bench CELLS='{name}'"


def record_of(cell, runs, calibration):
    """What is told of one cell, but for what needs others."""
    seconds = [r["ns"] / 1e9 for r in runs]
    mid = statistics.median(seconds)
    size = runs[0]["bytes"]
    look = next((r["look"] for r in runs if "look" in r), {})
    cpu = median(runs, "busy_ns")
    record = {
        "scenario": cell["scenario"], "profile": cell["profile"], "variant": cell["variant"],
        "loader": cell["loader"], "method": cell["method"], "fs": cell["fs"],
        "memory": cell["memory"] or "ample", "workers": cell["workers"],
        "seconds": round(mid, 6), "min": round(min(seconds), 6), "max": round(max(seconds), 6),
        "spread_pct": round(100 * (max(seconds) - min(seconds)) / mid, 3),
        "mbps": round(size / 1e6 / mid, 2),
        "pct_of_peak": round(100 * size / 1e6 / mid / calibration["peak_mbps"], 2),
        "device_s": round(size / 1e6 / calibration["peak_mbps"], 6),
        "command_s": scaled(median(runs, "command_ns"), 1e9, 6),
        # In virtual time one instruction is one nanosecond.
        "insns_per_gb": round(cpu / (size / 1e9)) if CLOCK == "virtual" else None,
        "memory_max_mb": scaled(median(runs, "memory_max"), 1e6, 2),
        "files_max_mb": scaled(median(runs, "files_max"), 1e6, 2),
        "own_anon_mb": scaled(median(runs, "own_anon"), 1e6, 2),
        "own_kernel_mb": scaled(median(runs, "own_kernel"), 1e6, 2),
        "cached_peak_mb": scaled(look.get("cached_peak"), 1e6, 2),
        "cached_end_mb": scaled(median(runs, "cached_end"), 1e6, 2),
        "device_read_mb": scaled(median(runs, "device_read"), 1e6, 2),
        "refault_mb": scaled(median(runs, "refault"), 1e6, 2),
        "majfault": median(runs, "majfault"),
        "cpu_s": round((cpu - median(runs, "kthread_ns")) / 1e9, 6),
        "kthread_cpu_s": scaled(median(runs, "kthread_ns"), 1e9, 6),
        "kswapd_s": scaled(median(runs, "kswapd_ns"), 1e9, 6),
        "node_mb": [round(statistics.median(n) / 1e6, 2) for n in zip(*(r["node_bytes"] for r in runs))],
        "runs": [round(s, 6) for s in seconds], "bytes": size,
        "command": command_of(cell["name"]),
    }
    if "maio" in runs[0]:
        told = [r["maio"] for r in runs]
        for key in ("prefetched", "useful", "late", "wasted", "burned"):
            record[f"{key}_mb"] = scaled(median(told, key + "_bytes"), 1e6, 2)
        record["refaulted_max_mb"] = scaled(max(t["refaulted_bytes"] for t in told), 1e6, 2)
        record["memory_waits"] = median(told, "memory_waits")
        record["template_bytes"] = median(runs, "template_bytes")
    if "neighbour" in runs[0]:
        told = [r["neighbour"] for r in runs]
        record["neighbour"] = {k: median(told, k) for k in told[0]}
        # What it would have walked alone takes less time: a faster load may take more of a second, but not in all.
        record["neighbour"]["lost_s"] = round(statistics.median(
            t["seconds"] * (1 - t["walks_per_s"] / t["alone_walks_per_s"]) for t in told), 4)
    if "where" in runs[0]:
        record["where_mb"] = {node: round(n / 1e6, 2) for node, n in runs[-1]["where"].items()}
        # Nor is it enough that all of the little that is left lies well.
        record["on_node_pct"] = round(min(100 * r["where"].get(str(cell["node"]), 0) /
                                          max(r["bytes"], sum(r["where"].values())) for r in runs), 3)
    if "read_ahead_kb" in runs[0]:
        record["read_ahead_kb"] = [r["read_ahead_kb"] for r in runs]
    if "folio_orders" in look:
        record["folio_order_mb"] = {order: round(n / 1e6, 2) for order, n in
                                    sorted(look["folio_orders"].items(), key=lambda kv: int(kv[0]))}
    if "timeline" in look:
        record["timeline"] = look["timeline"]
    return record


def compare(records):
    """Fills in what needs other cells: the ratio to stock, and the limit."""
    by_name = {(r["profile"], r["variant"], r["loader"], r["method"]): r for r in records}
    # In memory, the SSD does not matter, and a limit's or template's model is that of ample memory.
    cached = {(r["fs"], r["loader"]): r["seconds"] / r["bytes"] for r in records if r["method"] == "cached"}
    for r in records:
        stock = by_name.get((r["profile"], cells.stock_of(r["variant"]), r["loader"], "stock"))
        r["ratio_to_stock"] = round(stock["seconds"] / r["seconds"], 4) if stock else None
        per_byte = cached.get((r["fs"], r["loader"]))
        r["pct_of_limit"] = None
        # What reads nothing from the device has no limit by it.
        if per_byte and r["device_read_mb"]:
            r["limit_s"] = round(max(r["device_s"], per_byte * r["bytes"]), 6)
            r["pct_of_limit"] = round(100 * r["limit_s"] / r["seconds"], 2)


# What MAIO may lose to without a defect, in the order in which it is looked for.
CAUSES = (
    (lambda mine, rival: mine["variant"] == "second-load" and mine["method"] == "maio",
     "burning: the first load left nothing in the cache; --keep is for models that are loaded again"),
    (lambda mine, rival: rival["method"].startswith("direct"),
     "a direct read saves the page cache's own work, and one of two copies"),
    (lambda mine, rival: mine["bytes"] < 1 << 20,
     "a load so small is over before a prefetch could help"),
    (lambda mine, rival: mine["variant"] == "wrong-template",
     "the template is of another order of reading"),
)


def lost(records):
    """Where MAIO is slower than another method, of these the fastest: by the loader's clock, or else
    by that of the whole command. A cached model is no rival, but where it is what the first of two
    loads left."""
    result = []
    for r in (r for r in records if r["method"] in ("maio", "maio-keep", "maio-auto", "maio-cold")):
        others = [o for o in records if o["profile"] == r["profile"] and o["loader"] == r["loader"] and
                  o["variant"] in (r["variant"], cells.stock_of(r["variant"])) and
                  o["method"] != "cached" and not o["method"].startswith("maio")]
        for clock in ("seconds", "command_s"):
            rivals = [o for o in others if o[clock] * (1 + NOTHING_PCT / 100) < r[clock]]
            if rivals:
                best = min(rivals, key=lambda o, c=clock: o[c])
                if clock == "seconds":
                    cause = next((text for test, text in CAUSES if test(r, best)), "not known")
                else:
                    cause = "by the whole command: maioctl looks at each file before the loader starts"
                result.append({"scenario": r["scenario"], "method": r["method"], "to": best["method"], "clock": clock,
                               "pct": round(100 * (r[clock] / best[clock] - 1), 2), "cause": cause})
                break
    return sorted(result, key=lambda o: -o["pct"])


def wrong(runs, crc32):
    """Cells that did not get the model's bytes, or not those that the same loader got otherwise."""
    bad, sums = set(), {}
    for r in runs:
        profile, variant, loader, _ = r["name"].split("/")
        told = r.get("look", {}).get("sum")
        if "crc32" in r:
            if cells.VARIANTS[variant].get("copies", 1) > 1:
                told = r["crc32"]
            elif r["crc32"] != crc32:
                bad.add(r["name"])
        if told:
            sums.setdefault((profile, cells.stock_of(variant), loader), {}).setdefault(r["name"], set()).add(told)
    for mine in sums.values():
        stock = [v for n, v in mine.items() if n.endswith("/stock")]
        bad |= {n for n, v in mine.items() if len(v) > 1 or stock and v != stock[0]}
    return sorted(bad)


def off_profile(profile, calibration):
    """What is wrong with an SSD that is not what its profile says."""
    try:
        with open(f"{PROFILES}/{profile}.conf") as f:
            # null_blk counts in MiB.
            cap = int(re.search(r"^mbps=(\d+)", f.read(), re.M)[1]) * 1.048576
    except FileNotFoundError:
        return
    peak, first = calibration["peak_mbps"], calibration["qd1_mbps"]
    if abs(peak / cap - 1) > 0.05:
        yield f"the SSD's peak is {peak:.0f} MB/s, its cap {cap:.0f}: further apart than 5 %"
    if profile == "paper" and not 0.15 <= first / cap <= 0.20:
        yield f"the SSD does {first:.0f} MB/s at depth 1, {100 * first / cap:.1f} % of its cap: 15 to 20 are wanted"


def number(value, form):
    return "-" if value is None else form.format(value)


def show(results, old):
    before = {(r["scenario"], r["method"]): r["seconds"] for r in old["records"]} if old else {}
    for profile, c in results["profiles"].items():
        print(f"\nProfile {profile}: peak {c['peak_mbps']:.0f} MB/s, depth 1 {c['qd1_mbps']:.0f} MB/s; {results['clock']} time")
    if not results["records"]:
        return
    print("\nLost:" if results["lost"] else "\nLost: nowhere did another method beat MAIO.")
    for item in results["lost"]:
        print(f"  {item['scenario']}, {item['method']}: {item['pct']} % slower than {item['to']}: {item['cause']}")
    print(f"\n  {'scenario':<28} {'method':<12} {'seconds':>8} {'MB/s':>7} {'peak':>7} {'limit':>7} {'x stock':>8} "
          f"{'read MB':>8} {'end MB':>7} {'spread':>7}" + (f" {'old/new':>8}" if old else ""))
    for r in results["records"]:
        was = before.get((r["scenario"], r["method"]))
        print(f"  {r['scenario']:<28} {r['method']:<12} {r['seconds']:>8.4f} {r['mbps']:>7.1f} {r['pct_of_peak']:>5.1f} % "
              f"{number(r['pct_of_limit'], '{:.1f} %'):>7} {number(r['ratio_to_stock'], '{:.2f}'):>8} "
              f"{r['device_read_mb']:>8.1f} {r['cached_end_mb']:>7.1f} {r['spread_pct']:>5.2f} %" +
              (f" {number(was and was / r['seconds'], '{:.3f}'):>8}" if old else ""))
    for text in apart(results["records"], before):
        print(f"  {text}")
    for c in results["goals"]:
        print(f"  {'ok    ' if c['ok'] else 'missed'} {c['name']}: {c['got']} ({c['want']})")


def apart(records, before):
    """How far these results and earlier ones lie apart, at most."""
    for name, some in (("one process", [r for r in records if r["workers"] == 1]),
                       ("several processes", [r for r in records if r["workers"] > 1])):
        pct = {f"{r['scenario']}/{r['method']}": 100 * abs(r["seconds"] / before[r["scenario"], r["method"]] - 1)
               for r in some if (r["scenario"], r["method"]) in before}
        if pct:
            worst = max(pct, key=pct.get)
            yield f"Cells of {name} differ from the earlier result by {pct[worst]:.2f} % at most ({worst})."


def merge(into, more):
    """The unpatched kernel's costs beside the others', first."""
    for key, value in more.items():
        into[key] = dict(sorted({**into.get(key, {}), **value}.items(), key=lambda kv: kv[0] != "unpatched")) \
            if isinstance(value, dict) else value


# Of what there may be more, and what is then measured: a name, a unit, and how much of the unit one is.
EACH = {"files": "file attached", "extents": "extent of the template", "attachments": "attachment of another file",
        "replicas": "attachment of the same file", "workers": "process that reads the file"}
GROWS = {"ns": ("A run that does nothing takes", "us", 1e3), "bytes": ("The kernel's memory grows by", "KiB", 1024),
         "template_bytes": ("The template takes", "bytes", 1), "op_ns": ("A cached 4 KiB pread takes", "instructions", 1),
         "op_off_ns": ("With nothing attached, a cached 4 KiB pread takes", "instructions", 1),
         "op_recording_ns": ("While it is recorded, a cached 4 KiB pread takes", "instructions", 1)}


def in_words(of, growth):
    """How what an attachment costs grows, for people: a sentence for each figure."""
    first, last = growth["rows"][0], growth["rows"][-1]
    for key, (_, each) in growth["slopes"].items():
        what, unit, scale = GROWS[key]
        text = f"{what} {first[key] / scale:,.1f} {unit} with {first['count']} {EACH[of]}" + \
            f", {last[key] / scale:,.1f} with {last['count']:,}: "
        grows = abs(last[key] - first[key]) > 0.02 * max(first[key], last[key])
        yield text + (f"{each / scale:.2f} for each." if grows else "it does not grow.")


def show_costs(costs):
    print("\nInstructions of one operation on a cached file (and of a MiB of a cold read)")
    names = list(next(iter(costs["operations"].values())))
    print(f"  {'state':<24}" + "".join(f" {n:>26}" for n in names) + f" {'cold read':>12}")
    for state, values in costs["operations"].items():
        print(f"  {state:<24}" + "".join(f" {values[n]:>26.1f}" for n in names) +
              f" {costs['cold_read_per_mib'][state]:>12.0f}")
    if "growth" in costs:
        costs["words"] = [text for of, growth in costs["growth"].items() for text in in_words(of, growth)]
        print("".join(f"  {w}\n" for w in costs["words"]), end="")
    if "template" in costs:
        t = costs["template"]
        print(f"  A template of a model of {t['model_bytes'] / 1e6:.0f} MB takes {t['bytes']} bytes, "
              f"{t['bytes'] / t['model_bytes'] * 1e9:.0f} a GB.")


def main(folder, digests, out, old=None):
    records, guests, failed, missing = [], {}, [], 0
    with open(digests) as f:
        crc32 = json.load(f)["crc32"]
    if old:
        with open(old) as f:
            old = json.load(f)
    every, costs = [], {}
    for guest in sorted(os.listdir(folder)):
        if "-costs" in guest:
            try:
                with open(os.path.join(folder, guest, "costs.json")) as f:
                    merge(costs, json.load(f))
            except (OSError, ValueError) as e:
                missing += 1
                failed.append(f"the guest '{guest}' left no results: {e}")
            continue
        try:
            head, runs = read_records(os.path.join(folder, guest, "records.jsonl"))
        except (OSError, ValueError) as e:
            with open(os.path.join(folder, guest, "run", "cells.json")) as f:
                missing += len(json.load(f))
            failed.append(f"the guest '{guest}' left no results: {e}")
            continue
        guests[guest] = {"profile": head["cells"][0]["profile"], **head["calibration"],
                         **{k: head[k] for k in ("kernel", "accel", "base", "rounds")}}
        failed += [f"{r['name']}, round {r['round'] + 1}: {r['error']}" for r in runs if "error" in r]
        every += runs
        for cell in head["cells"]:
            mine = [r for r in runs if r["name"] == cell["name"] and "error" not in r]
            missing += len(mine) < head["rounds"]
            if mine:
                records.append(record_of(cell, mine, head["calibration"]))
    failed += [f"{name}: not the bytes of the model" for name in wrong(every, crc32)]
    records.sort(key=lambda r: cells.place(f"{r['scenario']}/{r['method']}"))
    compare(records)
    profiles = {}
    for g in guests.values():
        profiles.setdefault(g["profile"], {"peak_mbps": g["peak_mbps"], "qd1_mbps": g["qd1_mbps"]})
        failed += [f"{g['profile']}: {text}" for text in off_profile(g["profile"], g)]
    if costs.get("operations"):
        show_costs(costs)
    results = {"partial": missing > 0, "clock": CLOCK, "profiles": profiles, "guests": guests, "lost": lost(records),
               "goals": goals.checks(records), "failed": failed, "costs": costs, "records": records}
    with open(out, "w") as f:
        json.dump(results, f, indent=1)
        f.write("\n")
    show(results, old)
    for text in failed:
        print(f"  FAILED: {text}", file=sys.stderr)
    if missing:
        print(f"  PARTIAL: {missing} cells have fewer rounds than asked for, or none", file=sys.stderr)
    return 1 if failed or missing else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
