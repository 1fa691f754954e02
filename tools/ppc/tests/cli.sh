#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# maioctl as people meet it, on a kernel that is made up (see fake_ppc.c).
# Usage: cli.sh BUILD-DIR

out=$1
maioctl=$out/tests/maioctl-fake
dir=$(mktemp -d /tmp/maioctl-test-XXXXXX) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
tests=0 failures=0

ok() {	# ok STATUS TEXT
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests - $2"
	else
		echo "not ok $tests - $2"
		sed 's/^/# stdout: /' stdout
		sed 's/^/# stderr: /' stderr
		failures=$((failures + 1))
	fi
}

try() {	# try ARGUMENTS: sets status, stdout, stderr, log
	: >log
	FAKE_PPC_LOG=log "$maioctl" "$@" >stdout 2>stderr
	status=$?
	log=$(tr '\n' ' ' <log)
}

exits() {	# exits STATUS TEXT [WORD-IN-STDERR]
	[ "$status" = "$1" ] && { [ -z "${3-}" ] || grep -q -e "$3" stderr; }
	ok $? "$2 (exit status $status)"
}

has() {	# has FILE WORD TEXT
	grep -q -e "$2" "$1"
	ok $? "$3"
}

asks() {	# asks IOCTLS TEXT
	[ "$log" = "$1 " ]
	ok $? "$2: $log"
}

json() {	# json EXPRESSION TEXT
	python3 -c 'import json, sys
r = json.load(open("report"))
sys.exit(not eval("(" + sys.argv[1] + ")"))' "$1"
	ok $? "$2"
}

mkdir model
head -c 3000000 /dev/urandom >model/b.safetensors
head -c 2000000 /dev/urandom >model/a.safetensors

# The command line.
try --help;		exits 0 "--help"; has stdout "template" "it lists the commands"
try --version;		exits 0 "--version"; has stdout "ABI 1" "it tells the ABI"
try run --help;		exits 0 "run --help"
try template --help;	exits 0 "template --help"
try stat --help;	exits 0 "stat --help"
try;			exits 1 "no command" "Usage"
try frobnicate;		exits 1 "unknown command" "frobnicate"
try run model;		exits 125 "no --" "no COMMAND"
try run model --;	exits 125 "nothing behind --" "no COMMAND"
try run -- true;	exits 125 "no model" "no MODEL"
try run --frob model -- true;		exits 125 "unknown option" "frob"
try run --burn --keep model -- true;	exits 125 "--burn --keep" "exclude"
try run --gap 1X model -- true;		exits 125 "bad --gap" "1X"
try run --budget 99999999T model -- true; exits 125 "huge --budget" "too large"
try run --node x model -- true;		exits 125 "bad --node" "NUMA"
try run --node 9999 model -- true;	exits 125 "no such node" "9999"
try run --service ../x model -- true;	exits 125 "bad --service" "service id"
try run --policy 0123456789abcdef model -- true; exits 125 "long --policy" "policy"
try run --json nowhere/x model -- true;	exits 125 "bad --json" "nowhere"
try run --store s nowhere -- true;	exits 125 "no such model" "nowhere"
try run --store s /etc -- true;		exits 125 "no weights in it" "safetensors"

# Exit status and signals.
export FAKE_PPC=absent
try run --store s model -- sh -c 'exit 7';	exits 7 "exit status passed on" "modprobe ppc_maio"
try run --store s model -- sh -c 'kill -9 $$';	exits 137 "killed by a signal"
try run --store s model -- ./nowhere;		exits 127 "command not found" "nowhere"
try run --store s model -- ./model/a.safetensors; exits 126 "not executable"
try run --store s --require model -- touch ran;	exits 125 "--require" "CONFIG_FS_PPC"
test ! -e ran; ok $? "--require does not run the command"
try run --store s --quiet model -- true;	exits 0 "--quiet"
test ! -s stderr; ok $? "--quiet says nothing"
try run --store s model -- \
	sh -c 'trap "exit 3" TERM; kill -TERM $PPID; while :; do sleep 0.01; done'
exits 3 "SIGTERM is forwarded"
try run --store s model -- sh -c 'trap "exit 4" INT; kill -INT $PPID; while :; do sleep 0.01; done'
exits 4 "SIGINT is forwarded"
try run --store s model -- sh -c 'kill -TERM $PPID; sleep 10'
exits 143 "a command that SIGTERM ends"
ulimit -Sn 256
b=$("$maioctl" run -q --store s model -- sh -c 'ulimit -n')
test "$b" = 256; ok $? "the limit of open files is the caller's ($b)"
FAKE_PPC=off try run --store s model -- true;	exits 0 "kill switch" "switched off"
FAKE_PPC=abi try run --store s model -- true;	exits 0 "another ABI" "version 2"
FAKE_PPC=attach=2 try run --store s model -- true; exits 0 "no policy" "modprobe"
FAKE_PPC=attach=2 try run --store s --require model -- true; exits 125 "no policy, --require"
FAKE_PPC=record=12 try run --store s model -- true; exits 0 "cannot record" "cannot record"
FAKE_PPC=absent try run --store s --json report model -- true
json 'r["state"] == "stock" and "CONFIG_FS_PPC" in r["reason"] and r["stats"] is None' \
	"JSON without a policy"
FAKE_PPC=absent try run --store s --require --json report model -- true
json 'r["state"] == "error" and r["exit_status"] == 125' "JSON of a refusal"
test ! -e s; ok $? "no store without a template"
export FAKE_PPC=

# Recording.
# The attachment is /dev/zero here.
try run --store fds model -- sh -c 'for f in /proc/$$/fd/*; do
	case $(readlink "$f") in *.safetensors|/dev/zero) exit 9;; esac; done'
exits 0 "no file of ours in the command"
has stderr "template saved" "and a template in the store"
rec="attach record record-stop status"
FAKE_PPC=resident=250001 try run --store s model -- true
asks "$rec detach stats" "warm cache"; has stderr "not saved.*cold cache" "is not saved"
FAKE_PPC=nothing try run --store s model -- true
has stderr "not saved.*nothing" "reading nothing is not saved"
FAKE_PPC=get=75 try run --store s model -- true
has stderr "not saved.*more accesses" "a recording that ran over is not saved"
FAKE_PPC=record-stop=116 try run --store s model -- true
asks "$rec detach stats" "a recording that cannot be ended is not fetched"
has stderr "not saved.*changed meanwhile" "nor saved"
FAKE_PPC=half try run --store s model -- false
has stderr "not saved.*failed" "half a load that failed is not saved"
FAKE_PPC=get=5 try run --store s model -- true
has stderr "not saved.*Input/output" "a template that cannot be fetched"
try run --store /proc/nowhere model -- sh -c 'exit 5'
exits 5 "a store that cannot be written" "not saved"
try run --store s model -- sh -c 'echo >>model/b.safetensors'
has stderr "not saved.*b.safetensors changed" "a model that changed is not saved"
test ! -e s; ok $? "nothing has been saved"
mkdir big
truncate -s 100M big/big.gguf
FAKE_PPC=pieces=20000 try run --store big/s big -- true
asks "$rec get ""get detach stats" "a large template is fetched in two steps"
FAKE_PPC=resident=100000 try run --store s --record --json report model -- true
asks "$rec get detach stats" "recorded"
json 'r["state"] == "record" and r["template"]["saved"] and
	0.97 < r["template"]["coverage"] < 0.99' \
	"JSON of a recording"
test "$(ls -A s | wc -l)" = 1; ok $? "one file in the store: $(ls -A s)"
service=$(basename s/* .maio)

# Replay.
rep="attach set mode replay status detach stats"
try run --store s --json report model -- sh -c 'exit 6'
asks "$rep" "replayed"; exits 6 "with the command's exit status"
json 'r["state"] == "replay" and r["template"]["used"] and r["exit_status"] == 6 and
	r["stats"]["prefetched_bytes"] == r["model_bytes"] and
	r["stats"]["node_bytes"][1] == r["model_bytes"] and
	len(r["stats"]) == 23 and r["seconds"] > 0' "JSON of a replay"
try run --store s --burn --json - model -- echo hello
has stdout hello "the command's output"; has stdout '"state": *"replay"' "JSON on standard output"
has log mode-burn "--burn arrives"
cp -r model moved
try run --store s --service "$service" moved -- true;	asks "$rep" "the same model elsewhere"
try run --store s --service "$service" model/a.safetensors model/b.safetensors -- true
asks "$rep" "the same files by name"
try run --store s --policy other --json report model -- true
asks "attach detach stats" "another policy"
json 'r["state"] == "attached"' "JSON of another policy"
FAKE_PPC=set=116 try run --store s model -- true
asks "attach set record record-stop status get detach stats" "refused by the kernel: recorded anew"
FAKE_PPC=mode=22 try run --store s model -- true
asks "$rep" "a mode it does not take is not the end"
FAKE_PPC=stats=5,status=5,detach=5 try run --store s model -- sh -c 'exit 8'
exits 8 "failures at the end are warnings" "Input/output"
printf X | dd of=model/a.safetensors conv=notrunc 2>/dev/null
try run --store s model -- true
has stderr "stale: the header of a.safetensors" "a changed header"
asks "$rec get detach stats" "is recorded anew"
try run --store s model -- true;	asks "$rep" "and replayed"
truncate -s 100 "s/$service.maio"
try run --store s model -- true
has stderr "unusable.*recording anew" "a damaged template"
asks "$rec get detach stats" "is recorded anew"

# Template show, stat.
try template show "s/$service.maio";		exits 0 "template show FILE"
has stdout "b.safetensors" "it lists the files"
try template show --store s --json "$service";	exits 0 "template show SERVICE"
cp stdout report
json 'r["coverage"] == 1 and r["groups"] == [[[0, 0, 2002944], [1, 0, 3002368]]] and
	[f["path"] for f in r["files"]] == ["a.safetensors", "b.safetensors"]' "its JSON"
try template show --store s nowhere;		exits 1 "no such template" "nowhere.maio"
try template show model/a.safetensors;		exits 1 "not a template" "not a template"
try template;					exits 1 "template alone" "Usage"
try stat; exits 0 "stat"
has stdout "ABI 1" "it tells the ABI"
try stat --json; exits 0 "stat --json"; cp stdout report
json 'r["features"]["max_attachments"] == 8 and r["attachments"] == []' "its JSON"
FAKE_PPC=absent try stat;			exits 1 "stat without a device" "CONFIG_FS_PPC"

echo "1..$tests"
[ "$failures" = 0 ]
