#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# maioctl serve, on a kernel that is made up (see fake_ppc.c): what the daemon
# says and holds as files, readers and its configuration change.
# Usage: serve.sh BUILD-DIR

out=$1
maioctl=$out/tests/maioctl-fake
dir=$(mktemp -d /tmp/maioctl-test-XXXXXX) || exit 1
here=$(dirname "$(readlink -f "$0")")
cd "$dir" || exit 1
. "$here/tap.sh"

daemon='' listener=''
clean() {
	[ -z "$daemon" ] || kill -9 "$daemon"
	[ -z "$listener" ] || kill "$listener"
	rm -rf "$dir"
} 2>/dev/null
trap clean EXIT
trap 'exit 1' INT TERM

# Nothing here depends on how long a thing takes, only on that it comes about.
until_true() {	# until_true COMMAND...
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || return 1
		sleep 0.05
	done
}

count() {	# count WORD: lines of the daemon's messages
	grep -c -e "$1" stderr
}

said() {	# said WORD NUMBER
	[ "$(count "$1")" -ge "$2" ]
}

says() {	# says WORD NUMBER TEXT: in the end it has said so, as often
	until_true said "$1" "$2"
	ok $? "$3"
}

notified() {	# notified LINE TEXT
	until_true grep -qx -e "$1" notified
	ok $? "$2"
}

worker() {	# worker SERVICE: its process
	pgrep -P "$daemon" -x "$1"
}

holds() {	# holds SERVICE FILE
	pid=$(worker "$1") && readlink "/proc/$pid/fd/"* | grep -q -e "$2"
}

lets_go() {	# lets_go SERVICE FILE
	! holds "$1" "$2"
}

gone() {	# gone PID...
	for p; do
		! kill -0 "$p" || return 1
	done 2>/dev/null
}

start() {	# start [NAME=VALUE...]
	: >stderr
	env FAKE_PPC_LOG=log FAKE_PPC_FILE=kernel "$@" \
		"$maioctl" serve --config conf 2>stderr &
	daemon=$!
}

kernel() {	# kernel SETTINGS: as a whole, while it is read
	echo "$1" >kernel.tmp
	mv kernel.tmp kernel
}

stop() {
	kill -TERM "$daemon"
	wait "$daemon"
	status=$?
	daemon=''
}

configure() {	# configure SERVICE LINE...
	service=$1
	shift
	{ echo "[$service]"; printf '%s\n' "$@"; } >"conf/$service.conf"
}

check() {	# check ARGUMENTS: sets status
	"$maioctl" serve --check --config conf "$@" >stdout 2>stderr
	status=$?
}

mkdir conf model
head -c 3000000 /dev/urandom >model/a.gguf
head -c 1000 /dev/urandom >other.gguf
printf '[serve]\nstore = %s\n' "$dir/s" >conf/0.conf
configure qwen "model = $dir/model" "quiet = 200ms"
kernel ''

# The configuration.
check
[ $status = 0 ] && grep -q "^qwen .* 1 .*2.9 MiB .*$dir/model" stdout; ok $? "--check"
check --json; cp stdout report
json 'r["store"].endswith("/s") and r["services"][0]["model_bytes"] == 3000000 and
	r["services"][0]["quiet_ms"] == 200 and r["services"][0]["problem"] is None and r["services"][0]["node"] is None' "--check --json"
configure bad "model = $dir/model" "modle = x"
check; [ $status = 1 ] && grep -q "conf/bad.conf:3: unknown key 'modle'" stderr
ok $? "--check of a bad line tells file and line"
"$maioctl" serve --config conf >stdout 2>stderr
[ $? = 1 ] && grep -q "conf/bad.conf:3:" stderr; ok $? "nor does the daemon begin"
configure bad "model = $dir/model" "mode = keep" "ceiling = 1G"
check; [ $status = 1 ] && grep -q "conf/bad.conf:.*'ceiling' needs pages to go" stderr
ok $? "nor does a ceiling go with keep"
configure bad "model = $dir/nowhere"
check; [ $status = 1 ] && grep -q "1 of 2 services cannot be served" stderr
ok $? "--check of a missing model"
check --json; cp stdout report
[ $status = 1 ]; ok $? "and as JSON"
json '"nowhere" in r["services"][0]["problem"]' "with the problem"
rm conf/bad.conf
sed "s,^model = .*,model = $dir/model," "$here/../Documentation/example.conf" >conf/bad.conf
check; ok $? "the example"
rm conf/bad.conf
"$maioctl" serve --config nowhere >stdout 2>stderr
[ $? = 1 ] && grep -q nowhere stderr; ok $? "no directory"
"$maioctl" serve --json >stdout 2>stderr
[ $? = 1 ]; ok $? "--json without --check"
"$maioctl" serve --help >stdout 2>stderr; ok $? "--help"

# From the first load to the second.
python3 -c 'import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("notify.tmp")
os.rename("notify.tmp", "notify")
while True:
	open("notified", "a").write(s.recv(4096).decode() + "\n")' &
listener=$!
until_true test -S notify
start FAKE_ROOT="$dir/machine" NOTIFY_SOCKET="$dir/notify" WATCHDOG_USEC=400000
says "qwen: armed (no template yet): 1 file, 2.9 MiB" 1 "armed"
notified READY=1 "READY=1"
notified "STATUS=services: 1 armed" "STATUS="
notified WATCHDOG=1 "WATCHDOG=1"
holds qwen model/a.gguf; ok $? "the file is held"
pid=$(worker qwen)
kernel half,events=50
says "qwen: load over" 1 "half a load is over"
has stderr "qwen: warning: template not saved: .*not known to be whole" "and not saved"
says "qwen: armed (no template yet)" 2 "armed again"
kernel events=100
says "qwen: load over .* template saved" 1 "a load is over and saved"
says "qwen: armed (template fits)" 1 "armed to replay"
test -s s/qwen.maio; ok $? "the template is in the store"
: >log
kernel events=200
says "qwen: load over" 3 "the second load"
says "qwen: armed (template fits)" 2 "armed once more"
grep -v -e stats -e status log | tr '\n' ' ' >asked
has asked "^record-stop get detach attach record set mode replay " "let go, then attached anew"
[ "$(worker qwen)" = "$pid" ]; ok $? "all by one process"

# A worker is matched to a group: where does it load to?
mkdir -p machine/sys/bus/pci/devices/0000:17:00.0 machine/proc/41
(
	cd machine/sys/bus/pci/devices/0000:17:00.0 || exit
	echo 0x10de >vendor; echo 0x2330 >device; echo 0x030200 >class; echo 1 >numa_node
	ln -s ../../drivers/nvidia driver
)
printf 'CUDA_VISIBLE_DEVICES=0\0' >machine/proc/41/environ
kernel worker=41
until_true grep -q node-1 log; ok $? "a worker is placed by its environment"

# Files change.
mv other.gguf model/a.gguf
says "qwen: waiting: the model has changed" 1 "a file is replaced"
says "qwen: armed (template stale" 1 "the new one is attached"
rm model/a.gguf
says "qwen: waiting: .*no \*.safetensors" 1 "a file is deleted"
until_true lets_go qwen model; ok $? "its space is free"
head -c 3000000 /dev/zero >model/a.gguf
says "qwen: armed (template stale" 2 "it comes back"
echo >>model/a.gguf
says "qwen: armed (template stale" 3 "it grows"

# The kernel ends it.
kernel status=19
says "qwen: waiting: .*No such device" 1 "the attachment has ended"
until_true lets_go qwen model; ok $? "the file is let go"
kernel ''
kill -HUP "$daemon"
says "qwen: armed (template stale" 4 "SIGHUP has what waits try again"

# The configuration changes.
pid=$(worker qwen)
configure second "model = $dir/model" "template = qwen" "mode = burn" "quiet = 200ms"
: >notified
kill -HUP "$daemon"
says "second: armed" 1 "a service is added"
notified "RELOADING=1" "RELOADING=1"
grep -qx "MONOTONIC_USEC=[1-9][0-9]*" notified; ok $? "MONOTONIC_USEC="
notified READY=1 "READY=1 again"
[ "$(worker qwen)" = "$pid" ]; ok $? "the other is left alone"
echo "mode = x" >>conf/second.conf
kill -HUP "$daemon"
says "conf/second.conf:6: a second 'mode'; the configuration stays" 1 "a broken configuration"
[ "$(worker qwen)" = "$pid" ] && worker second >stdout; ok $? "changes nothing"
pid2=$(worker second)
configure second "model = $dir/model" "template = qwen" "mode = keep" "quiet = 200ms"
kill -HUP "$daemon"
says "second: armed" 2 "a service is changed"
until_true gone "$pid2"; ok $? "by another process"
kill -STOP "$pid"
over=$(count "qwen: load over")
kernel events=10
says "second: load over" 1 "one that hangs does not hold up another"
[ "$(count "qwen: load over")" = "$over" ]; ok $? "it does hang"
kill -CONT "$pid"
says "qwen: load over" $((over + 1)) "and goes on"
rm conf/second.conf
kill -HUP "$daemon"
says "second: let go" 2 "a service is removed"
! worker second >stdout; ok $? "with its process"
[ "$(count "does not end")" = 0 ]; ok $? "which ends by itself"

# Idle.
configure qwen "model = $dir/model" "quiet = 200ms" "idle = 300ms"
kill -HUP "$daemon"
says "qwen: idle" 1 "idle"
until_true lets_go qwen model; ok $? "holds no file"
notified "STATUS=services: 1 idle" "STATUS= of it"
armed=$(count "qwen: armed")
cat model/a.gguf >opened
says "qwen: armed" $((armed + 1)) "armed when a file is opened"
says "qwen: idle" 2 "idle again"
armed=$(count "qwen: armed")
rm model/a.gguf
says "qwen: waiting: .*no \*.safetensors" 2 "a file is deleted meanwhile"
head -c 3000000 /dev/zero >model/a.gguf
says "qwen: armed" $((armed + 1)) "a new one is seen"
configure qwen "model = $dir/model" "idle = never" "quiet = 200ms"
kill -HUP "$daemon"
until_true holds qwen model; ok $? "idle = never"

# Processes die.
armed=$(count "qwen: armed")
kill -9 "$(worker qwen)"
says "qwen: ended by signal 9; starts again" 1 "a process is killed"
says "qwen: armed" $((armed + 1)) "another takes its place"
pid=$(worker qwen)
: >log
kernel hang,events=300
until_true grep -q get log; ok $? "a template does not arrive"
stop
[ $status = 0 ]; ok $? "SIGTERM, exit status $status"
has stderr "qwen: does not end, and is killed" "a process that hangs is killed"
notified STOPPING=1 "STOPPING=1"
gone "$pid"; ok $? "no process is left"
ls -A s >stdout; [ "$(cat stdout)" = qwen.maio ]; ok $? "nor a file half written"
kernel ''
start
says "qwen: armed" 1 "a new daemon"
pid=$(worker qwen)
kill -9 "$daemon"
wait "$daemon" 2>stdout
daemon=''
until_true gone "$pid"; ok $? "killed, it leaves no process behind"

# Without a kernel that can.
start FAKE_PPC=absent
says "qwen: waiting: no /dev/ppc" 1 "no device"
lets_go qwen model; ok $? "no file is held"
stop
[ $status = 0 ]; ok $? "SIGTERM while waiting"
start FAKE_PPC=attach=16
says "qwen: waiting: cannot attach .*busy" 1 "refused"
kill -INT "$daemon"; wait "$daemon"; status=$?; daemon=''
[ $status = 0 ]; ok $? "SIGINT"
rm conf/qwen.conf
start
says "serving 0 services" 1 "nothing is configured"
stop
[ $status = 0 ]; ok $? "SIGTERM then"

# The unit.
if command -v systemd-analyze >stdout; then
	sed "s,^ExecStart=.*,ExecStart=$maioctl serve," "$out/maio.service" >maio.service
	systemd-analyze --man=no verify "$dir/maio.service" >stdout 2>stderr && [ ! -s stderr ]
	ok $? "systemd takes the unit"
else
	ok 0 "systemd takes the unit # SKIP no systemd-analyze"
fi

tap_end
