#!/usr/bin/python3
"""A loader that read()s each shard from beginning to end, in pieces of one size, into memory
that is there already. Knows nothing of PPC. One read() here is about a microsecond of Python
beside 50 and more that the kernel needs to copy a piece.

usage: load_read.py PIECE MODEL RESULT.json
"""
import os
import sys
import time

import model
import result


def main(piece, folder, out):
    files = model.shards(folder)
    piece = int(piece)
    buffers = []
    for path in files:
        buffer = bytearray(os.stat(path).st_size)
        # Touched now, so that the time is that of reading, not that of clearing memory.
        buffer[::4096] = bytes(len(range(0, len(buffer), 4096)))
        buffers.append(buffer)
    start = result.start(files)
    for path, buffer in zip(files, buffers):
        view, pos = memoryview(buffer), 0
        with open(path, "rb", buffering=0) as f:
            while n := f.readinto(view[pos:pos + piece]):
                pos += n
        if pos != len(buffer):
            raise EOFError(f"{path}: {pos} of {len(buffer)} bytes")
    end = time.monotonic_ns()
    tensors = {}
    for buffer in buffers:
        tensors.update(model.tensors(buffer))
    result.write(out, end - start, tensors)


main(*sys.argv[1:])
