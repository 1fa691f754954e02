#!/usr/bin/python3
"""A loader as frameworks have it: the safetensors library maps each shard and copies every
tensor out. Knows nothing of PPC. Prints its time, opening of the first file to last tensor.

usage: load_safetensors.py MODEL RESULT.json
"""
import sys
import time

from safetensors import safe_open

import model
import result


def main(folder, out):
    files = model.shards(folder)
    tensors = {}
    start = result.start(files)
    for path in files:
        with safe_open(path, framework="numpy") as f:
            for name in f.keys():
                tensors[name] = f.get_tensor(name)
    end = time.monotonic_ns()
    result.write(out, end - start, {name: t.data.cast("B") for name, t in tensors.items()})


main(*sys.argv[1:])
