"""adapters read again and again"""
import time

import lab

MODES = "SCPB"
STEPS = 200


def make(root):
    lab.write_model(root + "/base", files=3)
    lab.write_model(root + "/lora", files=8, tensors=2)


def models(root, _):
    return [root + "/base", root + "/lora"]


def load(root, _):
    lab.load(lab.shards(root + "/base"))
    adapters, took = lab.shards(root + "/lora"), []
    for i in range(STEPS):
        begin = time.perf_counter()
        lab.load([adapters[i % len(adapters)]])
        took.append(time.perf_counter() - begin)
        time.sleep(0.05)
    lab.said["slow"] = sorted(took)[-2]


def judge(r, want):
    slow, stock = r.said["slow"], r.stock.said["slow"]
    want(slow <= stock * 1.05 + 0.0002, f"the slowest load of an adapter but one: {slow * 1e3:.1f} ms, on stock {stock * 1e3:.1f} ms")
