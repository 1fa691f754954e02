"""On which NUMA nodes the cached pages of files lie, asked of the kernel by move_pages(2), which
knows nothing of policies."""
import ctypes
import itertools
import mmap
import os

MOVE_PAGES = 279
MADV_POPULATE_READ = 22
PAGE = mmap.PAGESIZE
# Pages asked for in one call.
AT_ONCE = 1 << 14

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def check(result, what):
    if result:
        raise OSError(ctypes.get_errno(), what)


def count_nodes(start, pages, bytes_on):
    """Adds up where mapped pages lie; a status below zero is an error of that page."""
    for first in range(0, pages, AT_ONCE):
        n = min(AT_ONCE, pages - first)
        at = (ctypes.c_void_p * n)(*range(start + first * PAGE, start + (first + n) * PAGE, PAGE))
        status = (ctypes.c_int * n)()
        check(libc.syscall(MOVE_PAGES, 0, ctypes.c_ulong(n), at, None, status, 0), "move_pages")
        for node, same in itertools.groupby(sorted(status)):
            if node < 0:
                raise OSError(-node, "move_pages, of a page")
            bytes_on[node] = bytes_on.get(node, 0) + len(list(same)) * PAGE


def bytes_on_nodes(path):
    """Bytes of the file's cached pages by node; reads nothing of what is not cached."""
    size = os.stat(path).st_size
    pages = -(-size // PAGE)
    fd = os.open(path, os.O_RDONLY)
    start = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, fd, 0)
    os.close(fd)
    if start == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), f"mmap {path}")
    result = {}
    try:
        check(libc.madvise(start, size, mmap.MADV_RANDOM), "madvise")
        cached = (ctypes.c_ubyte * pages)()
        check(libc.mincore(start, size, cached), "mincore")
        at = 0
        for is_cached, run in itertools.groupby(cached, lambda c: c & 1):
            n = len(list(run))
            if is_cached:
                # move_pages() looks at what is mapped.
                check(libc.madvise(start + at * PAGE, n * PAGE, MADV_POPULATE_READ), "MADV_POPULATE_READ")
                count_nodes(start + at * PAGE, n, result)
            at += n
    finally:
        libc.munmap(start, size)
    return result


def all_bytes_on_nodes(paths):
    result = {}
    for path in paths:
        for node, n in bytes_on_nodes(path).items():
            result[node] = result.get(node, 0) + n
    return result
