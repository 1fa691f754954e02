#!/usr/bin/env bash
# All tests in the guest: boots in both clocks, then KUnit and the kselftests on the debug
# kernel. One line a test; the last line counts them. TESTS=glob takes some of them only.
. "$(dirname "$0")/lib.sh"

: "${TESTS:=*}"
export TESTS
results=$PPC_CACHE/log/test-results.$$
: >"$results"
trap 'rm -f "$results"' EXIT

# result ok|FAIL|skip NAME [WHY]
result() {
	printf '%-4s %s%s\n' "$1" "$2" "${3:+: $3}" | tee -a "$results"
}

# boot NAME LOG COMMAND: one guest; its output goes to LOG, its failure is a failed test.
boot() {
	local name=$1 log=$2
	if CMD=$3 OUT=$TOP/out/vm "$TOP/dev/vm.sh" >"$log" 2>&1; then
		result ok "$name"
	else
		result FAIL "$name" "see $log"
		tail -n 40 "$log" | sed 's/^/    /'
	fi
}

mkdir -p "$TOP/out/test"
# shellcheck disable=SC2053 # TESTS is a glob
if [[ tools == $TESTS ]] && grep -qs '^test:' "$TOP/tools/ppc/Makefile"; then
	step "tests of tools/ppc, on this machine"
	log=$TOP/out/test/tools.log
	tree=$("$TOP/dev/tree.sh")
	make -C "$tree/tools/ppc" O="$PPC_CACHE/build/tools-test" test >"$log" 2>&1 || true
	while read -r verdict _ name; do
		case $verdict in
		ok) result ok "tools/ppc: $name" ;;
		not) result FAIL "tools/ppc: ${name#* }" "see $log" ;;
		esac
	done < <(grep -E '^(not )?ok ' "$log")
	grep -qE '^ok ' "$log" || result FAIL "tools/ppc" "see $log"
fi

# shellcheck disable=SC2016 # the guest expands it
boot_cmd='set -e
edu=$(for d in /sys/bus/pci/devices/*; do
	if [ "$(cat $d/vendor)$(cat $d/device)" = 0x12340x11e8 ]; then cat $d/numa_node; fi; done)
[ "$edu" = 1 ] || { echo "the XPU is on node $edu, not 1"; exit 1; }
[ -b /dev/ssd ] || { echo "no SSD"; exit 1; }
[ -d /sys/devices/system/node/node1 ] || { echo "no second node"; exit 1; }
uname -a'
# shellcheck disable=SC2053 # TESTS is a glob
if [[ boot == $TESTS ]]; then
	CONFIG=release VTIME=1 boot "boot: release kernel, virtual time" "$TOP/out/test/boot-vtime.log" "$boot_cmd"
fi

step "KUnit and kselftests on the debug kernel"
rm -rf "$TOP/out/vm/tests"
mkdir -p "$TOP/out/vm/tests"
log=$TOP/out/test/guest.log
cmd="TESTS='$TESTS' /usr/lib/ppc/tests"
# The debug kernel boots slowly: once has to do.
# shellcheck disable=SC2053 # TESTS is a glob
[[ boot != $TESTS ]] || cmd="if ($boot_cmd); then v='ok  '; else v=FAIL; fi
echo \"\$v boot: debug kernel, real time\"
$cmd"
: >"$log"
boots=1
while :; do
	rc=0
	CONFIG=debug CMD=$cmd MEM="${MEM:-4G}" TIMEOUT="${TIMEOUT:-3900}" \
		"$TOP/dev/vm.sh" > >(tee -a "$log" | grep --line-buffered -E '^(ok|FAIL|skip) ' | tee -a "$results") 2>"$log.err" || rc=$?
	sleep 0.5
	# 75: the emulator's fault. What had not ended is run from its beginning.
	if [ "$rc" != 75 ] || [ $boots = 3 ]; then
		break
	fi
	mv "$log.err" "$log.err.$boots"
	cp "$TOP/out/vm/dmesg.txt" "$TOP/out/test/dmesg.$boots.txt"
	boots=$((boots + 1))
	ended=$(sed -nE 's/^# (\S+) took .*/\1/p' "$log" | tr '\n' ' ')
	say "the emulator lost a patch of the kernel's code; boot $boots, without what has ended: $ended"
	cmd="TESTS='$TESTS' ENDED='$ended' /usr/lib/ppc/tests"
done
name="debug kernel: no complaint, no leak, all tests ran"
[ $boots = 1 ] || name+=" (in $boots boots; leaks looked for in the last)"
# 9: some failed, and have said so.
if [ "$rc" = 0 ] || [ "$rc" = 9 ]; then
	result ok "$name"
else
	result FAIL "$name" "exit status $rc, see $log.err"
	tail -n 60 "$log.err" | sed 's/^/    /'
fi

count() { grep -cE "^$1 " "$results" || true; }
passed=$(count ok) failed=$(count FAIL) skipped=$(count skip)
if [ $((passed + failed)) -eq 0 ]; then
	echo "no test ran"
	failed=1
fi
echo "$passed passed, $failed failed, $skipped skipped"
# The count stays the last line.
[ "$failed" = 0 ] || { trap - ERR; exit 1; }
