"""What the kernel does by itself from time to time, brought to the same time before each load."""
import time

KHUGEPAGED = "/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs"


def khugepaged():
    """It scans every ten seconds. What it finds mapped of a model it makes large, and reads for
    that: a load of five seconds that it meets is 2.5 % faster. Let it scan now."""
    with open(KHUGEPAGED, "r+") as f:
        period = f.read()
        f.seek(0)
        f.write(period)
    time.sleep(0.5)
