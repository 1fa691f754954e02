"""cache that counts as working set"""
import lab

MODES = "SCPA"
LIMITS = {"read": 4096 * lab.MB, "mapped": 4096 * lab.MB}


def load(folder, variant):
    (lab.read if variant == "read" else lab.load)(lab.shards(folder))


def after(_, __):
    with open(lab.CGROUP + "/memory.stat") as f:
        stat = dict(line.split() for line in f)
    return {"active_file": int(stat["active_file"]), "inactive_file": int(stat["inactive_file"])}


def judge(r, want):
    active, stock = r.said["active_file"], r.stock.said["active_file"]
    model = stock + r.stock.said["inactive_file"]
    want(active <= stock + 0.05 * model, f"{active / 1e6:.0f} MB count as working set, on stock {stock / 1e6:.0f} MB")
