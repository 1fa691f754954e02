"""A loader's clock, and what it hands back once that has stopped: time, bytes, digest."""
import json
import os
import time

import model
import ssd


# A SHA-256 of everything takes long under emulation: whoever repeats a load asks for less, or for none.
KINDS = [kind for kind in os.environ.get("DIGEST", "sha256,crc32").split(",") if kind]


def start(files):
    """The time at which the load begins: with a tick of the SSD's cap, if that has ticks. With
    WILLNEED set, all of it is asked for then."""
    ssd.await_tick()
    begin = time.monotonic_ns()
    if "WILLNEED" in os.environ:
        for path in files:
            fd = os.open(path, os.O_RDONLY)
            # The kernel cuts each call at the size of readahead.
            for pos in range(0, os.fstat(fd).st_size, 128 << 10):
                os.posix_fadvise(fd, pos, 128 << 10, os.POSIX_FADV_WILLNEED)
            os.close(fd)
    return begin


def write(path, ns, tensors):
    size = sum(len(t) for t in tensors.values())
    with open(path, "w") as f:
        json.dump({"ns": ns, "bytes": size, "tensors": len(tensors),
                   **{kind: model.DIGESTS[kind](tensors) for kind in KINDS}}, f)
