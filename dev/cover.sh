#!/usr/bin/env bash
# make cover: which lines and branches of the kernel code the tests in the guest reach (gcov), by file, and
# which lines they do not. The tests must pass, and 90 % of the lines be reached. All of it is in out/cover.
#   TESTS=GLOB   of some tests only (no goal then)
. "$(dirname "$0")/lib.sh"

goal=90
export CONFIG=cover
out=$TOP/out/cover
"$TOP/dev/setup.sh" cover
build=$("$TOP/dev/kernel.sh")
tree=$(tree_dir)
rm -rf "$out"
mkdir -p "$out"

# What gcov has counted are files of debugfs without a size. Modules leave theirs behind when they go.
# shellcheck disable=SC2016 # the guest expands it
collect='cd /sys/kernel/debug/gcov && find . -name "*.gcda" | while read -r f; do
	mkdir -p "/out/gcov/${f%/*}" && cat "$f" >"/out/gcov/$f"
done'
rc=0
AFTER=$collect ALL=1 DEBUG_CONFIG=cover TIMEOUT="${TIMEOUT:-7200}" "$TOP/dev/test.sh" | tee "$out/tests.txt" || rc=$?

step "count what was reached" "$out/gcovr.log"
counts=$out/counts
for g in "$TOP"/out/test/cover-*/gcov; do
	[ -d "$g" ] || die "$g: the guest has counted nothing"
	if [ -d "$counts" ]; then
		gcov-tool merge "$counts" "$g" -o "$counts.both" >>"$LOG" 2>&1 || die
		rm -rf "$counts"
		mv "$counts.both" "$counts"
	else
		cp -r "$g" "$counts"
	fi
done
# The counters lie beside the notes of the compiler; those of an earlier run must not be added.
find "$build"/{fs/ppc,samples/ppc_maio,mm} -name '*.gcda' -delete
cp -r "$counts/$build/." "$build/"
filters=()
for d in fs/ppc/ samples/ppc_maio/ mm/ppc.c include/linux/ppc; do filters+=(--filter "$tree/$d"); done
cd "$build"
gcovr --root "$tree" --object-directory "$build" "${filters[@]}" --exclude '.*/tests/.*' --exclude '.*trace.*' \
	--txt "$out/lines.txt" --json-summary "$out/summary.json" \
	fs/ppc samples/ppc_maio mm/ppc.gcda >"$LOG" 2>&1 || die
"$PYTHON" - "$out/summary.json" <<'PY'
import json
import sys
summary = json.load(open(sys.argv[1]))
print(f'{"file":40} {"lines":>12} {"%":>6} {"branches":>14} {"%":>6}')
for f in [*sorted(summary['files'], key=lambda f: f['filename']), {**summary, 'filename': 'all'}]:
    lines, branches = (f'{f[k + "_covered"]} of {f[k + "_total"]}' for k in ('line', 'branch'))
    print(f'{f["filename"]:40} {lines:>12} {f["line_percent"]:6.1f} {branches:>14} {f["branch_percent"] or 0:6.1f}')
PY
say "lines that were not reached: $out/lines.txt"
reached=$("$PYTHON" -c 'import json, sys; print(json.load(open(sys.argv[1]))["line_percent"])' "$out/summary.json")
[ "${TESTS:-*}" = '*' ] || exit 0
trap - ERR
[ $rc = 0 ] || { echo "FAIL cover: tests failed"; exit 1; }
if [ "${reached%.*}" -lt $goal ]; then
	echo "FAIL cover: $reached % of the lines, $goal % is the goal"
	exit 1
fi
echo "ok   cover: $reached % of the lines (goal: $goal %)"
