#!/usr/bin/env bash
# make run: loads a real safetensors model from a simulated SSD, as the stock kernel does and
# with MAIO, in virtual time, and tells how fast each was. The table is also in out/run.json.
#   ROUNDS=N   how often each load is made (3), and two more on the faster SSD
#   CONTROL=0  without the unpatched kernel, which is built last if it is not there yet
. "$(dirname "$0")/lib.sh"

: "${ROUNDS:=3}"
export CONFIG=release STOCK='' ROOT='' APPEND=''
here=$TOP/dev/run out=$TOP/out/run
: "${CONTROL:=1}"
times_begin
"$TOP/dev/setup.sh"
"$TOP/dev/kernel.sh" >/dev/null
"$TOP/dev/root.sh" >/dev/null
model=$("$here/model.sh")
say "kernel, user space and model are there"
# A control that is there already is measured with the rest; else the first table comes without it.
control=last
[ "$CONTROL" != 0 ] || control=never
[ $control != last ] || [ ! -f "$(STOCK=1 build_dir)/.built" ] || control=first

rm -rf "$out" "$TOP/out/run.json"
mkdir -p "$out"
gcc -O2 -Wall -static -o "$out/cost" "$here/cost.c"

declare -A guests=()
guests_end_with_script

# guest NAME PROFILE STOCK POLICIES ROUNDS PARTS: one boot, whose results are out/run/NAME/results.json.
guest() {
	local dir=$out/$1
	mkdir -p "$dir/run"
	cp "$here"/*.py "$out/cost" "$dir/run/"
	# From the guest's own memory: what lies on the host would be waited for in real time.
	export CMD="cp -r /out/run /tmp/run && exec /usr/bin/python3 -B /tmp/run/guest.py $4 $5 $6 /out/results.json"
	OUT="$dir" PROFILE="$2" STOCK="$3" VTIME=1 NOBUILD=1 MEM=6G CPUS=1 NUMA=2 SSD="$model/model.img" SSD_GB=1 \
		TIMEOUT=1800 "$TOP/dev/vm.sh" </dev/null &
	guests[$1]=$!
}

# wait_for NAME...: until these guests have ended.
failed=()
wait_for() {
	local name
	for name; do
		wait "${guests[$name]}" || failed+=("$name")
		unset "guests[$name]"
	done
}

# report NAME...: the table of what these guests have measured.
report() {
	local rc=0 name
	step "tell what was measured"
	"$PYTHON" -B "$here/report.py" "$out" "$model/digests.json" "$TOP/out/run.json" "$@" || rc=$?
	for name in ${failed[@]+"${failed[@]}"}; do
		printf '  FAILED: the guest "%s"; its console: %s\n' "$name" "$out/$name/dmesg.txt" >&2
		rc=1
	done
	return $rc
}

control() {
	STOCK=1 "$TOP/dev/kernel.sh" >/dev/null
	guest unpatched paper 1 stock "$ROUNDS" pread
}

# Virtual time does not care what else the machine does, and a guest in it is a single thread:
# so all of them at once.
rc=0
loads="load the model, cold, $ROUNDS times each"
consoles="the guests' consoles are $out/*/dmesg.txt"
[ $control != first ] || control
step "$loads: stock policy, MAIO$([ $control != first ] || echo ', and an unpatched kernel')" '' "$consoles"
guest paper paper '' stock,maio-first,maio "$ROUNDS" calibrate,pread
# Where the CPU is the limit, not the cap, rounds lie further apart: two more of them.
guest fast fast '' stock,maio-first,maio $((ROUNDS + 2)) calibrate
if [ $control = first ]; then
	wait_for paper fast unpatched
	report paper fast unpatched || rc=$?
else
	wait_for paper fast
	report paper fast || rc=$?
fi
if [ $control = last ] && [ $rc = 0 ]; then
	say "this is the table; for the control, an unpatched kernel is built now (CONTROL=0 leaves it out)"
	control
	step "$loads: an unpatched kernel" '' "$consoles"
	wait_for unpatched
	report paper fast unpatched || rc=$?
fi
[ ! -f "$TOP/out/run.json" ] || say "all of it: $TOP/out/run.json"
times_show
trap - ERR
exit $rc
