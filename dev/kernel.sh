#!/usr/bin/env bash
# Builds the guest kernel with its modules, and the repository's user space against its
# headers. Prints the build folder, in which mods/ is what a guest sees as /lib/modules.
. "$(dirname "$0")/lib.sh"

out=$(build_dir)
log=$PPC_CACHE/log/kernel-$(basename "$out").log
mkdir -p "$out"

with_lock "$PPC_CACHE/build.lock" "one kernel build at a time on this machine"
tree=$(PPC_BUILD_LOCKED=1 "$TOP/dev/tree.sh")
"$TOP/dev/config.sh" "$tree" "$out"

id=stock
[ -n "$STOCK" ] || id=$(cat "$PPC_CACHE/stage/$(base_id).id")
stamp="$id $(sha1sum <"$out/.config" | cut -d' ' -f1)"
if [ "$(cat "$out/.built" 2>/dev/null)" != "$stamp" ]; then
	rm -f "$out/.built"
	export CCACHE_DIR=$PPC_CACHE/ccache CCACHE_MAXSIZE=10G
	# Without the moment of the build in it, an object can be found again by ccache.
	export KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970' KBUILD_BUILD_USER=ppc KBUILD_BUILD_HOST=lab
	cc=gcc
	! command -v ccache >/dev/null || cc='ccache gcc'
	mk=(make -C "$tree" O="$out" CC="$cc" -j"$(nproc)")

	first=''
	[ -f "$out/vmlinux" ] || first=' (the first time: some 10 minutes on 2 cores)'
	step "build linux $BASE, $CONFIG${STOCK:+, stock}$first" "$log" "look for 'error:' in the log"
	PROGRESS_RE='^  (CC|AS|LD|AR|HOSTCC)' PROGRESS_WORD=objects \
		logged "$log" "${mk[@]}" bzImage modules ||
		die "$(grep -nE 'error:|Error [0-9]|undefined reference' "$log" | head -n 8)"
	# Complaints of the compiler about our files must not drown in a quiet build.
	grep -E ': warning: ' "$log" | sort -u | sed 's/^/   /' >&2 || true

	rm -rf "$out/mods"
	step "install modules and headers" "$log"
	{
		"${mk[@]}" INSTALL_MOD_PATH="$out/mods" INSTALL_MOD_STRIP=1 DEPMOD=/sbin/depmod modules_install
		"${mk[@]}" INSTALL_HDR_PATH="$out/usr" headers_install
	} >>"$log" 2>&1 </dev/null || die
	echo "$stamp" >"$out/.built"
fi
"$TOP/dev/userspace.sh" "$tree" "$out"
"$TOP/dev/kit.sh" "$out"
echo "$out"
