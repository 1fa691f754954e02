#!/usr/bin/python3
"""Which measurements `make bench` makes. A cell is PROFILE/VARIANT/LOADER/METHOD: an SSD, what is
done to it or to memory, who loads, and what helps. The first three are the scenario.

usage: cells.py list | JOBS [REAL] [FULL] PATTERN...    prints the chosen cells as JSON, by guest,
for so many guests at a time; a pattern is a name, a glob (paper/ext4/*/maio), "quick", "default"
or "costs"; FULL: of the whole product; REAL: those of the profile paper, of a real SSD, which
is called "device"
"""
import fnmatch
import itertools
import json
import sys

PROFILES = ("paper", "paper17", "fast", "bandwidth", "slow", "paper2x", "paperhalf")

C = ["{here}/load"]
LOADERS = {
    # The real libraries, tensor by tensor, as frameworks use them.
    "safetensors": {"command": ["/usr/bin/python3", "-B", "{here}/load_safetensors.py", "{model}", "{out}"]},
    "gguf": {"command": ["/usr/bin/python3", "-B", "{here}/load_gguf.py", "{model}", "{out}"],
             "folder": "gguf"},
    # Out of a map into a small buffer, as loaders that feed a device do.
    "c-mmap": {"command": C + ["{model}"]},
    "c-mmap-2w": {"command": C + ["-w2", "{model}"], "workers": 2},
    "c-mmap-4w": {"command": C + ["-w4", "{model}"], "workers": 4},
    "c-mmap-8w": {"command": C + ["-w8", "{model}"], "workers": 8},
    "c-layers-4w": {"command": C + ["-w4", "-slayer", "{model}"], "workers": 4},
    "c-shuffle": {"command": C + ["-oshuffle", "{model}"]},
    # The device takes 1 MiB in 1 ms: what is loaded meanwhile is hidden behind that.
    "c-feed": {"command": C + ["-u1000000", "{model}"]},
    "c-read-4k": {"command": C + ["-mread", "-p4096", "{model}"]},
    "c-read-64k": {"command": C + ["-mread", "-p65536", "{model}"]},
    "c-read-256k": {"command": C + ["-mread", "-p262144", "{model}"]},
    "c-read-1m": {"command": C + ["-mread", "{model}"]},
    # Every file of a folder, whatever is in it.
    "c-files": {"command": C + ["-r", "-mread", "{model}"]},
}

METHODS = ("stock", "readahead", "willneed", "eager", "vmtouch", "populate", "direct", "direct-copy", "dontcache",
           "cached", "maio-first", "maio-cold", "maio-keep", "maio-auto", "maio")

# fs: what the SSD is formatted with; copies: how often the model of 607 MB is on it; memory: a
# cgroup's limit as a part of the model; own: beside what the loader itself needs; folder: what is
# loaded, beside the model.
VARIANTS = {
    "ext4": {},
    "ext4-4k": {"fs": "ext4-4k"},
    "xfs": {"fs": "xfs"},
    "btrfs": {"fs": "btrfs"},
    "f2fs": {"fs": "f2fs"},
    "erofs": {"fs": "erofs"},
    "erofs-lz4": {"fs": "erofs-lz4"},
    "overlay": {"fs": "overlay"},
    "large": {"copies": 4},
    "mem45": {"copies": 4, "memory": 0.45},
    "mem25": {"copies": 4, "memory": 0.25},
    "mem10": {"copies": 4, "memory": 0.10},
    "anon45": {"copies": 4, "memory": 0.45, "own": True},
    "anon25": {"copies": 4, "memory": 0.25, "own": True},
    "anon10": {"copies": 4, "memory": 0.10, "own": True},
    "neighbour": {"copies": 4, "memory": 0.25, "neighbour": True},
    "wrong-template": {"template": "wrong"},
    "second-load": {"second": True},
    "node1": {"node": 1},
    "small-files": {"folder": "small"},
    "one-page": {"folder": "page"},
    "unpatched": {"kernel": "unpatched"},
}


def possible(variant, loader, method):
    v = VARIANTS[variant]
    c = LOADERS[loader]["command"]
    if (loader == "c-files") != ("folder" in v) or \
            (loader == "gguf" and ("copies" in v or v.get("fs", "").startswith(("erofs", "overlay")))):
        return False
    # What these load stays in memory of their own.
    if c[:1] != C and "memory" in v and "own" not in v:
        return False
    if "kernel" in v and method.startswith("maio"):
        return False
    if ("template" in v or "node" in v) and method != "maio":
        return False
    if method in ("populate", "direct", "direct-copy") and c[:1] != C:
        return False
    if method == "populate" and "-mread" in c or method == "dontcache" and "-mread" not in c:
        return False
    # Compressed data cannot be read around the cache, and a limit's cache cannot hold the model.
    return not (method.startswith("direct") and v.get("fs") == "erofs-lz4" or method == "cached" and "memory" in v)


def names(profile, variant, loader, methods):
    for m in methods:
        if not possible(variant, loader, m):
            raise ValueError(f"{profile}/{variant}/{loader}/{m}: no such thing")
        yield f"{profile}/{variant}/{loader}/{m}"


FULL = [f"{p}/{v}/{ld}/{m}" for p, v, ld, m in itertools.product(PROFILES, VARIANTS, LOADERS, METHODS)
        if possible(v, ld, m)]

# What the project is for, one loader that reads, and what people use instead of it.
QUICK = [
    *names("paper", "ext4", "safetensors", ("stock", "willneed", "cached", "maio")),
    *names("paper", "ext4", "c-mmap", ("stock", "willneed", "eager", "direct-copy", "cached", "maio")),
    *names("paper", "ext4", "c-read-1m", ("stock", "cached", "maio")),
    *names("paper", "ext4", "c-mmap-4w", ("stock", "cached", "maio")),
]

# Each axis is gone along, with the C loader out of a map, the others at their usual value: what is
# not here is a combination of what is, or near to it.
DEFAULT = list(dict.fromkeys([
    *QUICK,
    # Every rival, for a loader that maps and one that reads.
    *names("paper", "ext4", "safetensors", ("eager", "maio-first", "maio-cold")),
    *names("paper", "ext4", "c-mmap", ("readahead", "vmtouch", "populate", "direct", "maio-first", "maio-cold",
                                       "maio-auto")),
    *names("paper", "ext4", "c-read-1m", ("dontcache", "maio-first", "maio-cold")),
    *names("paper", "ext4", "c-mmap-4w", ("maio-cold",)),
    # Every way to load.
    *names("paper", "ext4", "gguf", ("stock", "cached", "maio")),
    *names("paper", "ext4", "c-mmap-8w", ("stock", "maio")),
    *names("paper", "ext4", "c-layers-4w", ("stock", "maio")),
    *names("paper", "ext4", "c-shuffle", ("stock", "maio")),
    *names("paper", "ext4", "c-feed", ("stock", "maio")),
    *names("paper", "ext4", "c-read-64k", ("stock", "maio")),
    # Other SSDs.
    *names("fast", "ext4", "c-mmap", ("stock", "maio")),
    *names("paper17", "ext4", "c-mmap", ("stock", "maio")),
    *names("bandwidth", "ext4", "c-mmap", ("stock", "maio")),
    # File systems.
    *(n for fs in ("ext4-4k", "xfs", "btrfs", "erofs", "erofs-lz4", "overlay")
      for n in names("paper", fs, "c-mmap", ("stock", "maio"))),
    # Memory.
    *names("paper", "mem25", "c-mmap", ("stock", "maio-auto", "maio")),
    *(n for v in ("anon45", "anon25", "anon10") for ld in ("safetensors", "c-mmap")
      for n in names("paper17", v, ld, ("stock", "maio"))),
    *names("paper", "neighbour", "c-mmap", ("stock", "maio-auto", "maio")),
    *names("paper", "node1", "c-mmap", ("maio",)),
    # What might go wrong.
    *names("paper", "wrong-template", "c-mmap", ("maio",)),
    *names("paper", "second-load", "c-mmap", ("stock", "maio-keep", "maio-auto", "maio")),
    *names("paper", "small-files", "c-files", ("stock", "maio")),
    *names("paper", "one-page", "c-files", ("stock", "maio")),
    # The same without the series: FADV_WILLNEED is faster with it.
    *names("paper", "unpatched", "c-mmap", ("stock", "willneed")),
]))
assert len(DEFAULT) <= 91, len(DEFAULT)


def cell(name):
    profile, variant, loader, method = name.split("/")
    return {"fs": "ext4", "copies": 1, "memory": None, "folder": "model", "workers": 1, "kernel": "patched",
            **VARIANTS[variant], **LOADERS[loader],
            "name": name, "scenario": name.rsplit("/", 1)[0], "profile": profile, "variant": variant,
            "loader": loader, "method": method}


# Guests that have no cells: what the hooks cost where nothing is loaded.
COSTS = ("paper-costs", "paper-costs-unpatched")


def of_device(name):
    """A cell of the profile paper, with a real SSD."""
    return name.replace("paper/", "device/", 1)


def place(name):
    """Where a cell stands in the whole product."""
    return FULL.index(name.replace("device/", "paper/", 1))


def choose(patterns, full, real):
    whole, default, quick = FULL, FULL if full else DEFAULT, QUICK
    if real:
        whole, default, quick = ([of_device(n) for n in names if n.startswith("paper/")]
                                 for names in (whole, default, quick))
    chosen = []
    for p in patterns:
        if p == "costs":
            continue
        # A name or pattern may mean what is only in the whole product.
        found = {"quick": quick, "default": default}.get(p) or [n for n in default if fnmatch.fnmatch(n, p)] or \
            [n for n in whole if fnmatch.fnmatch(n, p)]
        if not found:
            sys.exit(f"no cell '{p}'; make bench CELLS=list names them")
        chosen += [n for n in found if n not in chosen]
    # A ratio needs the stock kernel's time.
    for n in list(chosen):
        profile, variant, loader, _ = n.split("/")
        variant = stock_of(variant)
        need = f"{profile}/{variant}/{loader}/stock"
        if need not in chosen:
            chosen.append(need)
    return sorted(chosen, key=place)


def stock_of(variant):
    """Where the stock time is that a variant is compared to, if it has none of its own."""
    return "ext4" if variant in ("wrong-template", "node1") else variant


# A guest with so many cells gets no more, so that no CPU has all the work.
PER_GUEST = 15


def by_guest(chosen, at_once):
    """Cells that share a boot: of one disk and kernel, the methods of a scenario together."""
    disks = {}
    for c in map(cell, chosen):
        key = f"{c['profile']}-{c['fs']}" + (f"-x{c['copies']}" if c["copies"] > 1 else "") + \
            ("-unpatched" if c["kernel"] != "patched" else "")
        disks.setdefault(key, {}).setdefault(c["loader"], []).append(c)
    limit = min(PER_GUEST, -(-len(chosen) // at_once))
    guests = {}
    for key, scenarios in disks.items():
        n = 0
        for cells in scenarios.values():
            name = f"{key}.{n}" if n else key
            if len(guests.get(name, ())) >= limit:
                n += 1
                name = f"{key}.{n}"
            guests.setdefault(name, []).extend(cells)
    return guests


def main(args):
    if args == ["list"]:
        print("\n".join(DEFAULT + ["costs"]))
        return
    at_once, args = int(args[0]), args[1:]
    real, full = "REAL" in args, "FULL" in args
    patterns = [p for p in args if p not in ("REAL", "FULL")]
    guests = by_guest(choose(patterns, full, real), at_once)
    # Costs are counted in instructions.
    if {"costs", "default"} & set(patterns) and not real:
        guests.update({name: [] for name in COSTS})
    json.dump(guests, sys.stdout, indent=1)


if __name__ == "__main__":
    main(sys.argv[1:])
