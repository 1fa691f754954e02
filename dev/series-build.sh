#!/usr/bin/env bash
# Applies the mails in out/series one by one with git am and compiles after each.
# usage: series-build.sh PRISTINE GIT_TREE COUNT
. "$(dirname "$0")/lib.sh"

src=$1 git=$2 count=$3
CONFIG=${SERIES_CONFIG:-release}
export CONFIG
tree=$PPC_CACHE/series/tree/$(base_id)
out=$PPC_CACHE/series/build/$(base_id)-$CONFIG
log=$PPC_CACHE/log/series-build.log
mails=("$TOP"/out/series/*.patch)
with_lock "$PPC_CACHE/build.lock" "one kernel build at a time on this machine"

# The tree is of links to the pristine files: each file is replaced, never written.
if [ ! -f "$tree/Kbuild" ]; then
	step "link a tree for the series" "$log"
	rm -rf "$tree" "$tree.new"
	mkdir -p "$tree.new"
	# A tree of the user's own may lie on another file system, which links do not reach.
	cp -al "$src/." "$tree.new/" 2>/dev/null || cp -a "$src/." "$tree.new/"
	rm -rf "$tree.new/.git"
	mv "$tree.new" "$tree"
fi

# put_state: make the files of the repository's present commit, and only those, differ from pristine.
put_state() {
	local f
	git -C "$git" ls-files | sort >"$tree.now"
	touch "$tree.before"
	while read -r f; do
		if ! cmp -s "$git/$f" "$tree/$f"; then
			mkdir -p "$(dirname "$tree/$f")"
			cp -P --remove-destination "$git/$f" "$tree/$f"
		fi
	done <"$tree.now"
	while read -r f; do
		if [ -f "$src/$f" ]; then
			cp --remove-destination "$src/$f" "$tree/$f"
		else
			rm -f "$tree/$f"
		fi
	done < <(comm -23 "$tree.before" "$tree.now")
	mv "$tree.now" "$tree.before"
}

g() { git -C "$git" -c user.name=ppc -c user.email=ppc@localhost -c core.hooksPath=/dev/null "$@"; }
g checkout -q -B apply "main~$count"

use_ccache
failed=0
for mail in "${mails[@]:1}"; do
	name=$(basename "$mail" .patch)
	g am -q "$mail" >"$log" 2>&1 || die "git am does not take $name"
	# Tools, tests and documentation are not the kernel's.
	if ! g diff --name-only HEAD~ | grep -qE '^(fs|include|kernel|lib|mm|samples)/'; then
		printf 'ok   builds: %s (nothing of the kernel)\n' "$name"
		continue
	fi
	put_state
	# What the first patches do not have yet is no news here.
	"$TOP/dev/config.sh" "$tree" "$out" 2>"$log" || die
	# Folders that any mail of the series writes to, as far as they exist by now. All file systems are
	# below fs/, and much else below kernel/: of these, only the objects.
	mapfile -t dirs < <(g diff --name-only "main~$count" main | grep -E '^(mm|fs|samples|kernel|lib)/.*\.[chS]$' |
		sed -E 's,^((fs|kernel)/[^/]+)\.c$,\1.o,; t; s,/[^/]*$,/,; s,^((fs|samples)/[^/]+/).*,\1,' | sort -u |
		while read -r d; do [[ $d != *.o && ! -f $tree/${d}Makefile ]] || echo "$d"; done)
	# A folder whose Makefile is there before its parent's names it cannot be built alone.
	targets=()
	for d in "${dirs[@]}"; do
		parent=$(dirname "$d")
		if [[ $d == *.o ]] || [ "$parent" = . ] || grep -qE "[[:space:]]$(basename "$d")/" "$tree/$parent/Makefile"; then
			targets+=("$d")
		fi
	done
	[ "${FULL:-}" != 1 ] || targets=(bzImage modules)
	step "$name: build ${targets[*]}" "$log"
	if PROGRESS_RE='^  (CC|AS|LD|AR|HOSTCC)' PROGRESS_WORD=objects \
		logged "$log" make -C "$tree" O="$out" CC="$CC" -j"$(nproc)" "${targets[@]}"; then
		printf 'ok   builds: %s\n' "$name"
	else
		failed=$((failed + 1))
		grep -E 'error:|\*\*\*' "$log" | head -n 10 || true
		printf 'FAIL builds: %s (%s)\n' "$name" "$log"
	fi
done
g checkout -q main
[ "$failed" = 0 ] || die "$failed patches do not build"
