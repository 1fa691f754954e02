#!/usr/bin/python3
"""Writes the model as GGUF, with the real libraries.

usage: make_gguf.py MODEL OUT.gguf
"""
import sys

from gguf import GGUFWriter
from safetensors import safe_open

import model


def main(folder, out):
    writer = GGUFWriter(out, "qwen2")
    for path in model.shards(folder):
        with safe_open(path, framework="numpy") as f:
            for name in f.keys():
                writer.add_tensor(name, f.get_tensor(name))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


main(*sys.argv[1:])
