#!/usr/bin/python3
"""A loader as frameworks have it: the gguf library maps the file, and every tensor is copied
out. Knows nothing of PPC.

usage: load_gguf.py FOLDER RESULT.json
"""
import os
import sys
import time

import numpy as np
from gguf import GGUFReader

import result


def main(folder, out):
    path = os.path.join(folder, "model.gguf")
    start = result.start([path])
    tensors = {t.name: np.array(t.data) for t in GGUFReader(path).tensors}
    end = time.monotonic_ns()
    result.write(out, end - start, {name: t.data.cast("B") for name, t in tensors.items()})


main(*sys.argv[1:])
