#!/usr/bin/env bash
# Prints the emulator that guests run in: QEMU of Debian 13, with its own libraries, in the cache. Debian 12's
# may run a translation of code that the kernel has patched meanwhile (8.1 and later lock the pages), and in
# virtual time it starves all but the first busy CPU. QEMU=PROGRAM takes another one.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/apt.sh"

if [ -n "${QEMU:-}" ]; then
	command -v "$QEMU" || die "QEMU=$QEMU: no such program"
	exit
fi
dir=$PPC_CACHE/qemu
with_lock "$PPC_CACHE/qemu.lock" "the emulator is being fetched"
if [ ! -x "$dir/run" ]; then
	log=$PPC_CACHE/log/qemu.log
	step "fetch QEMU from Debian trixie (40 MB)" "$log" "check the network and the apt sources of this machine"
	rm -rf "$dir"
	mkdir -p "$dir"
	suite_unpack_all trixie qemu-system-x86 "$dir/root" >"$log" 2>&1 || die
	lib=$dir/root/usr/lib/x86_64-linux-gnu share=$dir/root/usr/share
	printf '#!/bin/sh\nQEMU_MODULE_DIR=%q exec %q --library-path %q %q -L %q -L %q "$@"\n' "$lib/qemu" \
		"$lib/ld-linux-x86-64.so.2" "$lib" "$dir/root/usr/bin/qemu-system-x86_64" "$share/qemu" "$share/seabios" \
		>"$dir/run.new"
	chmod +x "$dir/run.new"
	"$dir/run.new" --version >>"$log" 2>&1 || die "it does not run on this machine"
	mv "$dir/run.new" "$dir/run"
fi
echo "$dir/run"
