#!/usr/bin/env bash
# Static checks, of our lines only: checkpatch, sparse and W=1, kernel-doc, shellcheck, and how
# much the series adds to existing kernel files. Every check runs; the exit status is theirs together.
#   MATRIX=1   for other architectures and ways of preemption, too
. "$(dirname "$0")/lib.sh"

"$TOP/dev/setup.sh" ${MATRIX:+matrix}
tree=$("$TOP/dev/tree.sh")
log=$PPC_CACHE/log/check.log
: >"$log"
mapfile -t patches < <("$TOP/dev/patches.sh")
mapfile -t overlay < <("$TOP/dev/overlay.sh")
mapfile -t sources < <(printf '%s\n' "${overlay[@]}" | grep -E '\.[ch]$' || true)
failed=()

# verdict NAME OUTPUT: an empty output is a pass.
verdict() {
	if [ -n "$2" ]; then
		failed+=("$1")
		printf '%s\n' "$2" | sed 's/^/  /'
		printf 'FAIL %s\n' "$1"
	else
		printf 'ok   %s\n' "$1"
	fi
}

step "checkpatch --strict" "$log"
# New files in an overlay have no MAINTAINERS change beside them: the series' own patch has it.
# checkpatch ARGS: its complaints, a line each, with our paths.
checkpatch() {
	"$tree/scripts/checkpatch.pl" "${cp_args[@]}" "$@" 2>&1 | grep -vE '^total:' |
		sed "s,^$TOP/,," || true
}
cd "$tree"
cp_args=(--root="$tree" --strict --no-summary --terse --show-types --ignore FILE_PATH_CHANGES)
text=$(for p in "${patches[@]}"; do
	# A patch may add nothing to existing files, only overlay files.
	# Who submits them signs them off: make series SIGNOFF=.
	skip=(--no-signoff)
	grep -q '^diff --git ' "$p" || skip+=(--ignore NOT_UNIFIED_DIFF)
	checkpatch "${skip[@]}" "$p"
done)
verdict "checkpatch, ${#patches[@]} patches" "$text"
text=$(for f in "${overlay[@]}"; do
	case $f in
	*.[chS] | *.rst | *.sh | *.py | */Makefile | */Kconfig*) ;;
	*) continue ;;
	esac
	skip=()
	case $f in
	# The layout that every TRACE_EVENT has is not that of a function call.
	include/trace/* | *_trace.h) skip=(--ignore 'PARENTHESIS_ALIGNMENT,OPEN_ENDED_LINE,MACRO_ARG_REUSE') ;;
	# The kernel's own macros are not to be had in user space.
	# What a user reads stays in one line, to be found by grep.
	tools/ppc/tests/*.sh) skip=(--ignore 'LONG_LINE,LONG_LINE_COMMENT') ;;
	tools/ppc/tests/*) skip=(--ignore 'PREFER_DEFINED_ATTRIBUTE_MACRO,AVOID_EXTERNS,LONG_LINE_STRING,STATIC_CONST_CHAR_ARRAY,MACRO_ARG_REUSE') ;;
	tools/testing/ppc/*) skip=(--ignore 'PREFER_DEFINED_ATTRIBUTE_MACRO,AVOID_EXTERNS,LONG_LINE_STRING,MACRO_ARG_REUSE,EXPORT_SYMBOL,CAMELCASE,NEW_TYPEDEFS,COMPLEX_MACRO,SPACING') ;;
	# A FUSE server says ENOSYS, and a table names a field twice.
	tools/testing/selftests/*) skip=(--ignore 'PREFER_DEFINED_ATTRIBUTE_MACRO,AVOID_EXTERNS,LONG_LINE_STRING,STATIC_CONST_CHAR_ARRAY,MACRO_ARG_REUSE,ENOSYS') ;;
	tools/*) skip=(--ignore 'PREFER_DEFINED_ATTRIBUTE_MACRO,AVOID_EXTERNS,LONG_LINE_STRING,STATIC_CONST_CHAR_ARRAY') ;;
	# The documentation of a boot parameter is in a patch.
	fs/ppc/init.c) skip=(--ignore UNDOCUMENTED_SETUP) ;;
	esac
	checkpatch "${skip[@]}" -f "$f"
done)
verdict "checkpatch, ${#overlay[@]} overlay files" "$text"

step "kernel-doc" "$log"
text=''
if [ "${#sources[@]}" -gt 0 ]; then
	doc=$tree/scripts/kernel-doc
	mapfile -t docs < <(printf '%s\n' "${sources[@]}" | grep -vE '^tools/|_kunit\.c$|/trace/events/' || true)
	for f in "${docs[@]}"; do
		text+=$("$PYTHON" "$doc" -none -Werror "$tree/$f" 2>&1 || true)
	done
fi
verdict "kernel-doc, ${#sources[@]} files" "$text"

verdict "no circle between the files of a folder" \
	"$(cd "$TOP" && "$PYTHON" -B dev/circles.py fs/ppc samples/ppc_maio 2>&1 || true)"

configs=(debug small 32bit)
[ "${MATRIX:-}" != 1 ] || configs+=(preempt rt arm64 powerpc s390)
for config in "${configs[@]}"; do
	step "sparse and W=1, $config" "$log"
	verdict "sparse and W=1, $config" "$("$TOP/dev/check-build.sh" "$tree" "$config")"
done

step "shellcheck" "$log"
# Every script there is, whatever it is called; the guest's first one runs in busybox.
mapfile -t scripts < <(cd "$TOP" && git ls-files -co --exclude-standard | while read -r f; do
	[ -f "$f" ] && head -c 64 "$f" | head -n 1 | grep -qaE '^#!.*[/ ](ba|da|)sh( |$)|^# shellcheck shell=' && echo "$f"
done)
text=$(cd "$TOP" && shellcheck -x -P SCRIPTDIR -f gcc "${scripts[@]}" 2>&1 || true)
verdict "shellcheck, ${#scripts[@]} scripts" "$text"

step "size of what is added to existing files" "$log"
size=$("$TOP/dev/check-size.sh") || failed+=(size)
printf '%s\n' "$size"

[ "${#failed[@]}" -eq 0 ] || {
	STEP="static checks" LOG=''
	die "$(IFS=,; echo "${failed[*]}")"
}
