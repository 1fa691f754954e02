#!/usr/bin/env bash
# The pure logic in user space (tools/testing/ppc): its KUnit tests with sanitizers, then its fuzzers, side
# by side, for FUZZ=30 seconds each.
# usage: logic.sh [DIR]   with DIR, outputs go there, and what is printed is for dev/tap.py
. "$(dirname "$0")/lib.sh"

: "${FUZZ:=30}"
[ $# != 0 ] || judge_self "$TOP/out/logic"

out=$1
"$TOP/dev/setup.sh" logic
tree=$("$TOP/dev/tree.sh")
mk=(make --no-print-directory -C "$tree/tools/testing/ppc" KSRC="$tree" O="$PPC_CACHE/build/logic" SECONDS="$FUZZ")
names=()
[ "$FUZZ" = 0 ] || mapfile -t names < <("${mk[@]}" show | sed -n 's/^fuzzers=//p' | tr ' ' '\n')
printf 'plan logic\nplan stream\n'
[ "${#names[@]}" = 0 ] || printf 'plan %s\n' "${names[@]}"

# events NAME COMMAND...: as a program that was run. make has a status of its own for any failure.
events() {
	local name=$1 rc=0 start=$SECONDS
	shift
	"$@" >"$out/$name.tap" 2>"$out/$name.err" || rc=1
	# What the sanitizers say goes with it.
	sed 's/^/# /' "$out/$name.err" >>"$out/$name.tap"
	printf 'ran %s %d %d\n' "$name" $rc $((SECONDS - start))
}

# fuzz NAME: one result; what libFuzzer says of a finding, and the input that shows it, are in the output.
fuzz() {
	echo 1..1
	if "${mk[@]}" "run-$1" >"$out/$1.log" 2>&1; then
		sed -n 's/^Done /# /p' "$out/$1.log"
		echo "ok 1 no finding"
	else
		grep -vE '^(#[0-9]|INFO: )' "$out/$1.log" | tail -n 60 | sed 's/^/# /'
		echo "not ok 1 no finding"
		return 1
	fi
}

step "unit tests of the pure logic, with sanitizers" "$out/logic.err"
events logic "${mk[@]}" -j"$(nproc)" check
events stream "${mk[@]}" -j"$(nproc)" check-stream
[ "${#names[@]}" = 0 ] || step "fuzzers of the pure logic, $FUZZ s each" ''
for name in "${names[@]}"; do
	events "$name" fuzz "$name" &
done
wait
