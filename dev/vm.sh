#!/usr/bin/env bash
# Runs a shell command as root in a guest on the built kernel: CMD='…' dev/vm.sh, or an
# interactive shell: dev/vm.sh shell. Its output and exit status come through; /out in the
# guest is out/vm here; the console is kept in out/vm/dmesg.txt, and a complaint of the kernel
# in it makes the run fail.
#
#   MEM=4G CPUS=2 NUMA=2   size of the guest; the XPU (PCI device "edu") is on its last node;
#                          one CPU by default in virtual time
#   CONFIG=release|bench|debug|…  which kernel (dev/config);  STOCK=1  the same base without the series
#   VTIME=1                virtual time: one instruction is one nanosecond, idle time is skipped
#   PROFILE=paper|fast|none  the SSD, /dev/ssd: memory-backed null_blk in virtual time, in real
#                          time an NVMe device on the XPU's node whose other end is nbdkit
#   SSD=IMAGE SSD_GB=N     what is on it (in real time written back to IMAGE); how large it is
#   SSD_DEV=FILE           in real time: the SSD is this file or device of the host, SSD is copied to it
#   ROOT=DIR               a user space of your own in place of the cached one
#   SHARED=DIR             another folder of this machine, /shared in the guest
#   TIMEOUT=SECONDS        by the clock (0: none)
#   NOBUILD=1              take the kernel as it was built last
#   APPEND='…'             more for the kernel's command line
#
# This is QEMU itself and not virtme-ng: that one boots on the host's root over 9p with udev,
# and all of it waits in real time, which in virtual time shows as seconds that come out
# different on every run. Here the user space is an image mapped into guest memory.

# shellcheck disable=SC2054 # in this whole file: the commas are QEMU's

. "$(dirname "$0")/lib.sh"

mode=${1:-command}
: "${MEM:=4G}" "${NUMA:=2}" "${VTIME:=}" "${PROFILE:=paper}" "${SSD:=}" "${SSD_GB:=2}" "${SSD_DEV:=}"
: "${APPEND:=}" "${SHARED:=}" "${NOBUILD:=}" "${CMD:=}" "${OUT:=$TOP/out/vm}"
[ "$VTIME" != 0 ] || VTIME=
# With -icount CPUs run in turn, so that more of them do not make a guest faster.
: "${CPUS:=$([ -n "$VTIME" ] && echo 1 || echo 2)}"
[ "$NOBUILD" != 0 ] || NOBUILD=
if [ "$mode" = shell ]; then
	[ -t 0 ] || die "make shell needs a terminal"
	: "${TIMEOUT:=0}"
else
	[ -n "$CMD" ] || die "no command: make vm CMD='uname -a'"
	: "${TIMEOUT:=1800}"
fi

"$TOP/dev/setup.sh"
out=$(build_dir)
if [ -z "$NOBUILD" ] || [ ! -f "$out/kit.cpio" ]; then
	out=$("$TOP/dev/kernel.sh")
fi
image=$("$TOP/dev/root.sh")
qemu=$("$TOP/dev/qemu.sh")
kernel=$out/arch/x86/boot/bzImage

step "boot the guest"
mkdir -p "$OUT"
run=$(mktemp -d "${TMPDIR:-/tmp}/ppc-vm.XXXXXX")
dmesg=$OUT/dmesg.txt
rm -f "$OUT/kmemleak.txt"
: >"$dmesg"

qemu_pid='' nbd_pid='' tails=()
cleanup() {
	trap - ERR EXIT INT TERM HUP
	[ -z "$qemu_pid" ] || kill "$qemu_pid" 2>/dev/null || true
	[ -z "$nbd_pid" ] || kill "$nbd_pid" 2>/dev/null || true
	[ "${#tails[@]}" = 0 ] || kill "${tails[@]}" 2>/dev/null || true
	rm -rf "$run"
}
trap cleanup EXIT
trap 'cleanup; exit 130' INT TERM HUP

bytes() { numfmt --from=iec "${1%B}"; }
mem=$(bytes "$MEM")
[ "$NUMA" -ge 1 ] && [ "$CPUS" -ge 1 ] || die "CPUS=$CPUS and NUMA=$NUMA must be at least 1"

# A socket of its own for each node: threads of one core on two nodes would be an odd machine.
# With more nodes than CPUs the last nodes are memory only.
if [ $((CPUS % NUMA)) -eq 0 ]; then
	smp=$CPUS,sockets=$NUMA,cores=$((CPUS / NUMA)),threads=1
else
	smp=$CPUS,sockets=$CPUS,cores=1,threads=1
fi

# Slots and room for the images that are mapped beside the guest's own memory.
args=(-nodefaults -no-user-config -no-reboot -display none -M q35
	-smp "$smp" -m "$((mem >> 20))M,slots=4,maxmem=$(((mem >> 20) + 65536))M")
node_mem=$((mem / NUMA >> 20))
for ((n = 0; n < NUMA; n++)); do
	cpus=''
	if [ "$CPUS" -ge "$NUMA" ]; then
		cpus=cpus=$((n * CPUS / NUMA))-$(((n + 1) * CPUS / NUMA - 1)),
	elif [ $n -lt "$CPUS" ]; then
		cpus=cpus=$n,
	fi
	size=$node_mem
	[ $n -lt $((NUMA - 1)) ] || size=$(((mem >> 20) - node_mem * (NUMA - 1)))
	args+=(-object "memory-backend-ram,id=m$n,size=${size}M"
		-numa "node,nodeid=$n,${cpus}memdev=m$n")
done

# The XPU: any PCI device whose numa_node is not the first.
xpu_node=$((NUMA - 1))
pxb=(-device "pxb-pcie,id=px,bus_nr=64,bus=pcie.0")
[ "$NUMA" -eq 1 ] || pxb=(-device "pxb-pcie,id=px,bus_nr=64,numa_node=$xpu_node,bus=pcie.0")
args+=("${pxb[@]}" -device pcie-root-port,id=rp1,bus=px,chassis=1 -device edu,bus=rp1)

# Files that are guest memory: the user space, and in virtual time the SSD's image.
map_image() {
	local size
	size=$(stat -c %s "$2")
	args+=(-object "memory-backend-file,id=$1,mem-path=$2,size=$size,share=$3,readonly=$4"
		-device "virtio-pmem-pci,memdev=$1,bus=pcie.0")
}
map_image root "$image" on on

# The guest's CPU is emulated and has nothing to mitigate; KASLR would make runs differ.
append="console=ttyS0 ignore_loglevel panic=-1 oops=panic nokaslr mitigations=off"
append+=" tsc=reliable rcupdate.rcu_cpu_stall_timeout=120 random.trust_cpu=on"
# On a busy host, the timer may not tick while the kernel counts its ticks.
append+=" no_timer_check"

ssd=none
if [ "$PROFILE" != none ] && [ -z "$SSD_DEV" ]; then
	profile=$TOP/dev/profiles/$PROFILE.conf
	[ -f "$profile" ] || die "PROFILE=$PROFILE: there is $(cd "$TOP/dev/profiles" && echo *.conf), and none"
	latency_ns='' mbps=''
	# shellcheck disable=SC1090
	. "$profile"
fi
[ -z "$SSD" ] || [ -f "$SSD" ] || die "SSD=$SSD: no such image"
[ -z "$SSD_DEV" ] || [ -z "$VTIME" ] || die "SSD_DEV=$SSD_DEV: no real device in virtual time"
ssd_image=''
if [ "$PROFILE" = none ]; then
	append+=" null_blk.nr_devices=0"
elif [ -n "$SSD_DEV" ]; then
	ssd=nvme
	append+=" null_blk.nr_devices=0"
	[ -z "$SSD" ] || { ssd_image=$(realpath "$SSD"); map_image ssd "$ssd_image" on on; }
	args+=(-device pcie-root-port,id=rp2,bus=px,chassis=2
		-drive "if=none,id=d0,file=$SSD_DEV,format=raw,cache=none,aio=native"
		-device nvme,serial=ppc,drive=d0,bus=rp2)
elif [ -n "$VTIME" ]; then
	ssd=null_blk
	if [ -n "$SSD" ]; then
		need=$((($(stat -c %s "$SSD") + (1 << 30) - 1) >> 30))
		[ "$SSD_GB" -ge $need ] || SSD_GB=$need
		if [ $(($(stat -c %s "$SSD") % (4 << 20))) -eq 0 ]; then
			ssd_image=$(realpath "$SSD")
		else
			ssd_image=$run/ssd.img
			cp --sparse=always "$SSD" "$ssd_image"
			truncate -s %4M "$ssd_image"
		fi
		map_image ssd "$ssd_image" on on
	fi
	append+=" null_blk.nr_devices=1 null_blk.gb=$SSD_GB null_blk.memory_backed=1 null_blk.irqmode=2"
	append+=" null_blk.completion_nsec=$latency_ns null_blk.mbps=$mbps null_blk.hw_queue_depth=256"
	# With max_sectors unset it splits every 128 KiB request in two.
	append+=" null_blk.bs=4096 null_blk.max_sectors=256"
else
	ssd=nvme
	append+=" null_blk.nr_devices=0"
	img=$SSD
	if [ -z "$img" ]; then
		img=$run/ssd.img
		truncate -s "${SSD_GB}G" "$img"
	fi
	# nbdkit knows whole milliseconds. The burst that the rate filter saves up would hide the rate from a small file.
	nbdkit --exit-with-parent -f -U "$run/nbd" --threads 64 --filter=delay --filter=rate \
		file "$img" rate="$((mbps * 8))M" burstiness=0.1 \
		rdelay="$(((latency_ns + 999999) / 1000000))ms" 2>"$run/nbdkit.log" </dev/null &
	nbd_pid=$!
	for _ in $(seq 50); do [ ! -S "$run/nbd" ] || break; sleep 0.1; done
	[ -S "$run/nbd" ] || die "nbdkit did not start: $(cat "$run/nbdkit.log")"
	args+=(-device pcie-root-port,id=rp2,bus=px,chassis=2
		-drive "if=none,id=d0,file=nbd:unix:$run/nbd,format=raw,cache=none"
		-device nvme,serial=ppc,drive=d0,bus=rp2)
fi

if [ -n "$VTIME" ]; then
	accel='tcg, virtual time'
	# Without ERMS and FSRM a rep movsq copies 8 bytes an instruction, and a rep movsb is not used:
	# memcpy then runs at 8 GB/s of virtual time.
	args+=(-accel tcg,thread=single -icount shift=0,sleep=off -cpu max,-erms,-fsrm)
elif [ "$("$TOP/dev/accel.sh" "$kernel")" = kvm ]; then
	accel=kvm
	args+=(-accel kvm -cpu host)
else
	accel='tcg (KVM did not boot a guest here)'
	# Without five-level page tables: identify_cpu() forgets for a moment that there are any, and for an
	# interrupt just then KASAN takes the direct map for wild memory.
	args+=(-accel tcg,thread=multi -cpu max,-la57)
fi

args+=(-fsdev "local,id=out,path=$OUT,security_model=none"
	-device virtio-9p-pci,fsdev=out,mount_tag=out,bus=pcie.0)
[ -z "$SHARED" ] || args+=(-fsdev "local,id=shared,path=$SHARED,security_model=none"
	-device virtio-9p-pci,fsdev=shared,mount_tag=shared,bus=pcie.0)
# Files, not pipes: the guest never waits for a slow reader.
: >"$run/stdout"; : >"$run/stderr"; : >"$run/status"
args+=(-chardev "file,id=console,path=$dmesg" -serial chardev:console
	-device virtio-serial-pci,bus=pcie.0)
for p in stdout stderr status; do
	args+=(-chardev "file,id=$p,path=$run/$p" -device "virtserialport,chardev=$p,name=ppc.$p")
done
rows=24 cols=80
if [ "$mode" = shell ]; then
	args+=(-chardev stdio,id=tty,signal=off -device virtconsole,chardev=tty)
	read -r rows cols < <(stty size)
fi

# What this run is about goes behind the build's initramfs, as a second archive.
mkdir -p "$run/initrd/vm"
install -m 755 "$TOP/dev/guest/main" "$run/initrd/vm/main"
printf '%s\n' "$CMD" >"$run/initrd/vm/command"
{
	printf 'VM_%s=%q\n' MODE "$mode" SSD "$ssd" SSD_IMAGE "$ssd_image" SHARED "$SHARED" \
		ROWS "$rows" COLS "$cols" TERM "${TERM:-dumb}"
	printf 'export PPC_VTIME=%q PPC_PROFILE=%q PPC_CONFIG=%q PPC_STOCK=%q PPC_ACCEL=%q PPC_BASE=%q\n' \
		"$VTIME" "$PROFILE" "$CONFIG" "$STOCK" "$accel" "$BASE"
} >"$run/initrd/vm/vm.env"
(cd "$run/initrd" && find vm | cpio -o -H newc -R 0:0 --quiet) >"$run/vm.cpio"
cat "$out/kit.cpio" "$run/vm.cpio" >"$run/initrd.img"

say "linux $BASE $CONFIG${STOCK:+ stock}, accel: $accel, CPUs: $CPUS, $MEM on $NUMA nodes, SSD: $ssd ($PROFILE)"
args+=(-kernel "$kernel" -initrd "$run/initrd.img" -append "$append $APPEND")

step "run in the guest" '' "look at $dmesg; for more time: TIMEOUT=SECONDS"
if [ "$mode" = shell ]; then
	saved=$(stty -g)
	say "the prompt comes in some seconds; leave with 'exit'"
	rc=0
	"$qemu" "${args[@]}" || rc=$?
	stty "$saved"
else
	# In its own process group, so that a Ctrl-C is handled here and only here.
	setsid "$qemu" "${args[@]}" </dev/null >"$run/qemu.log" 2>&1 &
	qemu_pid=$!
	tail -s 0.2 -c +1 -f --pid=$qemu_pid "$run/stdout" &
	tails+=($!)
	tail -s 0.2 -c +1 -f --pid=$qemu_pid "$run/stderr" >&2 &
	tails+=($!)
	timed_out=
	start=$SECONDS
	while kill -0 "$qemu_pid" 2>/dev/null; do
		if [ "$TIMEOUT" != 0 ] && [ $((SECONDS - start)) -ge "$TIMEOUT" ]; then
			timed_out=1
			kill "$qemu_pid"
			break
		fi
		sleep 0.2
	done
	rc=0
	wait "$qemu_pid" || rc=$?
	qemu_pid=
	wait "${tails[@]}" || true
	tails=()
	[ -z "$timed_out" ] ||
		die "the guest did not finish in $TIMEOUT s" "last lines of its console:" "$(tail -n 15 "$dmesg")"
	[ "$rc" = 0 ] || die "QEMU failed ($rc): $(cat "$run/qemu.log")"
fi

status=$(cat "$run/status")
HINT=''
splat=$("$TOP/dev/splats.sh" "$dmesg") || {
	[ ! -f "$OUT/kmemleak.txt" ] || splat+=$'\n'$(head -n 60 "$OUT/kmemleak.txt")
	die "the guest's kernel complained (whole console: $dmesg):" "$splat"
}
[ ! -f "$OUT/kmemleak.txt" ] || die "the guest's kernel leaks:" "$(head -n 60 "$OUT/kmemleak.txt")"
[ -n "$status" ] || die "the guest died before the command ended; last lines of its console:" \
	"$(tail -n 15 "$dmesg")"
exit "$status"
