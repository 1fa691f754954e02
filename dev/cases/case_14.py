"""more interleaved readers on a descriptor than there are cursors"""
import os
import threading

import lab

VARIANTS = "17", "32", "64"


def load(folder, variant):
    n = int(variant)
    files = [os.open(p, os.O_RDONLY) for p in lab.shards(folder)]

    def one(k):
        for fd in files:
            for begin in range(k * 2 * lab.MB, os.fstat(fd).st_size, n * 2 * lab.MB):
                for pos in range(begin, begin + 2 * lab.MB, lab.MB // 4):
                    lab.note(os.pread(fd, lab.MB // 4, pos), pos)

    threads = [threading.Thread(target=one, args=(k,)) for k in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
