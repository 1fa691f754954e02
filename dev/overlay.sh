#!/usr/bin/env bash
# Lists the files that the repository adds to the kernel tree, by their in-tree paths:
# all but what git ignores, committed or not.
. "$(dirname "$0")/lib.sh"

cd "$TOP"
git ls-files -co --exclude-standard -- mm fs include samples tools Documentation | sort -u |
	while read -r f; do
		# A file may be deleted in the checkout and not in the index.
		if [ -e "$f" ] || [ -L "$f" ]; then printf '%s\n' "$f"; fi
	done
