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
. "$(dirname "$0")/lib.sh"

: "${ROUNDS:=3}" "${QUICK:=}" "${FULL:=}" "${CELLS:=}" "${COMPARE:=}"
[ "$QUICK" != 0 ] || QUICK=
[ "$FULL" != 0 ] || FULL=
export CONFIG=release STOCK='' ROOT='' APPEND=''
here=$TOP/dev/bench out=$TOP/out/bench
step "choose what to measure"
[[ $ROUNDS =~ ^[1-9][0-9]*$ ]] || die "ROUNDS=$ROUNDS: not a number of rounds"
[ -z "$COMPARE" ] || [ -f "$COMPARE" ] || die "COMPARE=$COMPARE: no such file"
[ -z "$COMPARE" ] || COMPARE=$(realpath "$COMPARE")
"$TOP/dev/setup.sh" bench
if [ "$CELLS" = list ]; then
	exec "$PYTHON" -B "$here/cells.py" list
fi
chosen=${QUICK:+quick}${CELLS:+ $CELLS}
read -ra patterns <<<"${chosen:-default}"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"$PYTHON" -B "$here/cells.py" ${FULL:+FULL} "${patterns[@]}" >"$tmp/cells.json" || die "CELLS=$CELLS"
mapfile -t names < <("$PYTHON" -c 'import json, sys; print(*json.load(open(sys.argv[1])), sep="\n")' "$tmp/cells.json")

# A guest with four copies of the model takes 10 GiB, its images are mapped beside that.
free_mb=$(awk '/^MemAvailable/ {print int($2 / 1024)}' /proc/meminfo)
: "${JOBS:=$(nproc)}"
[[ $JOBS =~ ^[1-9][0-9]*$ ]] || die "JOBS=$JOBS: not a number of guests"
large=6
[[ ${names[*]} != *-x[0-9]* ]] || large=10
while [ "$JOBS" -gt 1 ] && [ $((JOBS * large * 1024)) -gt "$free_mb" ]; do JOBS=$((JOBS - 1)); done
[ $((large * 1024)) -le "$free_mb" ] ||
	die "a guest takes up to $large GiB, and there are $free_mb MiB available: choose cells with less (CELLS=)"

"$TOP/dev/kernel.sh" >/dev/null
if [[ ${names[*]} == *-unpatched* ]]; then STOCK=1 "$TOP/dev/kernel.sh" >/dev/null; fi
"$TOP/dev/root.sh" >/dev/null
model=$("$TOP/dev/run/model.sh")

rm -rf "$out"
mkdir -p "$out/guests"
LOG=$PPC_CACHE/log/bench-build.log
for c in "$here/load.c" "$here/watch.c" "$TOP/dev/run/cost.c"; do
	gcc -O2 -Wall -Wextra -static -o "$tmp/$(basename "$c" .c)" "$c" -luring -ljson-c >"$LOG" 2>&1 || die "$c does not compile"
done

declare -A guests=()
# shellcheck disable=SC2317 # called by traps
cleanup() {
	trap - ERR EXIT INT TERM
	[ "${#guests[@]}" = 0 ] || kill "${guests[@]}" 2>/dev/null || true
	wait
	rm -rf "$tmp"
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
	local dir=$out/guests/$1 mem=6G gb=2 stock=
	[[ $1 != *-x[0-9]* ]] || { mem=10G gb=4; }
	case $1 in *-unpatched*) stock=1 ;; esac
	mkdir -p "$dir/run"
	cp "$TOP"/dev/run/{cache,load_safetensors,model,result,ssd}.py "$here"/*.py "$tmp"/{load,watch,cost} "$dir/run/"
	"$PYTHON" -c 'import json, sys; json.dump(json.load(open(sys.argv[1]))[sys.argv[2]], sys.stdout)' \
		"$tmp/cells.json" "$1" >"$dir/run/cells.json"
	local main="guest.py /tmp/run/cells.json $ROUNDS /out/records.jsonl"
	[[ $1 != *-costs* ]] || main="costs.py /out/costs.json"
	export CMD="cp -r /out/run /tmp/run && exec /usr/bin/python3 -B /tmp/run/$main"
	OUT="$dir" PROFILE="${1%%-*}" STOCK=$stock VTIME=1 NOBUILD=1 MEM=$mem CPUS=1 NUMA=2 SSD="$model/model.img" SSD_GB=$gb \
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
