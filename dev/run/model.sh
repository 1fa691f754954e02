#!/usr/bin/env bash
# Makes the model, once: in a guest, because the real safetensors library is there, then the
# image of an ext4 with it. Prints the folder with model.img and digests.json, which
# this machine, not a guest, has computed.
. "$(dirname "$0")/../lib.sh"

here=$TOP/dev/run
key=$(cat "$here/make_model.py" "$here/model.py" "$here/model.sh" | sha1sum | cut -c1-8)
dir=$PPC_CACHE/model/$key
with_lock "$PPC_CACHE/model/lock" "the model is being made"
if [ -f "$dir/digests.json" ]; then
	echo "$dir"
	exit
fi

rm -rf "$dir"
mkdir -p "$dir/out" "$dir/ssd"
cp "$here/make_model.py" "$dir/out/"
log=$PPC_CACHE/log/model.log
step "make the model (about a minute, once)" "$log"
# Through the guest's memory: a library may write in ways that a shared folder is slow at.
export CMD='/usr/bin/python3 /out/make_model.py /tmp/model && cp -r /tmp/model /out/'
PROGRESS_RE='MB$' PROGRESS_WORD=shards logged "$log" env OUT="$dir/out" VTIME='' PROFILE=none \
	ROOT='' SSD='' MEM=3G CPUS=1 NUMA=1 STOCK='' NOBUILD=1 TIMEOUT=600 APPEND='' \
	"$TOP/dev/vm.sh" || die
grep 'MB$' "$log" | sed 's/^/   /' >&2

mv "$dir/out/model" "$dir/ssd/model"
sum=$("$PYTHON" -B "$here/model.py" "$dir/ssd/model")
# What cost reads, and a file that something else is attached to. Not larger than the gap
# that burning leaves alone.
for f in pread other; do
	yes "$f" | head -c 16M >"$dir/ssd/$f.bin" || true
done

step "make the SSD's image" "$log"
mb=$(($(du -sm "$dir/ssd" | cut -f1) + 64))
# Nothing is left for the kernel to initialise in the middle of a measurement, and the image
# is the same each time it is made.
E2FSPROGS_FAKE_TIME=1 /sbin/mke2fs -q -t ext4 -b 4096 -L model -U 5eed5eed-5eed-5eed-5eed-5eed5eed5eed \
	-E lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0,hash_seed=5eed5eed-5eed-5eed-5eed-5eed5eed5eed \
	-d "$dir/ssd" "$dir/model.img" "$(((mb + 3) / 4 * 4))M" >>"$log" 2>&1 || die
du -b "$dir"/ssd/model/*.safetensors | awk '{n += $1} END {printf "   %d shards, %.1f MB\n", NR, n / 1e6}' >&2
rm -rf "$dir/out" "$dir/ssd"
echo "$sum" >"$dir/digests.json"
# Older recipes leave nothing behind.
find "$PPC_CACHE/model" -mindepth 1 -maxdepth 1 -type d ! -name "$key" -exec rm -rf {} +
echo "$dir"
