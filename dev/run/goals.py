"""What `make run` is to show, each goal with the figure that was seen."""

MIB = (1 << 20) / 1e6
# How far two boots of two kernels may lie apart and still be called the same.
SAME_LOAD_PCT = 1.0
# A switched-off hook is a NOP or two, and virtual time counts these.
SAME_PREAD_PCT = 0.3


def checks(run):
    result = []
    rows = {(r["profile"], r["loader"], r["policy"]): r for r in run["rows"]}

    def check(name, want, got, ok, unit=""):
        result.append({"name": name, "want": want, "got": f"{got:.2f}{unit}" if got is not None else "no figure",
                       "value": got, "ok": bool(got is not None and ok(got))})

    def value(profile, loader, policy, key):
        return rows.get((profile, loader, policy), {}).get(key)

    def slower(profile, loader, policy, than):
        a, b = value(profile, loader, policy, "seconds"), value(profile, loader, than, "seconds")
        return None if a is None or b is None else 100 * (a / b - 1)

    loaders = list(dict.fromkeys(r["loader"] for r in run["rows"]))
    for loader in loaders:
        times = 3 if loader == "safetensors" else 2
        check(f"paper, {loader}, MAIO replay, times stock", f"at least {times}",
              value("paper", loader, "maio", "times_stock"), lambda x, t=times: x >= t)
        if loader == "safetensors":
            check(f"paper, {loader}, MAIO replay, of the device's peak", "at least 80 %",
                  value("paper", loader, "maio", "pct_of_peak"), lambda x: x >= 80, " %")
        told = (value("paper", loader, "maio", "maioctl") or {}).get("maio") or {}
        most = (told.get("gap") or 32 << 20) / 1e6 + 64 * MIB
        check(f"paper, {loader}, model in the page cache after burning", f"at most gap + 64 MiB = {most:.1f} MB",
              value("paper", loader, "maio", "cached_mb_end_max"), lambda x, m=most: x <= m, " MB")
        if run["control"]:
            check(f"paper, {loader}, not attached, beside an unpatched kernel", f"within {SAME_LOAD_PCT:g} %",
                  slower("paper", loader, "stock", "unpatched"), lambda x: abs(x) <= SAME_LOAD_PCT, " %")
    for loader in loaders:
        for policy in ("maio-first", "maio"):
            check(f"fast, {loader}, {policy}, slower than stock", "at most 3 %",
                  slower("fast", loader, policy, "stock"), lambda x: x <= 3, " %")
    for state, want, limit in (
            ("off", f"no difference (at most {SAME_PREAD_PCT:g} %)", SAME_PREAD_PCT), ("other", "at most 0.5 %", 0.5),
            ("attached-recording", "at most 5 %", 5), ("attached-replaying", "at most 5 %", 5)):
        if state == "off" and not run["control"]:
            continue
        than = "an unpatched kernel" if state == "off" else "with the key off"
        check(f"4 KiB pread, {state}, more than {than}", want,
              run["pread4k"].get(state, {}).get("more_pct"), lambda x, m=limit: x <= m, " %")
    return result
