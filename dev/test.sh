#!/usr/bin/env bash
# All tests: those that need no kernel on this machine, then KUnit and the kselftests on the debug kernel.
# One line a test; the last line counts them.
#   TESTS=GLOB   some of them only: tools, logic, kunit-uml, boot, off, kunit, names of kselftests
#   DEBUG_CONFIG=NAME   another kernel than the debug one
#   CLOCK=virtual|real   CPUs of a guest run in turn, and a busy host changes nothing (the default on the debug
#              kernel); or they run at the same moment (the default on others)
#   ALL=1      without the arguments in dev/guest/tests that make programs shorter
#   GUESTS=N   how many guests share the tests (2)
#   BEFORE='…' AFTER='…'   commands in the guest before and after the tests
. "$(dirname "$0")/lib.sh"

: "${TESTS:=*}" "${ALL:=}" "${BEFORE:=:}" "${AFTER:=:}"
out=$TOP/out/test
results=$(mktemp "$PPC_CACHE/log/test-results.XXXXXX")
trap 'rm -f "$results"' EXIT
times_begin
rm -rf "$out"
mkdir -p "$out"

# wanted NAME: asked for.
wanted() {
	# shellcheck disable=SC2053 # TESTS is a glob
	[[ $1 == $TESTS ]]
}

# result ok|FAIL|skip NAME [WHY]
result() { printf '%-4s %s%s\n' "$1" "$2" "${3:+: $3}" | tee -a "$results"; }

# judge DIR: what the events on stdin come to; what a program printed is in DIR.
judge() { "$PYTHON" "$TOP/dev/tap.py" "$1" "$TOP/dev/skips" | tee -a "$results"; }

# guest NAME GLOB SETTING...: one boot, which runs what GLOB names and no guest with the same SHARED has begun.
# Its events go to stdout, a line at a time.
guest() {
	local name=$1 glob=$2 dir=$out/$1
	shift 2
	mkdir -p "$dir"
	env CONFIG="$DEBUG_CONFIG" VTIME="$vtime" CPUS=2 MEM="$MEM" TIMEOUT="$TIMEOUT" "$@" OUT="$dir" NOBUILD=1 \
		CMD="$BEFORE"$'\n'"TESTS='$glob' ALL=$ALL /usr/lib/ppc/tests"$'\n'"$AFTER" \
		"$TOP/dev/vm.sh" 2>"$dir/err" | sed -u '' || echo $? >"$dir/status"
}

# guest_end NAME: a boot fails by itself if its kernel complains or leaks, or if it does not come to its end.
guest_end() {
	local name=$1 dir=$out/$1
	if [ -f "$dir/status" ]; then
		result FAIL "guest $name" "exit status $(<"$dir/status"), see $dir/err"
		tail -n 60 "$dir/err" | sed 's/^/    /'
	else
		result ok "guest $name: came to its end, no complaint, no leak"
	fi
}

# Another kernel is asked for by those who want the guests only.
: "${DEBUG_CONFIG:=debug}" "${MEM:=4G}" "${TIMEOUT:=4200}"
host=$([ "$DEBUG_CONFIG" != debug ] || echo 1)
: "${CLOCK:=$([ -n "$host" ] && echo virtual || echo real)}"
case $CLOCK in
virtual) vtime=1 ;;
real) vtime='' ;;
*) die "CLOCK=$CLOCK: virtual or real" ;;
esac

if [ -n "$host" ] && wanted tools; then
	step "tests of tools/ppc, on this machine"
	tree=$("$TOP/dev/tree.sh")
	start=$SECONDS rc=0
	make -C "$tree/tools/ppc" O="$PPC_CACHE/build/tools-test" test >"$out/tools.log" 2>&1 || rc=$?
	# What make says around it is not the tests'.
	sed -n '/^TAP version/,$p' "$out/tools.log" | grep -v '^make' >"$out/tools.tap" || true
	# make has a status of its own for any failure.
	[ $rc = 0 ] || rc=1
	printf 'plan tools\nran tools %d %d\n' $rc $((SECONDS - start)) | judge "$out" || true
fi

if [ -n "$host" ] && wanted logic; then
	step "the pure logic in user space"
	"$TOP/dev/logic.sh" "$out" | judge "$out" || true
fi

if [ -n "$host" ] && wanted kunit-uml; then
	"$TOP/dev/kunit-uml.sh" "$out" | judge "$out" || true
fi

# kernel CONFIG: what a guest needs is made here, where its progress can be seen, and not by the guests.
kernel() {
	"$TOP/dev/setup.sh"
	CONFIG=$1 "$TOP/dev/kernel.sh" >/dev/null
	"$TOP/dev/root.sh" >/dev/null
	"$TOP/dev/qemu.sh" >/dev/null
}

# Guests run in the background, where Ctrl-C does not reach them.
trap 'trap - INT TERM; kill 0; exit 130' INT TERM

# Two guests fill two CPUs. With kmemleak, tests take twice as long: if all of them run, only one more guest has
# it, which is started with fs_ppc=0 and also runs ppc_life. SLUB keeps no stacks (U), as KASAN does.
case $TESTS in
'*') : "${GUESTS:=2}" ;;
tools | logic | kunit-uml | off) GUESTS=0 ;; # none but that one
*) : "${GUESTS:=1}" ;;
esac
off=$([ -z "$host" ] || ! wanted off || echo 1)
if [ "$GUESTS" -gt 0 ] || [ -n "$off" ]; then
	kernel "$DEBUG_CONFIG"
	step "KUnit and kselftests on the $DEBUG_CONFIG kernel" '' "the console is in $out/*/dmesg.txt"
	mkdir "$out/tests"
	{
		[ -z "$off" ] || guest off "@(off$(! wanted ppc_life || echo '|ppc_life'))" SHARED="$out/tests" \
			APPEND="fs_ppc=0 slab_debug=FZP" &
		for i in $(seq "$GUESTS"); do
			guest "$DEBUG_CONFIG-$i" "$TESTS" SHARED="$out/tests" \
				APPEND="slab_debug=FZP $([ "$TESTS" != '*' ] || echo kmemleak=off)" &
		done
	} | judge "$out/tests" || true
	[ -z "$off" ] || guest_end off
	for i in $(seq "$GUESTS"); do guest_end "$DEBUG_CONFIG-$i"; done
fi

times_show
count() { grep -cE "^$1 " "$results" || true; }
passed=$(count ok) failed=$(count FAIL) skipped=$(count skip)
if [ $((passed + failed)) -eq 0 ]; then
	echo "FAIL no test ran"
	failed=1
fi
echo "$passed passed, $failed failed, $skipped skipped"
# The count stays the last line.
[ "$failed" = 0 ] || { trap - ERR; exit 1; }
