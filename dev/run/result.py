"""What a loader hands back once its clock has stopped: time, bytes, digest."""
import json
import os

import model


# A SHA-256 of everything takes long under emulation: whoever repeats a load asks for less.
KINDS = os.environ.get("DIGEST", "sha256,crc32").split(",")


def write(path, ns, tensors):
    size = sum(len(t) for t in tensors.values())
    with open(path, "w") as f:
        json.dump({"ns": ns, "bytes": size, "tensors": len(tensors),
                   **{kind: model.DIGESTS[kind](tensors) for kind in KINDS}}, f)
