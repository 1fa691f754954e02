#!/usr/bin/env bash
# Breaks things on purpose and looks whether the run turns red, in the right place: what judges test
# programs, .ci/run around it, and whole runs in a guest. GUESTS=0 leaves out the guests.
#
# Text in single quotes is for another shell.
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"

here=$TOP/dev/check-ci
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0
verdict() {
	if [ "$2" = 0 ]; then echo "ok   check-ci: $1"; else
		echo "FAIL check-ci: $1"
		failed=1
	fi
}

step "the judge of test programs"
rc=0
(cd "$here" && "$PYTHON" -B -m unittest -q tap_test) >"$tmp/log" 2>&1 || rc=1
[ $rc = 0 ] || cat "$tmp/log"
verdict "the judge: $(sed -nE 's/^Ran ([0-9]+) tests.*/\1 outputs/p' "$tmp/log")" $rc

# ci NAME STATUS LAST-LINE MAKE: what .ci/run says if "make" is this script ($1: its target).
ci() {
	local rc=0 last ok=1
	mkdir -p "$tmp/ci/.ci" "$tmp/bin"
	cp "$TOP/.ci/run" "$tmp/ci/.ci/"
	printf '#!/bin/bash\n%s\n' "$4" >"$tmp/bin/make"
	chmod +x "$tmp/bin/make"
	PATH=$tmp/bin:$PATH "$tmp/ci/.ci/run" >"$tmp/ci.log" 2>&1 || rc=$?
	last=$(tail -n 1 "$tmp/ci.log")
	[ "$rc" = "$2" ] && [ "$last" = "$3" ] && ok=0
	[ $ok = 0 ] || tail -n 5 "$tmp/ci.log"
	verdict "CI, $1" $ok
}
step ".ci/run"
stages=$(grep -c '^stage ' "$TOP/.ci/run")
{
	ci "all is well" 0 "$stages passed, 0 failed, 0 skipped" 'echo "ok   $1"'
	ci "a stage that says nothing" 1 "$((stages - 1)) passed, 1 failed, 0 skipped" '[ "$1" = test ] || echo "ok   $1"'
	ci "a stage that only skips" 1 "$((stages - 1)) passed, 1 failed, 1 skipped" \
		'if [ "$1" = test ]; then echo "skip x: no /dev/ppc"; else echo "ok   $1"; fi'
	ci "a stage that dies without a word" 1 "$stages passed, 1 failed, 0 skipped" 'echo "ok   $1"; [ "$1" != test ] || kill -9 $$'
	ci "a failure with exit status 0" 1 "$stages passed, 2 failed, 0 skipped" 'echo "ok   $1"; [ "$1" != test ] || echo "FAIL x"'
	ci "a failure as the very last bytes" 1 "$stages passed, 1 failed, 0 skipped" \
		'echo "ok   $1"; [ "$1" != test ] || { printf "FAIL x"; exit 1; }'
	ci "no make" 1 "0 passed, $stages failed, 0 skipped" 'exit 127'
}

# plant NAME TESTS BEFORE FAIL-REGEX...: a run of make test in a guest where BEFORE ran first; each
# regex must match a line that begins with FAIL, and the run must fail.
plant() {
	local name=$1 tests=$2 before=$3 rc=0 ok=0 re
	shift 3
	step "in a guest: $name"
	TESTS=$tests BEFORE=$before "$TOP/dev/test.sh" >"$tmp/run.log" 2>"$tmp/run.err" || rc=$?
	[ "$rc" = 1 ] || ok=1
	tail -n 1 "$tmp/run.log" | grep -qE '[1-9][0-9]* failed' || ok=1
	for re; do
		grep -qE "^FAIL $re" "$tmp/run.log" || { echo "    no line FAIL $re"; ok=1; }
	done
	[ $ok = 0 ] || { grep -E '^(FAIL|skip|[0-9])' "$tmp/run.log" | head -n 20; tail -n 5 "$tmp/run.err"; }
	verdict "$name" $ok
}

if [ "${GUESTS:-1}" != 0 ]; then
	program='d=/opt/kselftest/ppc; l=/opt/kselftest/kselftest-list.txt
program() { printf "#!/bin/bash\n%s\n" "$2" >$d/$1; chmod +x $d/$1; echo ppc:$1 >>$l; }
echo timeout=20 >$d/settings
'
	plant "no /dev/ppc" 'ppc_input' 'rm -f /dev/ppc' 'ppc_input: skipped, which dev/skips does not allow'
	plant "programs that crash, hang, lie, skip and lose lines" 'planted_*' "$program"'
program planted_crash "echo 1..2; echo ok 1 one; kill -SEGV \$\$"
program planted_hang "echo 1..1; sleep 1000"
program planted_lie "echo 1..1; echo not ok 1 one"
program planted_skip "echo 1..1; echo ok 1 one \# SKIP because"
program planted_lost "echo 1..3; echo ok 1 one; echo ok 3 three"
program planted_silent "true"
program planted_gone "exec /nowhere"
' 'planted_crash: 2 results were planned, 1 came' 'planted_hang: timed out' 'planted_lie: exit status 0, though' \
		'planted_skip: one: skipped' 'planted_lost: 3 results' 'planted_silent: no plan' 'planted_gone: no plan'
	plant "a warning of the kernel" 'boot' 'modprobe lkdtm; echo WARNING >/sys/kernel/debug/provoke-crash/DIRECT' \
		'guest debug-1: exit status'
	plant "a leak" 'boot' 'modprobe kmemleak-test; rmmod kmemleak-test' 'guest debug-1: exit status'
	plant "a guest that dies in the middle" 'boot' 'echo 1 >/proc/sys/kernel/sysrq; echo "plan boot"; sleep 1; echo b >/proc/sysrq-trigger; sleep 60' \
		'boot: did not run to its end' 'guest debug-1: exit status'
	plant "a unit test that fails, and one that does not load" 'kunit' \
		'd=$(find /lib/modules -name ppc_kunit.ko -printf "%h"); echo broken >"$d/ppc_kunit.ko"; depmod' \
		'kunit ppc_kunit: no plan'
fi
[ $failed = 0 ] || { trap - ERR; exit 1; }
