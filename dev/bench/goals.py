"""What `make bench` is to show, each goal with the figure that was seen, as far as it was measured."""

# The share of the peak at which the stock kernel's mmap load is, in the profile that is made for that.
STOCK_PCT, STOCK_PCT_OFF = 17, 0.3
# What a template may take however small the model is.
TEMPLATE_LEAST = 1000


def over_read(record):
    """Percent that were read more than once, or in vain."""
    return 100 * (1e6 * record["device_read_mb"] / record["bytes"] - 1)


def checks(records):
    result = []
    by_name = {f"{r['scenario']}/{r['method']}": r for r in records}

    def check(name, of, want, ok, got, unit=" %"):
        """got makes the figure of the record named, or of several."""
        some = [by_name.get(n) for n in ([name] if of is None else [name, of])]
        if None in some:
            return
        value = got(*some)
        result.append({"name": name, "want": want, "value": None if value is None else round(value, 3),
                       "got": "no figure" if value is None else f"{value:.2f}{unit}",
                       "ok": value is not None and ok(value)})

    def faster(name, pct):
        check(name, name.rsplit("/", 1)[0] + "/stock", f"loads in at least {pct} % less time than stock",
              lambda x: x >= pct, lambda r, stock: 100 * (1 - r["seconds"] / stock["seconds"]))

    def of_device(name, pct):
        check(name, None, f"at least {pct} % of what the device can do", lambda x: x >= pct, lambda r: r["pct_of_peak"])

    def no_slower(name, of, pct, whom):
        check(name, of, f"at most {pct} % slower than {whom}", lambda x: x <= pct,
              lambda r, other: 100 * (r["seconds"] / other["seconds"] - 1))

    check("paper17/ext4/c-mmap/stock", None, f"{STOCK_PCT} % of the peak, +-{STOCK_PCT_OFF}, as the profile is made for",
          lambda x: abs(x - STOCK_PCT) <= STOCK_PCT_OFF, lambda r: r["pct_of_peak"])
    for profile in ("paper", "paper17"):
        of_device(f"{profile}/ext4/c-mmap/maio", 95)
    faster("paper17/ext4/c-mmap/maio", 79)
    for workers in (2, 4, 8):
        name = f"paper/ext4/c-mmap-{workers}w/maio"
        of_device(name, 92)
        check(name, None, "at most 2 % more than the model is read", lambda x: x <= 2, over_read)
    for size in ("4k", "64k", "256k", "1m"):
        of_device(f"paper/ext4/c-read-{size}/maio", 95)
        no_slower(f"paper/second-load/c-read-{size}/maio-auto", f"paper/second-load/c-read-{size}/stock", 3, "stock")
    no_slower("paper/second-load/c-mmap/maio-auto", "paper/second-load/c-mmap/stock", 3, "stock")
    no_slower("paper/ext4/c-shuffle/maio", "paper/ext4/c-shuffle/stock", 3, "stock")
    no_slower("paper/wrong-template/c-mmap/maio", "paper/ext4/c-mmap/stock", 3, "stock")
    for loader in ("safetensors", "c-mmap"):
        for method in ("eager", "willneed", "vmtouch", "direct", "direct-copy"):
            no_slower(f"paper/ext4/{loader}/maio", f"paper/ext4/{loader}/{method}", 2, method)
    check("paper/ext4/c-mmap/maio", "paper/ext4/c-mmap/direct-copy",
          "at most 10 % more instructions than O_DIRECT and a copy", lambda x: x <= 10,
          lambda r, direct: None if r["insns_per_gb"] is None else
          100 * (r["insns_per_gb"] / direct["insns_per_gb"] - 1))
    for loader in ("safetensors", "c-mmap"):
        for variant in ("anon45", "anon25", "anon10"):
            name = f"paper17/{variant}/{loader}/maio"
            of_device(name, 90)
            check(name, None, "no burned page is read again", lambda x: x == 0, lambda r: r["refaulted_max_mb"], " MB")
            check(name, None, "at most 1 % more than the model is read", lambda x: x <= 1, over_read)
            check(name, None, "at most 2 % of the model more in the cache than what is there for it", lambda x: x <= 2,
                  lambda r: None if r["cached_peak_mb"] is None else
                  100e6 * (r["cached_peak_mb"] - r["files_max_mb"]) / r["bytes"])
        faster(f"paper17/anon25/{loader}/maio", 74)
    for loader in ("safetensors", "c-mmap", "c-read-1m"):
        no_slower(f"paper/ext4/{loader}/maio-cold", f"paper/ext4/{loader}/maio", 10, "a replay")
    for method in ("maio", "maio-auto"):
        neighbour = f"paper/neighbour/c-mmap/{method}"
        check(neighbour, None, "the neighbour finds at least 95 % of what it found alone", lambda x: x >= 95,
              lambda r: 100 * r["neighbour"]["hit_pct"] / r["neighbour"]["alone_hit_pct"])
        check(neighbour, "paper/neighbour/c-mmap/stock", "the neighbour loses no more time than beside stock",
              lambda x: x <= 0, lambda r, stock: r["neighbour"]["lost_s"] - stock["neighbour"]["lost_s"], " s")
    check("paper/node1/c-mmap/maio", None, "at least 99 % of the model on the node wanted, by move_pages(2)",
          lambda x: x >= 99, lambda r: r["on_node_pct"])
    for r in records:
        if r.get("template_bytes") and r["loader"] != "c-files":
            most = max(TEMPLATE_LEAST, r["bytes"] / 1e6)
            check(f"{r['scenario']}/{r['method']}", None, f"a template of at most {most:.0f} bytes, 1 KB per GB of model",
                  lambda x, most=most: x <= most, lambda r: r["template_bytes"], " bytes")
    return result
