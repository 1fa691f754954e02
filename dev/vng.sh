#!/usr/bin/env bash
# make vng: the selftests as a kernel builder runs them, in virtme-ng on the kernel built here: a guest on this
# machine's own root. The README shows the same for a tree of one's own.
#   TESTS=GLOB   some programs only (ppc_input ppc_hooks); '*' for all
#   CONFIG=debug which kernel
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/apt.sh"

: "${TESTS:=ppc_input ppc_hooks}" "${TIMEOUT:=2400}"
export CONFIG=${CONFIG/release/debug}
"$TOP/dev/setup.sh" vng
build=$("$TOP/dev/kernel.sh")
qemu=$("$TOP/dev/qemu.sh")
tree=$(tree_dir)
out=$TOP/out/vng
rm -rf "$out"
mkdir -p "$out/tests"

vng=$PPC_CACHE/vng
with_lock "$PPC_CACHE/vng.lock" "virtme-ng is being fetched"
if [ ! -d "$vng/usr" ]; then
	step "fetch virtme-ng from Debian sid" "$PPC_CACHE/log/vng.log" "check the network and the apt sources of this machine"
	rm -rf "$vng" "$vng.new"
	suite_unpack sid virtme-ng "$vng.new" >"$LOG" 2>&1 || die
	mv "$vng.new" "$vng"
fi
unlock

# Compiled here, as an emulated machine is slow; there, make finds it all done.
selftests=(make -C "$tree/tools/testing/selftests" TARGETS=ppc O="$build" KDIR="$build"
	KHDR_INCLUDES="-isystem $build/usr/include")
# Tests find maioctl by PATH.
path=$build/kit/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
step "build the selftests" "$PPC_CACHE/log/vng-build.log"
"${selftests[@]}" >"$LOG" 2>&1 || die

accel=()
[ "$("$TOP/dev/accel.sh" "$build/arch/x86/boot/bzImage")" = kvm ] || accel=(--disable-kvm)
step "make run_tests in virtme-ng" "$out/log" "the log has the guest's console, too"
# Full names, as lib.mk makes them of the short ones, which the command line overrules.
read -ra names <<<"$TESTS"
run=("${selftests[@]}" run_tests)
if [ "$TESTS" != '*' ]; then
	programs=() scripts=()
	for t in "${names[@]}"; do
		case $t in *.sh) scripts+=("$t") ;; *) programs+=("$build/kselftest/ppc/$t") ;; esac
	done
	run+=(TEST_GEN_PROGS="${programs[*]}" TEST_PROGS="${scripts[*]}")
fi
rc=0
PROGRESS_RE='^# selftests: ppc:' PROGRESS_WORD=programs \
	logged "$out/log" timeout -k 10 "$TIMEOUT" env PYTHONPATH="$vng/usr/lib/python3/dist-packages" \
	"$PYTHON" "$vng/usr/bin/vng" --run "$build" --qemu "$qemu" "${accel[@]}" --user root --cpus 2 --memory 4G \
	--numa 2G,cpus=0 --numa 2G,cpus=1 --rwdir "$PPC_CACHE" --verbose \
	--exec "mount -t tmpfs tmp /tmp; export PATH=$path; $(printf '%q ' "${run[@]}")" || rc=$?
"$PYTHON" -B "$TOP/dev/vng_events.py" "$out/log" "$out/tests" "${names[@]}" |
	"$PYTHON" -B "$TOP/dev/tap.py" "$out/tests" "$TOP/dev/skips" || rc=1
splat=$("$TOP/dev/splats.sh" "$out/log") || { echo "FAIL vng: the guest's kernel complained"; printf '%s\n' "$splat"; rc=1; }
[ $rc = 0 ] || { trap - ERR; exit 1; }
