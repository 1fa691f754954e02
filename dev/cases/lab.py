#!/usr/bin/python3
"""What the loads of the cases are made of.

usage: lab.py CASE FOLDER VARIANT    makes that case's load; prints JSON: a sum over what was read, and what
the load said
"""
import ctypes
import glob
import importlib
import json
import mmap
import os
import struct
import sys
import threading
import zlib

MB = 1 << 20
CGROUP = "/sys/fs/cgroup/case"
libc = ctypes.CDLL(None, use_errno=True)
said = {}
_lock = threading.Lock()
_sum = 0


def note(data, pos):
    """Adds data to the sum: of a part of it, as the sum of all takes longer than the load."""
    global _sum
    part = zlib.crc32(bytes(memoryview(data)[::509]), pos & 0xffffffff)
    with _lock:
        _sum = _sum + part & (1 << 64) - 1


def write_safetensors(path, tensors):
    """tensors: (name, bytes) in the order of the data."""
    header, pos = {}, 0
    for name, size in tensors:
        header[name] = {"dtype": "U8", "shape": [size], "data_offsets": [pos, pos + size]}
        pos += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for at in range(0, pos, MB):
            f.write(os.urandom(min(MB, pos - at)))


def write_model(folder, files=4, tensors=25, size=4 * MB):
    for i in range(files):
        write_safetensors(f"{folder}/model-{i + 1:05}-of-{files:05}.safetensors",
                          [(f"layers.{i}.{t:03}", size) for t in range(tensors)])


def header(path):
    """{name: (position, length)}, by two small reads."""
    with open(path, "rb", 0) as f:
        size, = struct.unpack("<Q", f.read(8))
        tensors = json.loads(f.read(size))
    return {k: (8 + size + v["data_offsets"][0], v["data_offsets"][1] - v["data_offsets"][0])
            for k, v in tensors.items() if k != "__metadata__"}


def shards(folder):
    return sorted(glob.glob(folder + "/*.safetensors"))


def mapped(path, prot=mmap.PROT_READ, flags=mmap.MAP_PRIVATE, mode=os.O_RDONLY):
    fd = os.open(path, mode)
    try:
        return mmap.mmap(fd, 0, flags, prot)
    finally:
        os.close(fd)


def copy(m, pos, size, step=MB):
    """To a staging buffer. Small steps are not summed: that would be all that is measured."""
    for at in range(pos, pos + size, step):
        data = m[at:min(at + step, pos + size)]
        if step >= MB:
            note(data, at)


def load(paths):
    """The plain loader: a mapping, tensor by tensor."""
    for path in paths:
        m = mapped(path)
        for pos, size in (t for _, t in sorted(header(path).items())):
            copy(m, pos, size)


def read(paths):
    """The plain reader: from the first byte to the last."""
    for path in paths:
        with open(path, "rb", 0) as f:
            at = 0
            while data := f.read(MB):
                note(data, at)
                at += len(data)


def meminfo(name):
    """Bytes."""
    with open("/proc/meminfo") as f:
        return next(int(line.split()[1]) << 10 for line in f if line.startswith(name + ":"))


if __name__ == "__main__":
    sys.modules["lab"] = sys.modules["__main__"]
    importlib.import_module(sys.argv[1]).load(*sys.argv[2:])
    print(json.dumps({"sum": _sum, **said}))
