#!/usr/bin/env bash
# make soak: the fuzzer of the ioctls for hours, in a guest. It fails if the fuzzer does, if the kernel
# complains or leaks, or if the guest does not come to its end. What it said is out/soak/CONFIG/fuzz.tap.
#   HOURS=1 SEED=N THREADS=6   how long (0.1 will do), with what choices, by how many threads
#   CONFIG=debug|kcsan         on which kernel: for memory errors, or for data races
: "${CONFIG:=debug}"
. "$(dirname "$0")/lib.sh"

: "${HOURS:=1}" "${SEED:=$(date +%s)}" "${THREADS:=6}" "${MEM:=4G}"
[[ $HOURS =~ ^[0-9]*\.?[0-9]+$ ]] || die "HOURS=$HOURS is not a number of hours"
[[ $SEED$THREADS =~ ^[0-9]+$ ]] || die "SEED=$SEED and THREADS=$THREADS must be whole numbers"
seconds=$(awk -v h="$HOURS" 'BEGIN { printf "%d", h * 3600 }')
out=$TOP/out/soak/$CONFIG
mkdir -p "$out"
# To boot, to make file systems and to look for leaks takes its time under emulation.
: "${TIMEOUT:=$((seconds + 1200))}"
export CONFIG MEM TIMEOUT

say "fuzz for $(elapsed "$seconds") on the $CONFIG kernel; again with SEED=$SEED THREADS=$THREADS"
rc=0
OUT=$out CMD="cd /opt/kselftest/ppc && ./ppc_fuzz --seconds $seconds --seed $SEED --threads $THREADS" \
	"$TOP/dev/vm.sh" | tee "$out/fuzz.tap" || rc=$?
trap - ERR
if [ "$rc" != 0 ]; then
	echo "FAIL soak: $CONFIG, SEED=$SEED THREADS=$THREADS; see $out"
	exit 1
fi
echo "ok   soak: $(elapsed "$seconds") on $CONFIG, no complaint, no leak"
