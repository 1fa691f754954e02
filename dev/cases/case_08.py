"""one folder, two copies of the model, or none at the top"""
import json

import lab

QUICK = True
VARIANTS = "consolidated", "two indices", "subfolders"
LAYER, LAYERS = 4 * lab.MB, 40


def part(folder, name, first, end):
    """Some layers of the model, in a file of their own; its index entries."""
    layers = [f"layers.{i:02}" for i in range(first, end)]
    lab.write_safetensors(f"{folder}/{name}", [(layer, LAYER) for layer in layers])
    return {layer: name for layer in layers}


def split(folder, name, parts):
    step, files = LAYERS // parts, {}
    for i in range(parts):
        files |= part(folder, f"{name}-{i + 1:05}-of-{parts:05}.safetensors", i * step, (i + 1) * step)
    return files


def index(folder, name, files):
    with open(f"{folder}/{name}.safetensors.index.json", "w") as f:
        json.dump({"metadata": {"total_size": LAYER * len(files)}, "weight_map": files}, f)


def make(root):
    part(f"{root}/consolidated", "consolidated.safetensors", 0, LAYERS)
    index(f"{root}/consolidated", "model", split(f"{root}/consolidated", "model", 2))
    split(f"{root}/two indices", "diffusion_pytorch_model", 2)
    index(f"{root}/two indices", "diffusion_pytorch_model",
          split(f"{root}/two indices", "diffusion_pytorch_model", 4))
    for name, layers in (("text_encoder", 10), ("transformer", 25), ("vae", 5)):
        part(f"{root}/subfolders/{name}", "diffusion_pytorch_model.safetensors", 0, layers)


def models(root, variant):
    return [f"{root}/{variant}"]


def load(root, variant):
    lab.load({"consolidated": lambda d: [d + "/consolidated.safetensors"],
              "two indices": lambda d: [f for f in lab.shards(d) if "-of-00004" in f],
              "subfolders": lambda d: [f for n in ("text_encoder", "transformer", "vae") for f in lab.shards(f"{d}/{n}")],
              }[variant](f"{root}/{variant}"))


def judge(r, want):
    want(r.prefetched <= 1.1 * r.stock.read, f"{r.prefetched / r.stock.read:.2f} of what the load wants was read ahead")
    if r.mode == "P":
        want(r.seconds < r.stock.seconds, "no faster than stock in the second run")
