#!/usr/bin/env bash
# Compiles what is ours and what the patches touch with sparse and W=1, in a configuration and
# a build folder of its own, and prints the complaints that are about our files or our lines.
# What our objects call of the compiler's own library, which the kernel does not have, is one too: 32-bit
# machines have no division of 64 bits. usage: check-build.sh TREE CONFIG
. "$(dirname "$0")/lib.sh"

tree=$1 CONFIG=$2
export CONFIG
config_arch "$CONFIG"
use_ccache
out=$PPC_CACHE/build/$(base_id)-check-$CONFIG
log=$PPC_CACHE/log/check-build-$CONFIG.log
with_lock "$PPC_CACHE/build.lock" "one kernel build at a time on this machine"
# What goes out with an option that is off here is no news.
"$TOP/dev/config.sh" "$tree" "$out" 2>"$log" || { cat "$log" >&2; exit 1; }

mapfile -t patches < <("$TOP/dev/patches.sh")
mapfile -t objects < <({
	"$TOP/dev/overlay.sh"
	[ "${#patches[@]}" -eq 0 ] || sed -nE 's,^\+\+\+ b/([^[:space:]]+).*,\1,p' "${patches[@]}"
} | grep -E '^(mm|fs|samples|kernel|lib)/.*\.c$' | sort -u | sed 's/\.c$/.o/')
[ "${#objects[@]}" -gt 0 ] || exit 0

check=$("$TOP/dev/sparse.sh")
mk=(make -C "$tree" O="$out" CC="$CC" -k -j"$(nproc)")
: >"$log"
PROGRESS_RE='^  (CC|CHECK|HOSTCC)' PROGRESS_WORD=objects \
	logged "$log.prepare" "${mk[@]}" prepare modules_prepare || { cat "$log.prepare"; exit 1; }
# What is up to date would not be looked at again.
(cd "$out" && rm -f "${objects[@]}")
# A file whose option is off has no rule in its folder: it is named, not passed over.
PROGRESS_RE='^  (CC|CHECK)' PROGRESS_WORD=objects \
	logged "$log" "${mk[@]}" C=1 CHECK="$check" W=1 "${objects[@]}" || true
{
	grep -E ': (warning|error|fatal error):' "$log" | sort -u | "$TOP/dev/ours.sh" "$tree" || true
	grep -E '^make.*\*\*\* \[' "$log" || true
	# The build goes on without a sparse that it does not like.
	[ "$(grep -cE '^  CHECK' "$log")" -ge "${#objects[@]}" ] || echo "sparse did not run on every file, see $log"
	for o in "${objects[@]}"; do
		if [ ! -f "$out/$o" ]; then
			echo "$o was not built"
		else
			"${CROSS_COMPILE}nm" -u "$out/$o" | sed -nE "s,^ *U (__(u?div|u?mod|u?divmod|mul|ashl|ashr|lshr)[dt]i[34]|__aeabi_u?l.*)\$,$o calls \1," || true
		fi
	done
}
