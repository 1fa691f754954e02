#!/usr/bin/env bash
# Prints a sparse that is new enough for this kernel: Debian 12's does not know __typeof_unqual__.
# The one of sid is put in the cache, with the C library that it wants.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/apt.sh"

if [ "$("$(source_dir)/scripts/checker-valid.sh" sparse 2>/dev/null || true)" = 1 ]; then
	command -v sparse
	exit
fi
dir=$PPC_CACHE/sparse
with_lock "$PPC_CACHE/sparse.lock" "sparse is being fetched"
if [ ! -x "$dir/run" ]; then
	log=$PPC_CACHE/log/sparse.log
	step "fetch sparse from Debian sid" "$log" "check the network"
	rm -rf "$dir"
	mkdir -p "$dir"
	{
		suite_unpack sid sparse "$dir"
		suite_unpack sid libc6 "$dir"
	} >"$log" 2>&1 || die
	lib=$dir/usr/lib/x86_64-linux-gnu
	printf '#!/bin/sh\nexec %q --library-path %q %q "$@"\n' "$lib/ld-linux-x86-64.so.2" "$lib" \
		"$dir/usr/bin/sparse" >"$dir/run"
	chmod +x "$dir/run"
fi
echo "$dir/run"
