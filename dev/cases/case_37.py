"""readahead larger than the device's requests"""
import lab

QUEUE = "/sys/block/nullb0/queue/"
VARIANTS = "2560/128", "64/0", "64/16", "64/4096"
ONE_TEMPLATE = True


def queue(sectors, ahead):
    for name, value in (("max_sectors_kb", sectors), ("read_ahead_kb", ahead)):
        with open(QUEUE + name, "w") as f:
            f.write(value)


def load(folder, _):
    lab.load(lab.shards(folder))


def before(_, __, variant):
    queue(*variant.split("/"))


def after(_, __):
    queue(*VARIANTS[0].split("/"))
    return {}
