#!/usr/bin/env bash
# Counts what the patches add to existing .c and .h files (the range helper, its user and
# wiring aside) and fails above what the design allows.
. "$(dirname "$0")/lib.sh"

max_files=8 max_lines=60
src=$("$TOP/dev/source.sh")
read -r files lines < <(
	"$TOP/dev/patches.sh" | grep -vE -- '-(add|use)-page_cache_ra_range' | xargs -r -d '\n' cat |
		awk -v src="$src" '
		# The sender line of a mail and a body can look like a diff: only hunks count.
		/^diff --git / { file = ""; hunk = 0 }
		/^\+\+\+ / && !hunk {
			file = substr($2, 3)
			if (file !~ /\.[ch]$/ || system("test -f " src "/" file) != 0) file = ""
			else seen[file] = 1
		}
		/^@@ / { hunk = 1; split($2, o, ","); split($3, n, ",")
			old = (o[2] == "" ? 1 : o[2]); new = (n[2] == "" ? 1 : n[2]); next }
		hunk && old <= 0 && new <= 0 { hunk = 0 }
		hunk && /^\+/ { new--; if (file != "") added++ ; next }
		hunk && /^-/ { old--; next }
		hunk && /^( |$)/ { old--; new-- }
		END { for (f in seen) n_files++; print n_files + 0, added + 0 }'
)
echo "existing files touched: $files, lines added: $lines"
if [ "$files" -gt $max_files ] || [ "$lines" -gt $max_lines ]; then
	echo "FAIL at most $max_files files and $max_lines lines are allowed"
	exit 1
fi
