#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# maioctl top, with a /dev/ppc and a /proc that are made up (see fake_ppc.c).
# Usage: top.sh BUILD-DIR

out=$1
maioctl=$out/tests/maioctl-fake
dir=$(mktemp -d /tmp/maioctl-test-XXXXXX) || exit 1
trap 'rm -rf "$dir"' EXIT
here=$(dirname "$(readlink -f "$0")")
cd "$dir" || exit 1
. "$here/tap.sh"

attachment() {	# attachment PID FD PREFETCHED USEFUL [LINE...]
	file=proc/$1/fdinfo/$2
	{
		printf 'pos:\t0\nflags:\t02000002\nppc-policy:\tmaio\nppc-files:\t2\n'
		printf 'ppc-prefetched-bytes:\t%s\nppc-useful-bytes:\t%s\n' "$3" "$4"
		printf 'ppc-events-consume:\t3\nppc-ahead-bytes:\t1048576\n'
		printf 'ppc-burned-bytes:\t2048\nppc-interrupts:\t7\nppc-fallbacks:\t0\n'
		shift 4
		[ $# = 0 ] || printf '%s\n' "$@"
	} >"$file.tmp"
	mv "$file.tmp" "$file"
}

opened() {	# opened PID FD FILE FLAGS
	ln -s "$3" "proc/$1/fd/$2"
	printf 'pos:\t0\nflags:\t%s\n' "$4" >"proc/$1/fdinfo/$2"
}

top() {	# top ARGUMENTS: sets status
	FAKE_PROC=proc "$maioctl" top "$@" >stdout 2>stderr
	status=$?
}

mkdir -p proc/41/fd proc/41/fdinfo proc/42/fd proc/42/fdinfo proc/self
truncate -s 6M a.gguf
truncate -s 2M b.gguf
for pid in 41 42; do
	echo "load$pid" >proc/$pid/comm
	ln -s 'anon_inode:[ppc]' proc/$pid/fd/9
done
# Of what 41 has open, its input and its report are not the model.
opened 41 0 "$dir/a.gguf" 0100000
opened 41 3 "$dir/a.gguf" 02100000
opened 41 4 "$dir/b.gguf" 02100000
opened 41 5 "$dir/stdout" 02100001
attachment 41 9 4194304 2097152 "ppc-node0-bytes:	1048576" "ppc-node1-bytes:	3145728" \
	"ppc-resident-bytes:	5242880"
# 42 has not as many files open as it has attached, and records.
opened 42 3 "$dir/a.gguf" 0100000
attachment 42 9 0 0

top --once --json; cp stdout report
[ $status = 0 ] && [ "$(wc -l <stdout)" = 1 ]; ok $? "--once --json is one line"
json 'len(r["attachments"]) == 2 and r["unreadable_processes"] == 0' "two attachments"
one='r["attachments"][[a["pid"] for a in r["attachments"]].index(41)]'
two='r["attachments"][[a["pid"] for a in r["attachments"]].index(42)]'
json "${one}['command'] == 'load41' and ${one}['policy'] == 'maio' and ${one}['fd'] == 9" "names"
json "${one}['model_bytes'] == 8 << 20 and ${one}['done'] == 0.25" "how far it has come"
json "${one}['prefetch_rate'] == 0 and ${one}['resident_bytes'] == 5 << 20" "rate, resident"
json "${one}['node_bytes'] == {'0': 1 << 20, '1': 3 << 20}" "nodes"
json "${one}['interrupts'] == 7 and ${one}['ahead_bytes'] == 1 << 20" "counters"
json "${two}['model_bytes'] is None and ${two}['done'] is None" "a model of unknown size"
json "${two}['consumed_bytes'] == 3 << 20" "a recording counts what was consumed"
json "${two}['resident_bytes'] is None and ${two}['node_bytes'] == {}" "no line, no number"

top --once
[ $status = 0 ]; ok $? "--once"
has stdout "^ *41 load41 *maio *2 *25% *0 B/s *1.0 MiB *5.0 MiB *2.0 KiB *7 *0 0:1.0 MiB 1:3.0 MiB$" \
	"a line as it should be"
has stdout "^ *42 load42 *maio *2 *- *0 B/s *1.0 MiB *- *2.0 KiB *7 *0$" "one with gaps"

# Growth between two samples.
FAKE_PROC=proc "$maioctl" top --json >stdout 2>stderr &
pid=$!
bytes=4194304
tries=0
while [ $tries -lt 600 ] && ! grep -q '"prefetch_rate":[1-9]' stdout; do
	bytes=$((bytes + 1048576))
	attachment 41 9 $bytes 99999999
	tries=$((tries + 1))
	sleep 0.05
done
kill "$pid"
wait "$pid"; ok $? "SIGTERM ends it"
grep '"prefetch_rate":[1-9]' stdout | head -n 1 >report
json "${one}['prefetch_rate'] > 0 and ${one}['done'] == 1" "it grows, and is not over 100 %"
json "${two}['prefetch_rate'] == 0" "the other does not"

# On a terminal.
FAKE_PROC=proc python3 - "$maioctl" >stdout 2>stderr <<'EOF'
import fcntl, os, signal, struct, subprocess, sys, termios

signal.alarm(60)
master, slave = os.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 4, 30, 0, 0))
modes = termios.tcgetattr(slave)
top = subprocess.Popen([sys.argv[1], "top"], stdin=slave, stdout=slave)
seen = b""
while seen.count(b"attachments 2") < 3:
	seen += os.read(master, 4096)
raw = termios.tcgetattr(slave)
os.write(master, b"xq")
status = top.wait()
lines = seen.split(b"\x1b[H")[2].decode().replace("\x1b[K", "").split("\r\n")[:-1]
print("raw", not raw[3] & (termios.ICANON | termios.ECHO))
print("back", termios.tcgetattr(slave) == modes)
print("status", status)
print("widest", max(map(len, lines)))
print("lines", len(lines))
EOF
ok $? "on a terminal"
has stdout "^raw True$" "keys are read one by one"
has stdout "^status 0$" "'q' ends it"
has stdout "^back True$" "the terminal is as it was"
has stdout "^widest 30$" "lines are cut to its width"
has stdout "^lines 3$" "and to its height"

# What it does not take.
for delay in 0 -1 x 1.5 3601 ''; do
	top --once --delay "$delay"
	[ $status = 1 ] && grep -q "number of seconds" stderr; ok $? "--delay '$delay'"
done
top extra;	[ $status = 1 ] && grep -q Usage stderr; ok $? "an argument"
top --help;	[ $status = 0 ] && grep -q -e --once stdout; ok $? "--help"
export FAKE_PPC=absent
top --once;	[ $status = 1 ] && grep -q CONFIG_FS_PPC stderr; ok $? "no device"
export FAKE_PPC=
FAKE_PROC=proc "$maioctl" top --json >/dev/full 2>stderr
[ $? = 1 ] && grep -q "No space left" stderr; ok $? "output that cannot be written"

tap_end
