#!/usr/bin/python3
"""Draws what `make bench` measured.

usage: plots.py RESULTS.json REPORT.html       the whole report, in one file
       plots.py --main RESULTS.json MAIN.svg   only the plot of the README; RESULTS.json may be
                                               what --data made
       plots.py --data RESULTS.json SMALL.json only what that plot needs
"""
import html
import io
import json
import sys

import matplotlib

matplotlib.use("svg")
# The same picture from the same figures.
matplotlib.rcParams.update({"svg.hashsalt": "ppc", "svg.fonttype": "none", "font.size": 9,
                            "font.family": "DejaVu Sans", "axes.spines.top": False, "axes.spines.right": False})
import matplotlib.pyplot as plt  # noqa: E402

MAIO, STOCK, OTHER, BOUND = "#0b6e4f", "#b3412e", "#8a9ba8", "#333333"
NAMES = {
    "stock": "stock", "readahead": "larger read_ahead_kb", "willneed": "FADV_WILLNEED", "eager": "eager read, 4 threads",
    "vmtouch": "vmtouch -t", "populate": "MADV_POPULATE_READ", "direct": "O_DIRECT, io_uring",
    "direct-copy": "O_DIRECT and a copy", "dontcache": "RWF_DONTCACHE", "cached": "all in memory already",
    "maio-first": "MAIO, first run, recording only", "maio-cold": "MAIO, first run", "maio": "MAIO, replay + burn",
    "maio-keep": "MAIO, replay, kept", "maio-auto": "MAIO, replay, auto",
}
LOADERS = {
    "safetensors": "safetensors (mmap)", "gguf": "gguf (mmap)", "c-mmap": "C, mmap, 1 worker", "c-mmap-2w": "2 workers",
    "c-mmap-4w": "4 workers", "c-mmap-8w": "8 workers", "c-layers-4w": "4 workers, by layers",
    "c-shuffle": "tensors out of order", "c-feed": "feeding a slow device", "c-read-64k": "read() 64 KiB",
    "c-read-256k": "read() 256 KiB", "c-read-1m": "read() 1 MiB", "c-files": "whole files",
}
MAIN_LOADERS = ("safetensors", "c-mmap", "c-mmap-4w", "c-read-1m")
MAIN_KEYS = ("profile", "variant", "loader", "method", "seconds", "min", "max", "device_s", "limit_s")


def colour(method):
    return MAIO if method.startswith("maio") else STOCK if method == "stock" else OTHER


def svg_of(figure):
    out = io.StringIO()
    figure.savefig(out, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    text = out.getvalue()
    return text[text.index("<svg"):]


def bars(rows, title):
    """One bar a row, (label, record); what the device alone needs is a line."""
    fig, ax = plt.subplots(figsize=(8, 0.6 + 0.24 * len(rows)))
    for y, (_, r) in enumerate(rows):
        if r is None:
            continue
        ax.barh(y, r["seconds"], color=colour(r["method"]), height=0.72,
                xerr=[[max(r["seconds"] - r["min"], 0)], [max(r["max"] - r["seconds"], 0)]], error_kw={"lw": 0.8})
        ax.annotate(f"{r['seconds']:.3f} s", (r["max"], y), (4, 0), textcoords="offset points", va="center", fontsize=8)
        ax.plot([r["device_s"]] * 2, [y - 0.5, y + 0.5], color=BOUND, lw=1.2, ls=":")
    ax.set_yticks(range(len(rows)), [label for label, _ in rows])
    for tick, (_, r) in zip(ax.get_yticklabels(), rows):
        if r is None:
            tick.set_fontweight("bold")
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(rows) - 0.3, -0.7)
    ax.set_xlim(0, ax.get_xlim()[1] * 1.1)
    ax.set_xlabel("seconds; dotted: what the device needs for the bytes")
    ax.set_title(title, loc="left", fontsize=10)
    return fig


def is_usual(record):
    return record["profile"] in ("paper", "device") and record["variant"] == "ext4"


def main_plot(records):
    rows = []
    for loader in MAIN_LOADERS:
        mine = [r for r in records if is_usual(r) and r["loader"] == loader]
        if mine:
            rows.append((LOADERS[loader], None))
            rows += [(NAMES[r["method"]], r) for r in sorted(mine, key=lambda r: -r["seconds"])]
    return bars(rows, "Loading a model of 607 MB, cold, virtual time") if rows else None


def variants_plot(records):
    """Stock and MAIO wherever one loader was tried on another SSD, file system or memory."""
    rows = []
    for key in dict.fromkeys((r["profile"], r["variant"]) for r in records if r["loader"] in ("c-mmap", "c-files")):
        mine = [r for r in records if (r["profile"], r["variant"]) == key and r["loader"] in ("c-mmap", "c-files") and
                r["method"] in ("stock", "maio", "maio-keep", "maio-auto")]
        if mine and not is_usual(mine[0]):
            rows.append((" / ".join(key), None))
            rows += [(NAMES[r["method"]], r) for r in mine]
    return bars(rows, "The C loader out of a map (small-files, one-page: read()), elsewhere") if rows else None


def timeline_plot(record):
    fig, ax = plt.subplots(figsize=(8, 2.6))
    t, read, cached, loaded = zip(*record["timeline"])
    # The loader's start, and that of what runs it, are not a part of the load.
    start = next((n for n, r in enumerate(read) if r > 4 << 20), 0)
    t = [(x - t[max(start - 1, 0)]) / 1000 for x in t]
    ax.plot(t, [x / 1e6 for x in read], color=MAIO, label="read from the device (where prefetch is)")
    if any(loaded):
        ax.plot(t, [x / 1e6 for x in loaded], color=STOCK, label="copied out by the loader (its cursor)")
    ax.plot(t, [x / 1e6 for x in cached], color=OTHER, label="in the page cache")
    ax.set_xlim(0)
    ax.set_ylim(0)
    ax.set_xlabel("seconds")
    ax.set_ylabel("MB")
    rate = ax.twinx()
    window = 10
    mb_s = [(read[i] - read[max(i - window, 0)]) / 1e6 / max(t[i] - t[max(i - window, 0)], 1e-3) for i in range(len(t))]
    rate.plot(t, mb_s, color=BOUND, lw=0.7, alpha=0.6, label="device, MB/s over 0.1 s (right)")
    rate.set_ylim(0)
    lines = ax.get_legend_handles_labels()[0] + rate.get_legend_handles_labels()[0]
    ax.legend(lines, [line.get_label() for line in lines], fontsize=7, frameon=False, ncols=len(lines),
              loc="upper center", bbox_to_anchor=(0.5, -0.2))
    ax.set_title(f"{record['scenario']}, {NAMES[record['method']]}", loc="left", fontsize=10)
    return fig


def growth_plot(growth):
    """One part for each thing measured, one line in it for each of what there may be more."""
    parts = (("ns", 1e6, "a run that does nothing, ms"), ("bytes", 1024, "the kernel's memory, KiB"),
             ("op_ns", 1, "a cached 4 KiB pread, instructions"))
    fig, axes = plt.subplots(1, len(parts), figsize=(9, 2.6), layout="constrained")
    for ax, (key, scale, title) in zip(axes, parts):
        for n, (of, grown) in enumerate(growth.items()):
            rows = [r for r in grown["rows"] if r.get(key, 0) > 0]
            if rows:
                ax.plot([r["count"] for r in rows], [r[key] / scale for r in rows], "osv^d"[n] + "-", ms=4, color=f"C{n}",
                        label=of)
        ax.set_xscale("log")
        ax.set_yscale("linear" if key == "op_ns" else "log")
        ax.set_title(title, loc="left", fontsize=9)
        ax.set_xlabel("how many")
        ax.legend(fontsize=7, frameon=False)
    axes[-1].set_ylim(0)
    return fig


def costs_part(costs):
    if not costs.get("operations"):
        return ""
    names = list(next(iter(costs["operations"].values())))
    text = "<h2>What it costs who does not need it</h2><p>Instructions of one operation on a cached file.</p>" + table(
        ["state of the file", *names, "MiB of a cold read"],
        [[state, *(f"{values[n]:.1f}" for n in names), f"{costs['cold_read_per_mib'][state]:.0f}"]
         for state, values in costs["operations"].items()])
    if costs.get("growth"):
        text += svg_of(growth_plot(costs["growth"])) + \
            "<ul>" + "".join(f"<li>{html.escape(w)}</li>" for w in costs.get("words", [])) + "</ul>"
    return text


def table(head, rows):
    cell = "".join
    return ("<table><tr>" + cell(f"<th>{html.escape(h)}</th>" for h in head) + "</tr>" +
            cell("<tr>" + cell(f"<td>{html.escape('-' if v is None else str(v))}</td>" for v in row) + "</tr>"
                 for row in rows) + "</table>")


STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}
table{border-collapse:collapse;font-size:12px;margin:1em 0}td,th{padding:2px 8px;text-align:right;border-bottom:1px solid #ddd}
td:first-child,td:nth-child(2),th:first-child,th:nth-child(2),.text td,.text th{text-align:left}svg{max-width:100%;height:auto}
.wide{overflow-x:auto}code{font-size:12px}.bad{color:#b3412e}"""

CLOCKS = {"real": "All figures are real time, of a guest under KVM and a device of its host.", "virtual": """All figures are virtual time: the guest's clock counts instructions, one a nanosecond, and idle time is
skipped. What that leaves out: CPUs do not work in parallel (the CPU time of loader, prefetch and kernel threads adds
up, as if one core did all of it), the device's transfers are copies made by the CPU, and the distance between NUMA
nodes costs nothing. CELLS='paper2x/* paperhalf/*' are the same loads with the device twice and half as fast."""}


def won(records):
    rows = [r for r in records if r["method"] in ("maio", "maio-keep", "maio-auto", "maio-cold") and (r["ratio_to_stock"] or 0) > 1]
    return sorted(rows, key=lambda r: -r["ratio_to_stock"])


def report(results):
    records = results["records"]
    parts = ["<h1>Loading models: MAIO, the stock kernel, and what people use instead</h1>",
             f"<p>{CLOCKS[results['clock']]}</p>"]
    if results["partial"]:
        parts.append("<p class=bad><b>Partial:</b> some cells have fewer rounds than asked for, or none.</p>")
    for text in results["failed"]:
        parts.append(f"<p class=bad>Failed: {html.escape(text)}</p>")
    parts.append("<h2>Lost</h2>")
    if results["lost"]:
        parts.append("<p>Where another method was faster than MAIO, the fastest of them.</p><div class=text>" +
                     table(("scenario", "method", "slower than", "by", "likely cause"),
                           [(o["scenario"], o["method"], NAMES[o["to"]], f"{o['pct']} %", o["cause"])
                            for o in results["lost"]]) + "</div>")
    else:
        parts.append("<p>Nowhere did another method beat MAIO.</p>")
    if results["goals"]:
        parts.append("<h2>Goals</h2><div class=text>" + table(("measurement", "goal", "seen", ""), [
            (c["name"], c["want"], c["got"], "met" if c["ok"] else "missed") for c in results["goals"]]) + "</div>")
    parts.append("<h2>Won</h2>" + table(
        ("scenario", "method", "seconds", "stock: times as long", "of device peak", "of limit"),
        [(r["scenario"], r["method"], f"{r['seconds']:.4f}", f"{r['ratio_to_stock']:.2f}", f"{r['pct_of_peak']} %",
          r["pct_of_limit"] and f"{r['pct_of_limit']} %") for r in won(records)]))
    for name, fig in (("Time by method", main_plot(records)), ("Elsewhere", variants_plot(records))):
        if fig:
            parts.append(f"<h2>{name}</h2>" + svg_of(fig))
    shown = [r for r in records if "timeline" in r and r["loader"] == "c-mmap" and r["profile"] in ("paper", "device") and
             r["variant"] in ("ext4", "mem25")]
    if shown:
        parts.append("<h2>How a load goes on</h2>" + "".join(svg_of(timeline_plot(r)) for r in shown))
    parts.append(costs_part(results.get("costs", {})))
    parts.append("<h2>The devices</h2>" + table(
        ("guest", "peak MB/s (fio, depth 32)", "depth 1", "kernel", "emulation"),
        [(name, f"{g['peak_mbps']:.1f}", f"{g['qd1_mbps']:.1f}", g["kernel"], g["accel"])
         for name, g in results["guests"].items()]))
    columns = ("scenario", "method", "seconds", "min", "max", "command_s", "mbps", "pct_of_peak", "pct_of_limit", "ratio_to_stock",
               "insns_per_gb", "own_anon_mb", "own_kernel_mb", "memory_max_mb", "cached_peak_mb", "cached_end_mb",
               "device_read_mb", "refault_mb", "majfault", "cpu_s", "kthread_cpu_s", "useful_mb", "late_mb", "wasted_mb", "node_mb", "command")
    parts.append("<h2>Every measurement</h2><div class=wide>" +
                 table(columns, [[r.get(c) for c in columns] for r in records]) + "</div>")
    return ("<!DOCTYPE html><html lang=en><meta charset=utf-8><title>make bench</title><style>" + STYLE + "</style>" +
            "\n".join(parts) + "</html>\n")


def main(args):
    kind = args.pop(0) if args[0].startswith("--") else ""
    with open(args[0]) as f:
        results = json.load(f)
    if kind == "--data":
        text = json.dumps({"records": [{k: r[k] for k in MAIN_KEYS if k in r} for r in results["records"] if
                                       is_usual(r) and r["loader"] in MAIN_LOADERS]},
                          indent=1) + "\n"
    elif kind == "--main":
        text = svg_of(main_plot(results["records"]))
    else:
        text = report(results)
    with open(args[1], "w") as f:
        f.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
