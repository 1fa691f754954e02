#!/usr/bin/env bash
# make bench: how fast a model is loaded by MAIO, by the stock kernel and by what people use
# instead, in virtual time. The table is also in out/bench/results.json, with plots in report.html.
#   QUICK=1         some minutes: the cells that tell most
#   FULL=1          the whole product of SSDs, file systems, loaders and methods: for days
#   CELLS='…'       cells by name or pattern, PROFILE/VARIANT/LOADER/METHOD, or costs (CELLS=list names
#                   them)
#   ROUNDS=N        how often each is measured (3)
#   JOBS=N          guests at a time (one a CPU, as many as memory allows)
#   COMPARE=FILE    ratios to an earlier results.json
#   NOBUILD=1       take the kernels as they were built last
#   CLOCK=real DEVICE=DIR|DISK   on a host with KVM: in real time, from a file in DIR, or from a disk
#                   that has nothing on it and is overwritten; 5 rounds; the profile is "device"
. "$(dirname "$0")/lib.sh"

: "${QUICK:=}" "${FULL:=}" "${CELLS:=}" "${COMPARE:=}" "${CLOCK:=virtual}" "${DEVICE:=}" "${NOBUILD:=}"
: "${ROUNDS:=$([ "$CLOCK" = real ] && echo 5 || echo 3)}"
[ "$QUICK" != 0 ] || QUICK=
[ "$FULL" != 0 ] || FULL=
[ "$NOBUILD" != 0 ] || NOBUILD=
export CONFIG=bench STOCK='' ROOT='' APPEND='' CLOCK DEVICE
here=$TOP/dev/bench out=$TOP/out/bench
step "choose what to measure"
[[ $ROUNDS =~ ^[1-9][0-9]*$ ]] || die "ROUNDS=$ROUNDS: not a number of rounds"
[ -z "$COMPARE" ] || [ -f "$COMPARE" ] || die "COMPARE=$COMPARE: no such file"
[ -z "$COMPARE" ] || COMPARE=$(realpath "$COMPARE")
case $CLOCK:$DEVICE in
virtual: | real:?*) ;;
real:) die "CLOCK=real needs DEVICE=: a directory on the SSD, or a disk with nothing on it" ;;
virtual:*) die "DEVICE=$DEVICE: only with CLOCK=real" ;;
*) die "CLOCK=$CLOCK: virtual or real" ;;
esac
"$TOP/dev/setup.sh" bench
if [ "$CELLS" = list ]; then
	exec "$PYTHON" -B "$here/cells.py" list
fi
# Another one's records would be deleted.
mkdir -p "$TOP/out"
exec 9>"$TOP/out/bench.lock"
flock -n 9 || die "another make bench is under way in this checkout"
chosen=${QUICK:+quick}${CELLS:+ $CELLS}
read -ra patterns <<<"${chosen:-default}"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
real=
[ "$CLOCK" = virtual ] || real=REAL
: "${JOBS:=$([ -n "$real" ] && echo 1 || nproc)}"
[[ $JOBS =~ ^[1-9][0-9]*$ ]] || die "JOBS=$JOBS: not a number of guests"
[ -z "$real" ] || [ "$JOBS" = 1 ] || die "JOBS=$JOBS: one guest at a time has the device"
"$PYTHON" -B "$here/cells.py" "$JOBS" $real ${FULL:+FULL} "${patterns[@]}" >"$tmp/cells.json" || die "CELLS=$CELLS"
mapfile -t names < <("$PYTHON" -c 'import json, sys; print(*json.load(open(sys.argv[1])), sep="\n")' "$tmp/cells.json")

# A guest with four copies of the model takes 10 GiB, its images are mapped beside that.
free_mb=$(awk '/^MemAvailable/ {print int($2 / 1024)}' /proc/meminfo)
large=6
[[ ${names[*]} != *-x[0-9]* ]] || large=10
while [ "$JOBS" -gt 1 ] && [ $((JOBS * large * 1024)) -gt "$free_mb" ]; do JOBS=$((JOBS - 1)); done
[ $((large * 1024)) -le "$free_mb" ] ||
	die "a guest takes up to $large GiB, and there are $free_mb MiB available: choose cells with less (CELLS=)"

# room DIR GIB: is so much free there?
room() {
	local free
	free=$(df --output=avail -B1G "$1" | tail -n 1)
	[ "$free" -ge "$2" ] || die "$1: ${free// /} GiB are free on its disk, and $2 are needed"
}
room "$TOP" 1
mkdir -p "$PPC_CACHE"
# Sources, two kernels, a user space and the model; or only what a build changes.
room "$PPC_CACHE" "$([ -d "$PPC_CACHE/model" ] && echo 2 || echo 12)"

if [ -z "$NOBUILD" ]; then
	"$TOP/dev/kernel.sh" >/dev/null
	if [[ ${names[*]} == *-unpatched* ]]; then STOCK=1 "$TOP/dev/kernel.sh" >/dev/null; fi
fi
"$TOP/dev/root.sh" >/dev/null
model=$("$TOP/dev/run/model.sh")

LOG=$PPC_CACHE/log/bench-build.log
for c in "$here/load.c" "$here/watch.c" "$TOP/dev/run/cost.c"; do
	gcc -O2 -Wall -Wextra -static -o "$tmp/$(basename "$c" .c)" "$c" -luring -ljson-c >"$LOG" 2>&1 || die "$c does not compile"
done

# The SSD of a guest in real time: 4 GB, for as many copies of the model as any cell has.
ssd_gb=4 ssd_dev='' made=''
if [ -n "$real" ]; then
	step "take the device"
	[ "$("$TOP/dev/accel.sh" "$(build_dir)/arch/x86/boot/bzImage")" = kvm ] ||
		die "CLOCK=real: KVM does not boot a guest on this host; virtual time works everywhere"
	if [ -d "$DEVICE" ]; then
		ssd_dev=$(mktemp "$DEVICE/ppc-bench.XXXXXX") made=1
		fallocate -l ${ssd_gb}G "$ssd_dev" || { rm -f "$ssd_dev"; die "DEVICE=$DEVICE: no room for $ssd_gb GB in it"; }
	elif [ -b "$DEVICE" ]; then
		ssd_dev=$DEVICE
		found=$(wipefs -n "$DEVICE" && lsblk -nro NAME "$DEVICE" | tail -n +2) || die "DEVICE=$DEVICE cannot be read"
		[ -z "$found" ] || die "DEVICE=$DEVICE has something on it; wipefs -a it if that is of no use:" "$found"
		[ "$(blockdev --getsize64 "$DEVICE")" -ge $((ssd_gb << 30)) ] || die "DEVICE=$DEVICE is smaller than $ssd_gb GB"
	else
		die "DEVICE=$DEVICE: neither a directory nor a disk"
	fi
fi

rm -rf "$out"
mkdir -p "$out/guests"
declare -A guests=()
# shellcheck disable=SC2317 # called by traps
cleanup() {
	guests_end
	rm -rf "$tmp"
	# Nothing is left of the model on the device.
	if [ -n "$made" ]; then rm -f "$ssd_dev"; elif [ -n "$ssd_dev" ]; then wipefs -aq "$ssd_dev"; fi
}
# What was measured until then is worth a table and its plots, if it is a part only.
report() {
	local status=0
	"$PYTHON" -B "$here/report.py" "$out/guests" "$model/digests.json" "$out/results.json" ${COMPARE:+"$COMPARE"} || status=$?
	[ ! -f "$out/results.json" ] || "$PYTHON" -B "$here/plots.py" "$out/results.json" "$out/report.html" || status=$?
	return $status
}
trap cleanup EXIT
trap 'cleanup; report || true; exit 130' INT TERM

# guest NAME: one boot, whose records are out/bench/guests/NAME/records.jsonl.
guest() {
	local dir=$out/guests/$1 mem=6G gb=2 stock='' vtime=1 cpus=1 numa=2
	[ -z "$real" ] || { vtime='' cpus=$(nproc); }
	# One node: of two, that of the loader would be full of the SSD's content and what was loaded,
	# and what a cgroup's limit does would be hidden behind reclaim on that node.
	[[ $1 != *-x[0-9]* ]] || { mem=10G gb=4 numa=1; }
	case $1 in *-unpatched*) stock=1 ;; esac
	mkdir -p "$dir/run"
	cp "$TOP"/dev/run/{cache,command,load_safetensors,maio,model,result,settle,ssd}.py "$here"/*.py "$tmp"/{load,watch,cost} "$dir/run/"
	"$PYTHON" -c 'import json, sys; json.dump(json.load(open(sys.argv[1]))[sys.argv[2]], sys.stdout)' \
		"$tmp/cells.json" "$1" >"$dir/run/cells.json"
	local main="guest.py /tmp/run/cells.json $ROUNDS /out/records.jsonl"
	[[ $1 != *-costs* ]] || main="costs.py /out/costs.json"
	export CMD="cp -r /out/run /tmp/run && exec /usr/bin/python3 -B /tmp/run/$main"
	OUT="$dir" PROFILE="${1%%-*}" STOCK=$stock VTIME=$vtime NOBUILD=1 MEM=$mem CPUS=$cpus NUMA=$numa SSD="$model/model.img" \
		SSD_GB=$gb SSD_DEV="$ssd_dev" \
		TIMEOUT=10800 "$TOP/dev/vm.sh" </dev/null 2> >(tee "$dir/log" | grep --line-buffered -E '^   [a-z0-9]+: |^FAILED|^  ' >&2) &
	guests[$1]=$!
}

step "measure, cold, $ROUNDS times each, in ${#names[@]} guests, $JOBS at a time" '' \
	"the guests' consoles are $out/guests/*/dmesg.txt"
start=$SECONDS
rc=0
# reap: waits for any guest to end.
reap() {
	local pid status=0 name
	wait -n -p pid "${guests[@]}" || status=$?
	for name in "${!guests[@]}"; do
		[ "${guests[$name]}" = "$pid" ] || continue
		unset "guests[$name]"
		[ $status = 0 ] || { rc=1; say "the guest '$name' failed ($status); its console: $out/guests/$name/dmesg.txt"; }
	done
}
for name in "${names[@]}"; do
	while [ "${#guests[@]}" -ge "$JOBS" ]; do reap; done
	guest "$name"
done
while [ "${#guests[@]}" -gt 0 ]; do reap; done
say "measured ($(elapsed $((SECONDS - start))))"
report || rc=1
say "all of it: $out/results.json, with plots: $out/report.html"
trap - ERR
exit $rc
