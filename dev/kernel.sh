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
	[ -f "$out/vmlinux" ] || need_space 5 "a build of the kernel"
	use_ccache
	mk=(make -C "$tree" O="$out" CC="$CC" -j"$(nproc)")
	# Only our objects count what they run.
	if [ "$CONFIG" = cover ]; then
		mapfile -O "${#mk[@]}" -t mk < <("$TOP/dev/overlay.sh" |
			sed -nE 's,^(mm|fs/ppc|samples/ppc_maio)/([a-z_]+)\.c$,GCOV_PROFILE_\2.o=y,p')
	fi

	# About how many objects a whole build has is noted in the configuration; less is left of one that
	# was interrupted, and of one that is there already nobody knows.
	total=$(sed -nE 's/^# objects: ([0-9]+)$/\1/p' "$TOP/dev/config/$CONFIG.config")
	had=$(find "$out" -name '*.o' 2>/dev/null | wc -l)
	first=''
	[ -f "$out/vmlinux" ] || first=" (about $total objects)"
	step "build linux $BASE, $CONFIG${STOCK:+, stock}$first" "$log" \
		"look for 'error:' in the log; is the disk full (df -h $PPC_CACHE)?"
	[ -z "$first" ] || PROGRESS_TOTAL=$((total > had ? total - had : total))
	PROGRESS_RE='^  (CC|AS|LD|AR|HOSTCC)' PROGRESS_WORD=objects PROGRESS_TOTAL=${PROGRESS_TOTAL:-} \
		logged "$log" "${mk[@]}" bzImage modules ||
		die "$(grep -nE 'error:|Error [0-9]|undefined reference|No space left' "$log" | head -n 8)"
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
