#!/usr/bin/env bash
# A filter for compiler output: lets through what is about files of the overlay, or about lines
# that the patches added to existing files. usage: ours.sh TREE <complaints
. "$(dirname "$0")/lib.sh"

tree=$1
src=$("$TOP/dev/source.sh")
declare -A ours added
while read -r f; do ours[$f]=1; done < <("$TOP/dev/overlay.sh")

# lines_of FILE: the numbers of its lines that the pristine file does not have, as " 12 13 ".
lines_of() {
	diff --unchanged-line-format= --old-line-format= --new-line-format='%dn ' "$src/$1" "$tree/$1" || true
}

while IFS= read -r complaint; do
	f=${complaint%%:*} rest=${complaint#*:}
	line=${rest%%:*}
	f=${f#"$tree"/}
	f=${f#./}
	while [[ $f == ../* ]]; do f=${f#../}; done
	if [ -n "${ours[$f]:-}" ]; then
		printf '%s\n' "$complaint"
	elif [ -f "$src/$f" ] && [ -f "$tree/$f" ]; then
		[ -n "${added[$f]:-}" ] || added[$f]=" $(lines_of "$f") "
		[[ ${added[$f]} != *" $line "* ]] || printf '%s\n' "$complaint"
	fi
done
