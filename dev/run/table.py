"""The table of `make run`, for people."""


def show(run):
    names = {"unpatched": "unpatched kernel", "stock": "stock policy", "maio-first": "MAIO, first run",
             "maio": "MAIO, replay + burn"}
    for profile, c in run["calibration"].items():
        print(f"\nProfile {profile}: peak {c['peak_mbps']:.0f} MB/s, depth 1 {c['qd1_mbps']:.0f} MB/s; "
              f"model {run['model_mb']:.0f} MB; virtual time")
        print(f"  {'loader':<12} {'policy':<20} {'seconds':>8} {'MB/s':>7} {'of peak':>8} "
              f"{'x stock':>8} {'cached MB':>10} {'spread':>7}")
        for r in run["rows"]:
            if r["profile"] != profile:
                continue
            times = f"{r['times_stock']:.2f}" if r["times_stock"] else "-"
            print(f"  {r['loader']:<12} {names[r['policy']]:<20} {r['seconds']:>8.4f} {r['mbps']:>7.1f} "
                  f"{r['pct_of_peak']:>6.1f} % {times:>8} {r['cached_mb_end']:>10.1f} {r['spread_pct']:>5.2f} %")
    if run["pread4k"]:
        print("\nOne cached 4 KiB pread(), in guest instructions:")
        for name, cost in run["pread4k"].items():
            if "ns" not in cost:
                print(f"  {name:<20} failed: {cost.get('error')}")
            else:
                more = f"{cost['more_pct']:+.2f} %" if "more_pct" in cost else ""
                print(f"  {name:<20} {cost['ns']:>8.1f} {more:>9}")
    print()
    for c in run["checks"]:
        print(f"  {'ok    ' if c['ok'] else 'missed'} {c['name']}: {c['got']} (want {c['want']})")
