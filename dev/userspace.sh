#!/usr/bin/env bash
# Builds what of the overlay runs in user space, against the headers of a built kernel:
# tools/ppc into OUTDIR/kit/usr, the selftests (with their modules) into OUTDIR/kit/opt/kselftest.
# usage: userspace.sh TREE OUTDIR
. "$(dirname "$0")/lib.sh"

tree=$1 out=$2
kit=$out/kit

# What the overlay no longer has must not stay.
rm -rf "$kit"

build() {
	local name=$1 dir=$2
	shift 2
	[ -f "$tree/$dir/Makefile" ] || return 0
	local log
	log=$PPC_CACHE/log/$name-$(basename "$out").log
	step "build $dir" "$log"
	mkdir -p "$out/user/$name"
	make "$@" >"$log" 2>&1 </dev/null || die
	! grep -E 'warning: ' "$log" | sed 's/^/   /' >&2 || true
}

build tools tools/ppc -C "$tree/tools/ppc" O="$out/user/tools" \
	KHDR_INCLUDES="-isystem $out/usr/include" DESTDIR="$kit" prefix=/usr install
build selftests tools/testing/selftests/ppc -C "$tree/tools/testing/selftests" TARGETS=ppc \
	O="$out" KDIR="$out" KHDR_INCLUDES="-isystem $out/usr/include" \
	INSTALL_PATH="$kit/opt/kselftest" install
