"""What loaders and checks know of a model: its shards, its tensors, its digest.

As a command it prints the digests as JSON: model.py FOLDER
"""
import json
import os
import struct
import sys
import zlib

# An emulated CPU claims AVX2 and has no SHA instructions; OpenSSL's plain code is then twice as
# fast as what it would choose. Must be said before the library is loaded.
os.environ.setdefault("OPENSSL_ia32cap", "~0x0:~0x20")
import hashlib  # noqa: E402

INDEX = "model.safetensors.index.json"


def shards(folder):
    """The paths of the shards in the order of the index."""
    with open(os.path.join(folder, INDEX)) as f:
        files = json.load(f)["weight_map"].values()
    return [os.path.join(folder, f) for f in sorted(set(files))]


def tensors(shard):
    """The bytes of each tensor of a shard that lies in memory as a whole."""
    (size,) = struct.unpack_from("<Q", shard)
    header = json.loads(bytes(shard[8:8 + size]))
    header.pop("__metadata__", None)
    view = memoryview(shard)[8 + size:]
    return {name: view[slice(*t["data_offsets"])] for name, t in header.items()}


def sha256(parts):
    """One digest over the bytes of all tensors, in the order of their names."""
    h = hashlib.sha256()
    for name in sorted(parts):
        h.update(parts[name])
    return h.hexdigest()


def crc32(parts):
    """The same by a checksum that emulation computes in a tenth of the time."""
    crc = 0
    for name in sorted(parts):
        crc = zlib.crc32(parts[name], crc)
    return f"{crc:08x}"


DIGESTS = {"sha256": sha256, "crc32": crc32}


def main(folder):
    parts = {}
    for path in shards(folder):
        with open(path, "rb") as f:
            parts.update(tensors(f.read()))
    print(json.dumps({name: digest(parts) for name, digest in DIGESTS.items()}))


if __name__ == "__main__":
    main(sys.argv[1])
