"""The simulated SSD as it is before anything is loaded from it: its peak, and its cap's ticks."""
import json
import mmap
import os
import re
import time

from command import run

DEVICE = "/dev/ssd"


def fio(bs, depth, size):
    """MB/s of direct reads of the device."""
    run("fio", "--name=peak", "--filename=" + DEVICE, "--readonly", "--direct=1", "--rw=read", "--bs=" + bs,
        f"--iodepth={depth}", "--ioengine=" + ("psync" if depth == 1 else "io_uring"), f"--size={size}",
        "--thread", "--eta=never", "--output-format=json", "--output=/tmp/fio.json")
    with open("/tmp/fio.json") as f:
        return json.load(f)["jobs"][0]["read"]["bw_bytes"] / 1e6


def calibrate(sizes=("128k", "256k", "512k", "1m", "2m")):
    """Rates at depth 1 and 32. As much is read as by a load: the cap works in ticks, and short runs slip past it."""
    peak = {bs: fio(bs, 32, "608m") for bs in sizes}
    return {"qd1_mbps": fio("128k", 1, "96m"), "qd32_mbps": peak, "peak_mbps": max(peak.values())}


def find_tick():
    """Lets await_tick() know, and all that is started from here, when null_blk grants what its cap
    allows in an interval. Loads that begin anywhere between two ticks differ by up to one: by
    1.7 % at the cap of the profile paper, by 3.5 % at that of fast. A real SSD has none."""
    if not os.path.realpath(DEVICE).startswith("/dev/nullb"):
        return
    for _ in range(10):
        # The timer only runs while there is something to do, and is not in the list while it fires.
        fd = os.open(DEVICE, os.O_RDONLY | os.O_DIRECT)
        try:
            os.preadv(fd, [mmap.mmap(-1, 4096)], 0)
        finally:
            os.close(fd)
        with open("/proc/timer_list") as f:
            at = re.search(r"nullb_bwtimer_fn.*\n.*expires at (\d+)", f.read())
        if at:
            break
    else:
        raise RuntimeError("null_blk's timer is not in /proc/timer_list")
    # Nanoseconds of CLOCK_MONOTONIC.
    os.environ["SSD_TICK"] = f"{at[1]},{20 * 1000 * 1000}"


def await_tick():
    if "SSD_TICK" in os.environ:
        at, interval = map(int, os.environ["SSD_TICK"].split(","))
        time.sleep((at - time.monotonic_ns()) % interval / 1e9)
