#!/usr/bin/env bash
# Removes what was built: out/, and with CACHE=1 sources, kernels and the guest's root too.
. "$(dirname "$0")/lib.sh"

rm -rf "$TOP/out"
if [ "${CACHE:-}" = 1 ]; then
	# Only what is ours: the folder may be one that holds other things.
	for d in stock tree series stage build root model apt qemu sparse vng log ccache; do
		as_root rm -rf "${PPC_CACHE:?}/$d"
	done
	rm -f "$PPC_CACHE"/{layout,accel,*.lock}
else
	say "the cache stays: $PPC_CACHE (remove it with CACHE=1)"
fi
