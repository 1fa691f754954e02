#!/usr/bin/env bash
# Makes the guest's user space, once: a small Debian sid root (newer than the host's, for the
# real safetensors library and its friends) as an uncompressed erofs image. QEMU maps the
# image into guest memory, so nothing is ever copied. Prints the image.
# With ROOT=DIR, an image of that folder instead, made anew each time. ROOT_PACKAGES='bc gawk' are more
# packages, in an image of its own.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/apt.sh"

packages=(
	bpftool btrfs-progs e2fsprogs erofs-utils f2fs-tools fio kmod procps strace util-linux util-linux-extra vmtouch xfsprogs
	python3-gguf python3-numpy python3-safetensors
	ca-certificates file less libjson-c5 libnuma1 zlib1g numactl psmisc
)
[ -z "${ROOT_PACKAGES:-}" ] || mapfile -t -O "${#packages[@]}" packages < <(xargs -n 1 <<<"$ROOT_PACKAGES")
dir=$PPC_CACHE/root
mkdir -p "$dir"

# to_image DIR IMAGE: uncompressed and without inline data, which DAX needs.
to_image() {
	rm -f "$2.new"
	as_root mkfs.erofs --quiet -E noinline_data "$2.new" "$1"
	# virtio-pmem wants a size that is a multiple of its alignment.
	as_root truncate -s %4M "$2.new"
	as_root chmod a+r "$2.new"
	mv -f "$2.new" "$2"
}

if [ -n "${ROOT:-}" ]; then
	[ -d "$ROOT/usr" ] || die "ROOT=$ROOT is not the root of a user space"
	image=$dir/own-$(realpath "$ROOT" | sha1sum | cut -c1-8).erofs
	step "make an image of $ROOT" "$PPC_CACHE/log/root-own.log"
	to_image "$ROOT" "$image" >"$LOG" 2>&1 || die
	echo "$image"
	exit
fi

key=$(printf "%s\n" sid "${packages[@]}" | sha1sum | cut -c1-8)
image=$dir/sid-$key.erofs
with_lock "$dir/lock" "the guest's user space is being made"
if [ -f "$image" ]; then
	echo "$image"
	exit
fi

log=$PPC_CACHE/log/root.log
step "make the guest's user space (about 2 minutes, once)" "$log" \
	"check the network; then run the command again"
mirror=$(debian_mirror) || die "no Debian mirror in /etc/apt/sources.list*"
need_space 3 "the guest's user space"
# What a killed run has left is of no use.
as_root rm -rf "$dir"/new.*
tmp=$(mktemp -d "$dir/new.XXXXXX")
trap 'as_root rm -rf "$tmp"' EXIT
include=$(IFS=,; echo "${packages[*]}")
make_root() {
	as_root mmdebstrap --mode=root --variant=minbase --include="$include" \
		--keyring="$keyring" --aptopt='Acquire::Check-Valid-Until "false"' \
		--aptopt='APT::Install-Recommends "false"' \
		--dpkgopt=path-exclude='/usr/share/doc/*' --dpkgopt=path-exclude='/usr/share/man/*' \
		--dpkgopt=path-exclude='/usr/share/locale/*' --dpkgopt=path-exclude='/usr/share/info/*' \
		--dpkgopt=path-exclude='/usr/share/i18n/*' --dpkgopt=path-exclude='/usr/share/zoneinfo/*' \
		sid "$tmp/root" "deb [signed-by=$keyring] $mirror sid main"
	as_root rm -rf "$tmp"/root/var/cache/apt "$tmp"/root/var/lib/apt/lists
	as_root mkdir -p "$tmp/root/out"
	to_image "$tmp/root" "$image"
}
PROGRESS_RE='^I:' PROGRESS_WORD=steps PROGRESS_TOTAL=11 logged "$log" make_root || die
say "$(du -h "$image" | cut -f1) in $image"
echo "$image"
