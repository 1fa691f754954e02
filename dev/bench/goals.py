"""What `make bench` is to show, each goal with the figure that was seen, as far as it was measured."""

# The share of the peak at which the stock kernel's mmap load is, in the profile that is made for that.
STOCK_PCT, STOCK_PCT_OFF = 17, 0.3


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

    check("paper17/ext4/c-mmap/stock", None, f"{STOCK_PCT} % of the peak, +-{STOCK_PCT_OFF}, as the profile is made for",
          lambda x: abs(x - STOCK_PCT) <= STOCK_PCT_OFF, lambda r: r["pct_of_peak"])
    for profile in ("paper", "paper17"):
        of_device(f"{profile}/ext4/c-mmap/maio", 95)
    faster("paper17/ext4/c-mmap/maio", 79)
    for loader in ("safetensors", "c-mmap"):
        for variant in ("anon45", "anon25", "anon10"):
            name = f"paper17/{variant}/{loader}/maio"
            of_device(name, 90)
            check(name, None, "no burned page is read again", lambda x: x == 0, lambda r: r["refaulted_max_mb"], " MB")
            check(name, None, "at most 1 % more than the model is read", lambda x: x <= 1,
                  lambda r: 100 * (1e6 * r["device_read_mb"] / r["bytes"] - 1))
            check(name, None, "at most 2 % of the model more in the cache than what is there for it", lambda x: x <= 2,
                  lambda r: None if r["cached_peak_mb"] is None else
                  100e6 * (r["cached_peak_mb"] - r["files_max_mb"]) / r["bytes"])
        faster(f"paper17/anon25/{loader}/maio", 74)
    for loader in ("safetensors", "c-mmap", "c-read-1m"):
        check(f"paper/ext4/{loader}/maio-cold", f"paper/ext4/{loader}/maio", "at most 10 % slower than a replay",
              lambda x: x <= 10, lambda r, replay: 100 * (r["seconds"] / replay["seconds"] - 1))
    for method in ("maio", "maio-auto"):
        neighbour = f"paper/neighbour/c-mmap/{method}"
        check(neighbour, None, "the neighbour finds at least 95 % of what it found alone", lambda x: x >= 95,
              lambda r: 100 * r["neighbour"]["hit_pct"] / r["neighbour"]["alone_hit_pct"])
        check(neighbour, "paper/neighbour/c-mmap/stock", "the neighbour loses no more time than beside stock",
              lambda x: x <= 0, lambda r, stock: r["neighbour"]["lost_s"] - stock["neighbour"]["lost_s"], " s")
    check("paper/node1/c-mmap/maio", None, "at least 99 % of the model on the node wanted, by move_pages(2)",
          lambda x: x >= 99, lambda r: r["on_node_pct"])
    return result
