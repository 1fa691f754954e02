"""How much of a file is in the page cache, asked of the kernel; filling and emptying it."""
import ctypes
import os
import time

CACHESTAT = 451
PAGE = os.sysconf("SC_PAGESIZE")
libc = ctypes.CDLL(None, use_errno=True)


def cached(path):
    """Bytes of a file in the page cache, by cachestat(2)."""
    stat = (ctypes.c_uint64 * 5)()
    whole = (ctypes.c_uint64 * 2)(0, 0)
    fd = os.open(path, os.O_RDONLY)
    try:
        if libc.syscall(CACHESTAT, fd, ctypes.byref(whole), ctypes.byref(stat), 0):
            raise OSError(ctypes.get_errno(), f"cachestat {path}")
    finally:
        os.close(fd)
    return stat[0] * PAGE


def warm(paths):
    """Brings files in by reading them, as the stock kernel does."""
    buffer = bytearray(1 << 20)
    for path in paths:
        with open(path, "rb", buffering=0) as f:
            while f.readinto(buffer):
                pass


def rewarm(path):
    """Brought in by the stock kernel each time, so that the folios are the same."""
    drop([path])
    warm([path])


def drop(paths):
    """Empties the page cache and makes sure that nothing of these files is left in it."""
    for _ in range(5):
        os.sync()
        with open("/proc/sys/vm/drop_caches", "w") as f:
            f.write("3")
        left = {p: n for p in paths if (n := cached(p))}
        if not left:
            return
        time.sleep(0.2)
    raise RuntimeError(f"drop_caches leaves pages of {left}")
