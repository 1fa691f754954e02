"""The SSD's file system and what is on it, as a cell wants it."""
import json
import os
import shutil

from command import run
from model import INDEX
from ssd import DEVICE

MOUNT, LOWER = "/mnt", "/tmp/lower"
# The image that the guest was booted with; it is on the SSD already.
IMAGE, SOURCE = "/dev/pmem1", "/tmp/image"

MKFS = {
    "ext4": ["mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0"],
    "xfs": ["mkfs.xfs", "-q", "-f"],
    "btrfs": ["mkfs.btrfs", "-q", "-f"],
    "f2fs": ["mkfs.f2fs", "-q", "-f"],
}
SMALL_FILES, SMALL_SIZE = 2048, 64 << 10


def rename_tensors(path, n):
    """The tensors of a shard's copy get names of their own, as long as before."""
    with open(path, "r+b") as f:
        size = int.from_bytes(f.read(8), "little")
        header = f.read(size).replace(b'"model.', b'"copy%d.' % n)
        f.seek(8)
        f.write(header)


def copy(model, copies):
    """The model's shards, several times: a larger one."""
    os.makedirs(f"{MOUNT}/model")
    for name in sorted(os.listdir(model)):
        if not name.endswith(".safetensors"):
            shutil.copyfile(f"{model}/{name}", f"{MOUNT}/model/{name}")
            continue
        for n in range(copies):
            path = f"{MOUNT}/model/{n or ''}{name}"
            shutil.copyfile(f"{model}/{name}", path)
            if n:
                rename_tensors(path, n)
    with open(f"{MOUNT}/model/{INDEX}", "r+") as f:
        index = json.load(f)
        index["weight_map"].update({t.replace("model.", f"copy{n}.", 1): f"{n}{file}" for n in range(1, copies)
                                    for t, file in index["weight_map"].items()})
        f.seek(0)
        json.dump(index, f)
        f.truncate()


def make(fs, copies):
    """Formats the SSD, mounts it, puts the model on it."""
    if fs in ("ext4", "overlay", "ext4-4k") and copies == 1:
        # As it is.
        where = LOWER if fs == "overlay" else MOUNT
        os.makedirs(where, exist_ok=True)
        # ext4 has no large folios where it journals data. It is not to write by itself.
        run("mount", "-o", "noatime,noinit_itable" + (",data=journal" if fs == "ext4-4k" else ""), DEVICE, where)
        if fs == "overlay":
            for name in ("upper", "work"):
                os.makedirs(f"/tmp/overlay/{name}")
            run("mount", "-t", "overlay", "-o",
                f"lowerdir={LOWER},upperdir=/tmp/overlay/upper,workdir=/tmp/overlay/work", "overlay", MOUNT)
        return
    os.makedirs(SOURCE, exist_ok=True)
    run("mount", "-o", "ro,noload", IMAGE, SOURCE)
    if fs.startswith("erofs"):
        run("mkfs.erofs", "--quiet", *(["-zlz4"] if fs == "erofs-lz4" else []), DEVICE, SOURCE)
        run("mount", "-t", "erofs", "-o", "ro", DEVICE, MOUNT)
    else:
        run(*MKFS[fs], DEVICE)
        run("mount", "-t", fs, "-o", "noatime", DEVICE, MOUNT)
        copy(SOURCE + "/model", copies)
        os.sync()
    run("umount", SOURCE)


def grow():
    """Room for more than the model."""
    run("resize2fs", DEVICE)


def make_folder(name):
    """What is loaded beside the model: many small files, or one of a page."""
    folder = f"{MOUNT}/{name}"
    if os.path.isdir(folder):
        return
    os.makedirs(folder)
    count, size = (1, 4096) if name == "page" else (SMALL_FILES, SMALL_SIZE)
    for n in range(count):
        # maioctl goes by the names.
        with open(f"{folder}/{n:05d}.safetensors", "wb") as f:
            f.write(b"".join(w.to_bytes(8, "little") for w in range(n << 20, (n << 20) + 512)) * (size // 4096))
    os.sync()


def files(folder):
    """What a loader reads of a folder, by the names under which its pages are cached."""
    top = LOWER if os.path.ismount(LOWER) else MOUNT
    return sorted(e.path for e in os.scandir(f"{top}/{folder}")
                  if e.is_file() and (folder != "model" or e.name.endswith((".safetensors", ".gguf"))))


def make_gguf():
    """The model as a GGUF file, by the real library, in a folder of its own."""
    folder = f"{MOUNT}/gguf"
    if not os.path.isdir(folder):
        os.makedirs(folder)
        run("/usr/bin/python3", "-B", os.path.join(os.path.dirname(os.path.abspath(__file__)), "make_gguf.py"),
            f"{MOUNT}/model", f"{folder}/model.gguf")
        os.sync()
