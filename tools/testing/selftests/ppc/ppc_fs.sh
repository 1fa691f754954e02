#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# File systems for the tests: "up DIR" makes DIR/ext4 and DIR/xfs, or what PPC_FS
# names; "down DIR" takes them away again. They lie on null_blk devices that keep
# their data in memory, or on loop devices on tmpfs where there is no null_blk to
# be set up. With PPC_MBPS=N, the former read and write N MB/s at most.

SIZE_MB=512
read -ra all <<< "${PPC_FS:-ext4 xfs}"
nullb=/sys/kernel/config/nullb

device() # NAME: makes it, and prints its path
{
	local name=$1 img

	if [ -d $nullb ] && mkdir "$nullb/$name" 2>/dev/null; then
		echo $SIZE_MB > "$nullb/$name/size"
		echo 4096 > "$nullb/$name/blocksize"
		echo 1 > "$nullb/$name/memory_backed"
		echo "${PPC_MBPS:-0}" > "$nullb/$name/mbps"
		echo 1 > "$nullb/$name/power" || return 1
		echo "/dev/$name"
	else
		img=$dir/$name.img
		truncate -s ${SIZE_MB}M "$img"
		losetup --find --show "$img"
	fi
}

up()
{
	local fs dev

	[ -d $nullb ] || modprobe null_blk nr_devices=0 2>/dev/null
	mountpoint -q /tmp || mount -t tmpfs ppc-test "$dir"
	for fs in "${all[@]}"; do
		mkdir -p "$dir/$fs"
		# Without its mkfs, a file system's tests are skipped.
		command -v "mkfs.$fs" > /dev/null || continue
		dev=$(device "ppc_$fs") || return 1
		case $fs in
		ext4) mkfs.ext4 -q -b 4096 -m 0 -E nodiscard "$dev" ;;
		xfs) mkfs.xfs -q -f -K "$dev" ;;
		f2fs) mkfs.f2fs -q -f -t 0 "$dev" ;;
		btrfs) mkfs.btrfs -q -f -K "$dev" ;;
		esac || return 1
		mount -t "$fs" "$dev" "$dir/$fs" || return 1
		chmod 755 "$dir/$fs"
	done
}

down()
{
	local fs loop busy=0

	for fs in "${all[@]}"; do
		for _ in $(seq 100); do
			mountpoint -q "$dir/$fs" || break
			umount "$dir/$fs" 2>/dev/null && break
			sleep 0.2
		done
		if mountpoint -q "$dir/$fs"; then
			echo "# $fs is busy"
			umount -l "$dir/$fs"
			busy=1
		fi
		if [ -d "$nullb/ppc_$fs" ]; then
			echo 0 > "$nullb/ppc_$fs/power"
			rmdir "$nullb/ppc_$fs"
		fi
		loop=$(losetup -n -O NAME -j "$dir/ppc_$fs.img" 2>/dev/null)
		[ -z "$loop" ] || losetup -d "$loop"
	done
	umount "$dir" 2>/dev/null
	rm -rf --one-file-system "$dir"
	return $busy
}

[ $# = 2 ] || exit 2
dir=$2
"$1"
