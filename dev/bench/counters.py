"""What the kernel counts while a load runs: device, faults, CPU time of kernel threads."""
import os
import re


def vmstat():
    with open("/proc/vmstat") as f:
        return {k: int(v) for k, v in (line.split() for line in f)}


def device_bytes(disk):
    with open(f"/sys/block/{disk}/stat") as f:
        return int(f.read().split()[2]) * 512


def node_bytes():
    """The page cache on each node."""
    result = []
    for n in range(len([d for d in os.listdir("/sys/devices/system/node") if re.fullmatch(r"node\d+", d)])):
        with open(f"/sys/devices/system/node/node{n}/meminfo") as f:
            result.append(int(re.search(r"FilePages:\s+(\d+) kB", f.read())[1]) << 10)
    return result


def busy_ns():
    """Time that all CPUs together have spent running tasks."""
    with open("/proc/schedstat") as f:
        return sum(int(line.split()[7]) for line in f if line.startswith("cpu"))


def kernel_threads():
    """ns on a CPU: (all kernel threads, of them kswapd)."""
    total = kswapd = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                name, rest = f.read().rsplit(")", 1)
            if int(rest.split()[1]) != 2:
                continue
            with open(f"/proc/{pid}/schedstat") as f:
                ns = int(f.read().split()[0])
        except (OSError, ValueError):
            continue
        total += ns
        if "(kswapd" in name:
            kswapd += ns
    return total, kswapd


class Counters:
    def __init__(self, disk):
        self.disk = disk
        self.nodes = node_bytes()
        self.start = self.now()

    def now(self):
        vm = vmstat()
        threads, kswapd = kernel_threads()
        return {"device_read": device_bytes(self.disk), "refault": vm["workingset_refault_file"] * 4096,
                "majfault": vm["pgmajfault"], "busy_ns": busy_ns(), "kthread_ns": threads, "kswapd_ns": kswapd}

    def since(self):
        """What has been added; of the page cache on each node, what is there now more than before."""
        nodes = [b - a for a, b in zip(self.nodes, node_bytes())]
        return {**{k: v - self.start[k] for k, v in self.now().items()}, "node_bytes": nodes}


class FolioOrders:
    """Bytes that come into the page cache while this is open, by the order of their folios."""
    TRACING = "/sys/kernel/tracing/"
    EVENT = TRACING + "events/filemap/mm_filemap_add_to_page_cache/enable"

    def write(self, path, text):
        with open(path, "w") as f:
            f.write(text)

    def __enter__(self):
        self.bytes = {}
        self.write(self.TRACING + "buffer_size_kb", "65536")
        self.write(self.TRACING + "trace", "")
        self.write(self.EVENT, "1")
        return self

    def __exit__(self, *_):
        self.write(self.EVENT, "0")
        with open(self.TRACING + "trace") as f:
            for order in re.findall(r"mm_filemap_add_to_page_cache:.*\border=(\d+)", f.read()):
                self.bytes[order] = self.bytes.get(order, 0) + (4096 << int(order))
        self.write(self.TRACING + "trace", "")
