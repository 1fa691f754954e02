#!/usr/bin/env bash
# make xfstests: runs an xfstests installation that is there in the guest twice, without and with page cache
# policies that come and go at random on the files of the tests. A failure is what fails only with them, what
# the kernel says only with them, and policies that did nothing. All of it is in out/xfstests.
#   XFSTESTS=DIR           the installation, built on this machine or another one with Debian
#   FSTYP=ext4|xfs|btrfs   the file system;  CONFIG=debug  which kernel
#   GROUP=quick            the group of tests; or TESTS='generic/001 generic/013'
. "$(dirname "$0")/lib.sh"

: "${FSTYP:=ext4}" "${GROUP:=quick}" "${TESTS:=}"
export CONFIG=${CONFIG/release/debug} MEM=${MEM:-6G} TIMEOUT=${TIMEOUT:-14400} PROFILE=fast
step "look at the installation"
[ -n "${XFSTESTS:-}" ] || die "XFSTESTS=DIR: the folder of an xfstests installation"
[ -x "$XFSTESTS/check" ] || die "XFSTESTS=$XFSTESTS: there is no check in it"
[ -x "$XFSTESTS/ltp/fsstress" ] || die "XFSTESTS=$XFSTESTS: it is not built (make there)"
case $FSTYP in ext4 | xfs | btrfs) ;; *) die "FSTYP=$FSTYP: ext4, xfs or btrfs" ;; esac
"$TOP/dev/setup.sh"

# What the tests call; in an image of its own.
export ROOT_PACKAGES="acl attr bc bsdextrautils bzip2 dmsetup duperemove fdisk gawk keyutils libacl1 libaio1t64 libattr1
	libcap2-bin libgdbm-compat4t64 libgdbm6t64 liburing2 lsof lvm2 openssl perl quota uuid-runtime xfsdump"
out=$TOP/out/xfstests
rm -rf "$out"
mkdir -p "$out"
step "make an image of $XFSTESTS" "$out/image.log"
mkfs.erofs --quiet "$out/image" "$XFSTESTS" >"$LOG" 2>&1 || die
truncate -s %4M "$out/image"
read -ra what <<<"${TESTS:--g $GROUP}"

# run plain|chaos: one boot. A complaint of the kernel is remembered.
run() {
	local dir=$out/$1
	mkdir "$dir"
	cp "$TOP/dev/guest/xfstests" "$dir/run"
	OUT=$dir SSD=$out/image CMD="/out/run $FSTYP $1 ${what[*]}" "$TOP/dev/vm.sh" 2>"$dir/vm.txt" ||
		sed '1,/^FAILED/d' "$dir/vm.txt" >"$dir/complaint.txt"
}

# names RUN WORD: the tests in the line of the summary that begins with WORD.
names() { sed -nE "s/^$2:? +//p" "$out/$1/check.txt" | tail -n 1 | tr ' ' '\n' | grep / | sort -u; }

failed=0
fail() { echo "FAIL xfstests $FSTYP: $*"; failed=1; }
for how in plain chaos; do
	step "xfstests on $FSTYP, $how: ${what[*]}" '' "what check has printed is $out/$how/check.txt"
	run $how
	names $how Ran >"$out/$how/ran" || fail "$how: no test ran, or the run did not come to its end"
	names $how Failures >"$out/$how/failures" || true
	names $how 'Not run' >"$out/$how/skipped" || true
	say "$(wc -l <"$out/$how/ran") ran, $(wc -l <"$out/$how/failures") failed: $(paste -sd' ' "$out/$how/failures")"
done
[ ! -s "$out/plain/complaint.txt" ] || say "without policies the kernel complained, too: $out/plain/complaint.txt"
while read -r t; do
	fail "$t fails only with policies, see $out/chaos/results"
done < <(comm -13 "$out/plain/failures" "$out/chaos/failures")
while read -r t; do
	fail "$t is not run with policies"
done < <(comm -13 "$out/plain/skipped" "$out/chaos/skipped")
if [ -s "$out/chaos/complaint.txt" ] && [ ! -s "$out/plain/complaint.txt" ]; then
	fail "the guest failed with policies"
	sed 's/^/    /' "$out/chaos/complaint.txt"
fi
sed 's/^/   /' "$out/chaos/chaosd.txt" >&2 || true
[ "$(cat "$out/chaos/chaosd.status" 2>/dev/null)" = 0 ] || fail "the policies did nothing, or their daemon died: $out/chaos/chaosd.txt"
[ $failed = 0 ] || { trap - ERR; exit 1; }
echo "ok   xfstests $FSTYP: of $(wc -l <"$out/chaos/ran") tests, none fails only with policies"
