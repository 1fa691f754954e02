#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The whole way of "maioctl run", on ext4 and on xfs: what it records, what it
# replays, what the loader reads, and what happens when something is missing.
#
# Functions are called by name; text in single quotes is for another shell.
# shellcheck disable=SC2016,SC2317

cd "$(dirname "$0")" || exit 1
ksft_skip=4
SHARD_MB=6
SHARDS=3

skip_all()
{
	echo "TAP version 13"
	echo "1..0 # SKIP $*"
	exit $ksft_skip
}

[ "$(id -u)" = 0 ] || skip_all "must be root"
[ -e /dev/ppc ] || skip_all "no /dev/ppc"
command -v maioctl > /dev/null || skip_all "no maioctl"
[ -d /sys/module/ppc_maio ] || modprobe ppc_maio || skip_all "no ppc_maio"

dir=$(mktemp -d /tmp/ppc.XXXXXX)
chmod 755 "$dir"
trap './ppc_fs.sh down "$dir"' EXIT
./ppc_fs.sh up "$dir" || skip_all "no file systems"

nr=0
failed=0
declare -a problems

# check WHAT COMMAND...: a test is good if all of its checks are.
check()
{
	local what=$1

	shift
	"$@" || problems+=("$what")
}

result() # NAME
{
	local p

	nr=$((nr + 1))
	for p in "${problems[@]}"; do
		echo "# $p"
	done
	if [ ${#problems[@]} = 0 ]; then
		echo "ok $nr $fs: $1"
	else
		echo "not ok $nr $fs: $1"
		sed 's/^/#   /' "$work/err" 2>/dev/null
		sed 's/^/#   /' "$work/json" 2>/dev/null
		failed=1
	fi
	problems=()
}

# json KEY: the value of a key, wherever it is; good enough for what we write.
json()
{
	grep -oE "\"$1\": *(\"[^\"]*\"|[^,}[:space:]]*)" "$work/json" | head -n 1 |
		sed -E 's/^[^:]*: *//; s/^"//; s/"$//'
}

is() # KEY VALUE
{
	[ "$(json "$1")" = "$2" ] || { echo "# $1 is '$(json "$1")', not '$2'"; false; }
}

least() # KEY NUMBER
{
	[ "$(json "$1")" -ge "$2" ] 2>/dev/null ||
		{ echo "# $1 is '$(json "$1")', not $2 or more"; false; }
}

run() # OPTIONS... -- COMMAND
{
	rm -f "$work/json"
	maioctl run --store "$work/store" --json "$work/json" "$@" \
		> "$work/out" 2> "$work/err"
	status=$?
}

drop()
{
	local f

	sync
	for f in "$model"/*; do
		dd of="$f" oflag=nocache conv=notrunc,fdatasync count=0 2>/dev/null
	done
	echo 1 > /proc/sys/vm/drop_caches
}

loader='cat "$0"/model-*.safetensors | sha256sum'
load()
{
	run "$@" "$model" -- bash -c "$loader" "$model"
}

# What is in the model, by direct I/O: not what somebody left in the page cache.
model_sum()
{
	local f

	sync
	for f in "$model"/model-*.safetensors; do
		dd if="$f" iflag=direct bs=1M status=none
	done | sha256sum | cut -d' ' -f1
}

sum_right()
{
	[ "$(cut -d' ' -f1 < "$work/out")" = "$(model_sum)" ]
}

make_model()
{
	local bytes=$((SHARD_MB << 20))
	local head="{\"t\":{\"dtype\":\"U8\",\"shape\":[$bytes],\"data_offsets\":[0,$bytes]}}"
	local i

	mkdir -p "$model"
	for i in $(seq $SHARDS); do
		{
			printf "\\x$(printf %x ${#head})\\0\\0\\0\\0\\0\\0\\0%s" "$head"
			head -c $bytes /dev/urandom
		} > "$model/model-$i.safetensors"
	done
	sync
}

test_fs()
{
	local total=$((SHARDS * SHARD_MB << 20))

	make_model

	drop
	load
	check "exit status $status" [ $status = 0 ]
	check "the loader read something else" sum_right
	check "state" is state cold
	check "saved" is saved true
	check "the headers were left in the cache" is resident_at_start 0
	check "no template in the store" [ -n "$(ls -A "$work/store")" ]
	check "prefetched" least prefetched_bytes $((total / 2))
	result "the first run reads ahead by the headers, and records"

	drop
	load --no-cold --record
	check "exit status $status" [ $status = 0 ]
	check "the loader read something else" sum_right
	check "state" is state record
	check "saved" is saved true
	check "prefetched" is prefetched_bytes 0
	result "or only records"

	drop
	load
	check "exit status $status" [ $status = 0 ]
	check "the loader read something else" sum_right
	check "state" is state replay
	check "prefetched" least prefetched_bytes $((total / 2))
	check "used" is used true
	result "the second run replays"

	drop
	load --burn --gap 1M
	check "state" is state replay
	check "the loader read something else" sum_right
	check "burned" least burned_bytes $((total / 2))
	result "burned"

	drop
	run "$model" -- bash -c 'exit 37'
	check "exit status $status, not 37" [ $status = 37 ]
	check "exit_status in the report" is exit_status 37
	result "the exit status is passed on"

	run "$model" -- bash -c 'kill -TERM $$'
	check "exit status $status, not 143" [ $status = 143 ]
	check "signal in the report" is signal 15
	result "a signal is passed on"

	run "$model" -- /nonexistent/loader
	check "exit status $status, not 127" [ $status = 127 ]
	result "no such command"

	run "$work/nothing" -- true
	check "exit status $status, not 125" [ $status = 125 ]
	result "no such model"

	# The same length, but another name in the header: that is another model.
	printf u | dd of="$model/model-2.safetensors" bs=1 seek=10 conv=notrunc 2>/dev/null
	drop
	load
	check "the loader read something else" sum_right
	check "state" is state cold
	check "saved" is saved true
	check "a word about it" grep -qi stale "$work/err"
	result "a stale template is recorded anew"

	head -c 1048576 /dev/urandom >> "$model/model-1.safetensors"
	drop
	load
	check "the loader read something else" sum_right
	check "state" is state cold
	drop
	load
	check "state" is state replay
	check "the loader read something else" sum_right
	result "so is that of a file that has grown"

	local template
	template=$(find "$work/store" -type f | head -n 1)
	printf '\xff\xff\xff\xff' | dd of="$template" bs=1 seek=40 conv=notrunc 2>/dev/null
	drop
	load
	check "exit status $status" [ $status = 0 ]
	check "the loader read something else" sum_right
	check "state" is state cold
	result "a damaged template is recorded anew"

	truncate -s 20 "$template"
	drop
	load
	check "exit status $status" [ $status = 0 ]
	check "the loader read something else" sum_right
	check "state" is state cold
	result "a template cut off is recorded anew"

	# A recording on a warm cache sees nothing.
	rm -rf "$work/store"
	cat "$model"/* > /dev/null
	load
	check "exit status $status" [ $status = 0 ]
	check "saved" is saved false
	result "nothing is kept of a warm recording"

	echo 0 > /sys/kernel/mm/ppc/enabled
	load
	echo 1 > /sys/kernel/mm/ppc/enabled
	check "exit status $status" [ $status = 0 ]
	check "state" is state stock
	check "the loader read something else" sum_right
	result "switched off, it is stock"

	# Without the device the loader just runs, and somebody says why.
	mv /dev/ppc /dev/ppc.gone
	drop
	load
	check "exit status $status" [ $status = 0 ]
	check "state" is state stock
	check "the loader read something else" sum_right
	check "no warning" grep -qi warning "$work/err"
	load --require
	check "--require: exit status $status, not 125" [ $status = 125 ]
	mv /dev/ppc.gone /dev/ppc
	result "without /dev/ppc it is stock"

	# Nothing is attached any more, or this would fail.
	check "the module is still in use" rmmod ppc_maio
	modprobe ppc_maio
	result "nothing stays attached"
}

# What was recorded cannot be kept: that is no reason not to load.
no_store() # MOUNT_OPTIONS REASON
{
	rm -rf "$work/store"
	mkdir "$work/store"
	mount -t tmpfs -o "$1" store "$work/store" || problems+=("no tmpfs")
	# Full, if it is not read-only.
	cat /dev/zero > "$work/store/full" 2>/dev/null
	drop
	load
	check "exit status $status" [ $status = 0 ]
	check "the loader read something else" sum_right
	check "state" is state cold
	check "saved" is saved false
	check "no word about it: $2" grep -q "$2" "$work/err"
	umount "$work/store"
	rm -rf "$work/store"
}

test_store()
{
	local other

	no_store ro "Read-only file system"
	result "the store is on a read-only file system"

	no_store size=64k "No space left"
	result "the store is on a full file system"

	drop
	maioctl run --store "$work/store" --service one "$model" -- \
		bash -c "$loader" "$model" > "$work/other" 2> "$work/other_err" &
	other=$!
	load --service one
	check "exit status $status" [ $status = 0 ]
	check "the loader read something else" sum_right
	wait $other
	status=$?
	check "the other's exit status $status" [ $status = 0 ]
	check "they read different things" cmp -s "$work/out" "$work/other"
	check "more than a template is left" [ "$(find "$work/store" -type f | wc -l)" = 1 ]
	drop
	load --service one
	check "state" is state replay
	check "the loader read something else" sum_right
	result "two runs at once with one service id"
}

load_as() # UID OPTION...
{
	local user=$1

	shift
	setpriv --reuid "$user" --regid "$user" --clear-groups maioctl run "$@" \
		--store "$work/store" --json "$work/json" "$model" -- \
		bash -c "$loader" "$model" > "$work/out" 2> "$work/err"
}

# A user without rights, with a model that it may only read, and with its own.
test_user()
{
	local user=4711

	command -v setpriv > /dev/null || {
		nr=$((nr + 1))
		echo "ok $nr $fs: # SKIP no setpriv"
		return
	}
	rm -rf "$work/store"
	mkdir "$work/store" && chown $user "$work/store"
	: > "$work/json" && chown $user "$work/json"
	load_as $user
	status=$?
	check "exit status $status" [ $status = 0 ]
	check "the loader read something else" sum_right
	check "state" is state stock
	check "no reason" grep -q "neither own" "$work/err"
	result "a model that is not the user's is loaded without the policy"

	chown -R $user "$model"
	drop
	load_as $user
	status=$?
	check "exit status $status" [ $status = 0 ]
	check "the loader read something else" sum_right
	check "state" is state cold
	check "saved" is saved true
	drop
	load_as $user --burn
	check "the loader read something else" sum_right
	check "state" is state replay
	result "a user without rights records and replays"
}

echo "TAP version 13"
for fs in ext4 xfs; do
	if ! mountpoint -q "$dir/$fs"; then
		nr=$((nr + 1))
		echo "ok $nr $fs: all # SKIP no $fs"
		continue
	fi
	model=$dir/$fs/model
	work=$dir/$fs/work
	mkdir -p "$work"
	chmod 755 "$work"
	test_fs
	[ $fs = xfs ] || test_store
	test_user
done
echo "1..$nr"
exit $failed
