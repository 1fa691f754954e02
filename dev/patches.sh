#!/usr/bin/env bash
# The patches of BASE in order, one path a line; with 'overlay PATCH', the overlay files that
# PATCH adds: its "Overlay: glob" lines (below the '---' of the mail), matched in-tree.
. "$(dirname "$0")/lib.sh"

dir=$TOP/patches/$BASE
case ${1:-} in
'')
	[ -f "$dir/series" ] || exit 0
	sed -nE 's/^([^#[:space:]]+).*/\1/p' "$dir/series" | while read -r p; do
		[ -f "$dir/$p" ] || die "patches/$BASE/series names $p, which does not exist"
		printf '%s\n' "$dir/$p"
	done
	;;
overlay)
	mapfile -t globs < <(sed -nE '/^diff --git /q; s/^Overlay:[[:space:]]*//p' "$2" | tr -s ' ' '\n')
	"$TOP/dev/overlay.sh" | while read -r f; do
		for g in "${globs[@]}"; do
			# shellcheck disable=SC2053 # it is a glob: * takes in slashes too
			if [[ $f == $g ]]; then
				printf '%s\n' "$f"
				break
			fi
		done
	done
	;;
esac
