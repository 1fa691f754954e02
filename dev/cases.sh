#!/usr/bin/env bash
# make cases: loads as users' reports have them, on the stock policy and in MAIO's modes, in virtual
# time. The table is also in out/cases/results.json. What is not as wanted is listed first, and fails
# nothing.
#   CASES='1 3'   which (all)
#   CASES=quick   those that CI runs: a line each, and what is not as wanted fails
#   NOBUILD=1     take the kernel as it was built last
. "$(dirname "$0")/lib.sh"

: "${CASES:=}" "${NOBUILD:=}"
[ "$NOBUILD" != 0 ] || NOBUILD=
export CONFIG=release STOCK='' ROOT='' APPEND=''
here=$TOP/dev/cases out=$TOP/out/cases
times_begin
step "choose cases"
names() { tr -dc '0-9\n'; }
cases=() judge=()
case $CASES in
'') chosen=$(cd "$here" && printf '%s\n' case_*.py | names) ;;
quick) chosen=$(cd "$here" && grep -l '^QUICK = True' case_*.py | names) judge=(--judge) ;;
*) chosen=$CASES ;;
esac
for n in $chosen; do
	[[ $n =~ ^[0-9]+$ ]] || die "CASES=$CASES: '$n' is not a number"
	n=$(printf %02d "$((10#$n))")
	[ -f "$here/case_$n.py" ] ||
		die "there is no case $n; there are:" "$(grep -Hm1 '^"""' "$here"/case_*.py | sed 's/.*case_\(..\).py:/  \1 /')"
	cases+=("$n")
done
"$TOP/dev/setup.sh"
[ -n "$NOBUILD" ] || "$TOP/dev/kernel.sh" >/dev/null
"$TOP/dev/root.sh" >/dev/null

rm -rf "$out"
mkdir -p "$out"
guests=()
guests_end_with_script

# guest NUMBER CASE...: one boot; its records are out/cases/NUMBER/records.jsonl.
guest() {
	local dir=$out/$1
	shift
	mkdir -p "$dir/run"
	cp "$TOP"/dev/run/{cache,command,maio,settle,ssd}.py "$TOP"/dev/bench/{counters,where}.py "$here"/*.py "$dir/run/"
	export CMD="cp -r /out/run /tmp/run && exec /usr/bin/python3 -B /tmp/run/guest.py /out/records.jsonl $*"
	OUT="$dir" PROFILE=paper VTIME=1 NOBUILD=1 MEM=6G CPUS=1 NUMA=2 SSD='' SSD_GB=2 TIMEOUT=3600 \
		"$TOP/dev/vm.sh" </dev/null &
	guests+=($!)
}

step "make ${#cases[@]} cases" '' "the guests' consoles are $out/*/dmesg.txt"
# A guest in virtual time is a single thread.
jobs=$(nproc)
[ "$jobs" -le "${#cases[@]}" ] || jobs=${#cases[@]}
for ((i = 0; i < jobs; i++)); do
	part=()
	for ((n = i; n < ${#cases[@]}; n += jobs)); do part+=("${cases[n]}"); done
	guest "$i" "${part[@]}"
done
rc=0
for pid in "${guests[@]}"; do
	wait "$pid" || rc=1
done
guests=()
step "tell what was found"
"$PYTHON" -B "$here/report.py" ${judge[@]+"${judge[@]}"} "$out/results.json" "$out"/*/records.jsonl || rc=1
times_show
trap - ERR
exit $rc
