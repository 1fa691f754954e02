#!/usr/bin/env bash
# Puts the pristine kernel source of BASE in the cache, once: Debian's source package,
# else kernel.org's tarball, else what KSRC= names (a tree is used where it is, never written).
# Prints the folder.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/apt.sh"

suite=trixie-backports
dir=$(source_dir)
log=$PPC_CACHE/log/source.log

if [ -n "$KSRC" ] && [ -d "$KSRC" ]; then
	[ -f "$dir/Kbuild" ] && [ -f "$dir/MAINTAINERS" ] || die "KSRC=$KSRC is not a kernel tree"
	[ ! -e "$dir/.config" ] || die "KSRC=$KSRC has been built in place" "run 'make mrproper' in it"
	echo "$dir"
	exit
fi

with_lock "$PPC_CACHE/source.lock" "the kernel source is being unpacked"
if [ -f "$dir/Kbuild" ]; then
	echo "$dir"
	exit
fi

need_space 6 "the kernel source, with what is built from it,"
mkdir -p "$PPC_CACHE/stock/tree"
# What a killed run has left is of no use.
rm -rf "$PPC_CACHE"/stock/new.*
new=$(mktemp -d "$PPC_CACHE/stock/new.XXXXXX")
trap 'rm -rf "$new"' EXIT

from_debian() {
	suite_unpack "$suite" "linux-source-$BASE" "$new/pkg"
	tar -C "$new/tree" --strip-components=1 -xf "$new/pkg/usr/src/linux-source-$BASE.tar.xz"
}

from_kernel_org() {
	local url=https://cdn.kernel.org/pub/linux/kernel/v${BASE%%.*}.x/linux-$BASE.tar.xz
	if command -v curl >/dev/null; then
		curl -fsSL -o "$new/linux.tar.xz" "$url"
	else
		wget -q -O "$new/linux.tar.xz" "$url"
	fi
	tar -C "$new/tree" --strip-components=1 -xf "$new/linux.tar.xz"
}

mkdir "$new/tree"
hint="check the network and the apt sources of this machine, or give a tree or tarball of linux $BASE: KSRC=PATH"
if [ -n "$KSRC" ]; then
	[ -f "$KSRC" ] || die "KSRC=$KSRC: no such file or folder"
	step "unpack $KSRC" "$log"
	logged "$log" tar -C "$new/tree" --strip-components=1 -xf "$KSRC" || die
else
	step "fetch linux $BASE from Debian's $suite (150 MB)" "$log" "$hint"
	if ! (trap - ERR && logged "$log" from_debian); then
		say "that failed ($log), trying kernel.org"
		rm -rf "$new/tree" && mkdir "$new/tree"
		step "fetch linux $BASE from kernel.org" "$log" "$hint"
		(trap - ERR && logged "$log" from_kernel_org) || die "no source of linux $BASE to be had"
	fi
fi
[ -f "$new/tree/Kbuild" ] || die "what was unpacked is not a kernel tree"
rm -rf "$dir"
mv "$new/tree" "$dir"
echo "$dir"
