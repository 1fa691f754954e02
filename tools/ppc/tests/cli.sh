#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# maioctl as people meet it, on a kernel that is made up (see fake_ppc.c).
# Usage: cli.sh BUILD-DIR
#
# Text in single quotes is for another shell; ulimit -S and -v are in every shell
# that is /bin/sh on Linux; names in the store are plain.
# shellcheck disable=SC2012,SC2016,SC3045

out=$1
maioctl=$out/tests/maioctl-fake
dir=$(mktemp -d /tmp/maioctl-test-XXXXXX) || exit 1
trap 'rm -rf "$dir"' EXIT
here=$(dirname "$(readlink -f "$0")")
cd "$dir" || exit 1
. "$here/tap.sh"

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

asks() {	# asks IOCTLS TEXT
	[ "$log" = "$1 " ]
	ok $? "$2: $log"
}

mkdir model
head -c 3000000 /dev/urandom >model/b.safetensors
head -c 2000000 /dev/urandom >model/a.safetensors

# The command line.
try --help;		exits 0 "--help"; has stdout "template" "it lists the commands"
try --version;		exits 0 "--version"; has stdout "ABI 1" "it tells the ABI"
try run --help;		exits 0 "run --help"
try template --help;	exits 0 "template --help"; cp stdout help
try stat --help;	exits 0 "stat --help"
try xpu --help;		exits 0 "xpu --help"
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
# Where the terminal is closed, the session's leader alone is told.
cat >hangup.py <<'EOF'
import os, pty, sys, time
pid, master = pty.fork()
if not pid:
    os.execv(sys.argv[1], sys.argv[1:])
while not os.path.exists("begun"):
    time.sleep(0.01)
os.close(master)
for _ in range(500):
    done, status = os.waitpid(pid, os.WNOHANG)
    if done:
        sys.exit(0 if os.path.exists("hung-up") else 1)
    time.sleep(0.01)
os.kill(pid, 9)
sys.exit(2)
EOF
timeout 20 python3 hangup.py "$maioctl" run -q --store s model -- \
	sh -c 'trap "touch hung-up; exit" HUP; touch begun; while :; do sleep 0.05; done'
ok $? "a terminal that goes away is the command's, too"
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

# No memory, no home.
mkdir big; truncate -s 2G big/m.gguf
short() { (ulimit -v 6000; FAKE_PPC=pieces=300000 exec "$maioctl" run "$@") 2>stderr; status=$?; }
FAKE_PPC=pieces=300000 try run --store s big -- true
short --store s big -- sh -c 'touch ran; exit 7'
if grep -q "out of memory" stderr; then
	exits 7 "without memory the command runs all the same"
	test -e ran; ok $? "it did"
	rm -rf ran
	short --require --store s big -- touch ran
	exits 125 "but not with --require" "out of memory"
	test ! -e ran; ok $? "it did not"
	short --no-cold --store gone big -- sh -c 'exit 7'
	exits 7 "nor is the exit status lost afterwards" "out of memory"
fi
rm -rf big
if [ "$(id -u)" = 0 ]; then
	chmod 711 "$dir"
	env -u HOME -u XDG_STATE_HOME setpriv --reuid 54321 --clear-groups "$maioctl" \
		run model -- sh -c 'exit 6' 2>stderr
	status=$?
	exits 6 "without a home the command runs" "no home directory.*nothing will be kept"
	has stderr "not saved: no directory" "and nothing is saved"
	chmod 700 "$dir"
fi
FAKE_PPC=detach=0 try run --store gone --json report model -- ./nowhere
json '"No such file" in r["command_error"] and r["signal"] is None' "JSON tells what became of the command"
rm -rf s gone report
mkdir odd; printf 'x' >"odd/$(printf 'a\033[2J\nmaioctl: fine').gguf"; ln -s nowhere "odd/$(printf 'z\033').gguf"
try run --store s odd -- true; exits 125 "names with control characters" "odd/z?.gguf"
rm -r odd

# Recording.
# The attachment is an eventfd here.
try run --store fds model -- sh -c 'for f in /proc/$$/fd/*; do
	case $(readlink "$f") in *.safetensors|*eventfd*) exit 9;; esac; done'
exits 0 "no file of ours in the command"
has stderr "template saved" "and a template in the store"
rec="attach record record-stop status"
FAKE_PPC=resident=250001 try run --store s model -- true
asks "$rec stats detach stats" "warm cache"; has stderr "not saved.*cold cache" "is not saved"
FAKE_PPC=nothing try run --store s model -- true
has stderr "not saved.*nothing" "reading nothing is not saved"
mkdir large; truncate -s 300M large/model.gguf
FAKE_PPC=half,read try run --store s large -- true
has stderr "not saved.*the recording shows" "nor one that saw less than was read"
FAKE_PPC=scan try run --store s large -- true
has stderr "not saved: a scan" "nor that of a scan"
FAKE_PPC="read" try run --store large/s large -- true
has stderr "template saved" "but one of a load that read the model several times"
rm -r large
FAKE_PPC=get=75 try run --store s model -- true
has stderr "not saved.*more accesses" "a recording that ran over is not saved"
FAKE_PPC=record-stop=116 try run --store s model -- true
asks "$rec stats detach stats" "a recording that cannot be ended is not fetched"
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
asks "$rec stats get ""get detach stats" "a large template is fetched in two steps"
FAKE_PPC=resident=100000 try run --store s --record --json report model -- true
asks "$rec stats get detach stats" "recorded"
json 'r["state"] == "record" and r["template"]["saved"] and
	0.97 < r["template"]["coverage"] < 0.99' \
	"JSON of a recording"
test "$(ls -A s | wc -l)" = 1; ok $? "one file in the store: $(ls -A s)"
service=$(basename s/* .maio)

# What the headers tell.
mkdir told
{
	head='{"t":{"dtype":"U8","shape":[1000000],"data_offsets":[0,1000000]}}'
	printf "\\$(printf %o ${#head})\\0\\0\\0\\0\\0\\0\\0%s" "$head"
	head -c 1000000 /dev/urandom
} >told/a.safetensors
try run --store t --json report told -- true
asks "attach record set mode status replay record-stop status stats get detach stats" "a first run is told by headers"
json 'r["state"] == "cold" and not r["template"]["used"] and r["template"]["saved"]' "JSON of it"
try run --store t --json report told -- true
json 'r["state"] == "replay"' "the recorded template takes over"
try run --store t --record --no-cold told -- true
asks "$rec stats get detach stats" "--no-cold"
FAKE_PPC=set=22 try run --store t --record told -- true
has stderr "nothing to replay.*malformed" "a kernel that refuses it"
try run --store u model -- true
has stderr "nothing to replay.*a.safetensors" "no header"
rm -rf t u

# Replay.
rep="attach record set mode status replay record-stop status stats get detach stats"
touch -d '2 hours ago' s/*.maio
try run --store s --json report model -- sh -c 'exit 6'
test -z "$(find s -name '*.maio' -mmin +60)"; ok $? "it has been used"
asks "$rep" "replayed"; exits 6 "with the command's exit status"
json 'r["state"] == "replay" and r["template"]["used"] and r["exit_status"] == 6 and
	r["stats"]["prefetched_bytes"] == r["model_bytes"] and
	r["stats"]["node_bytes"][1] == r["model_bytes"] and
	len(r["stats"]) == 23 and r["seconds"] > 0' "JSON of a replay"
try run --store s --burn --json - model -- echo hello
has stdout hello "the command's output"; has stdout '"state": *"replay"' "JSON on standard output"
has log mode-burn "--burn arrives"
try run --store s --keep model -- true;	has log mode-keep "--keep arrives"
try run --store s --ceiling 1G model -- true;	asks "$rep" "--ceiling"
try run --store s --keep --ceiling 1G model -- true;	exits 125 "--ceiling and --keep" "ceiling"
cp -r model moved
try run --store s --service "$service" moved -- true;	asks "$rep" "the same model elsewhere"
try run --store s --service "$service" model/a.safetensors model/b.safetensors -- true
asks "$rep" "the same files by name"
try run --store s --policy other --json report model -- true
asks "attach detach stats" "another policy"
json 'r["state"] == "attached"' "JSON of another policy"
FAKE_PPC=set=116 try run --store s model -- true
asks "attach record set record-stop status stats get detach stats" "refused by the kernel: recorded anew"
FAKE_PPC=workers=2,half try run --store s model -- true
asks "$rep" "other workers, but half a load: kept"
FAKE_PPC=workers=2 try run --store s --json report model -- true
asks "attach record set mode status replay record-stop status stats get ""get detach stats" "other workers: recorded anew"
json 'r["state"] == "replay" and r["template"]["saved"] and
	"2 workers" in r["template"]["recorded_anew_because"]' "JSON of it"
FAKE_PPC=resident=250001 try run --store s model -- true
has stderr "not saved.*cold cache" "other workers on a warm cache: kept, and said"
try run --store s --json report model -- true
json '"its template 2" in r["template"]["recorded_anew_because"]' "as many as at first"
FAKE_PPC=nothing try run --store s model -- true
asks "$rep" "a replay of which nothing was read: kept"
has stderr "^maioctl: replay, " "and nothing to say"
FAKE_PPC=first try run --store part --no-cold model -- true
FAKE_PPC=first try run --store part --json report model -- true
json 'r["state"] == "replay" and not r["template"]["saved"]' "a part, and the same part again: kept"
try run --store part --json report model -- true
json 'r["state"] == "replay" and r["template"]["saved"] and
	"lacks 2.9 MiB" in r["template"]["recorded_anew_because"]' "a load that reads more replaces it"
FAKE_PPC=first try run --store part --json report model -- true
json 'r["state"] == "replay" and not r["template"]["saved"]' "one that reads less does not"
rm -rf part
cp -r model copies; mkdir copies/s
echo '{"weight_map": {"a": "a.safetensors"}}' >copies/model.safetensors.index.json
try run --store copies/s --no-cold --json report copies -- true
json 'r["files"] == 2 and r["model_bytes"] == 2000000 and r["template"]["saved"]' "a second copy is recorded"
try run --store copies/s --json report copies -- true
json 'r["state"] == "replay"' "and replayed"
rm -rf copies
cp -r model some; printf '12345' >some/c.gguf
FAKE_PPC=refused=5 try run --store some/s --no-cold --json report some -- true
asks "attach ""attach ""attach ""attach ""attach record record-stop status stats get detach stats" \
	"a file that cannot be attached is found"
has stderr "1 of 3 files left alone: c.gguf: .*DAX, tmpfs" "it is left alone"
json 'r["state"] == "record" and r["files"] == 2 and "c.gguf" in r["left_alone"]' "JSON of it"
FAKE_PPC=refused=5 try run --store some/s --require some/c.gguf -- true
exits 125 "if it is the only one, nothing is attached" "DAX, tmpfs"
rm -rf some
FAKE_PPC=mode=22 try run --store s model -- true
asks "$rep" "a mode it does not take is not the end"
FAKE_PPC=mode-burn=22 try run --store s --burn --gap 1G model -- true
asks "attach record set mode-burn mode-burn status replay record-stop status stats get detach stats" \
	"without a gap that it does not take, it is asked once more"
FAKE_PPC=stats=5,status=5,detach=5 try run --store s model -- sh -c 'exit 8'
exits 8 "failures at the end are warnings" "Input/output"
printf 'a changed header' | dd of=model/a.safetensors conv=notrunc 2>/dev/null
try run --store s model -- true
has stderr "stale: the header of a.safetensors" "a changed header"
asks "$rec stats get detach stats" "is recorded anew"
try run --store s model -- true;	asks "$rep" "and replayed"
truncate -s 100 "s/$service.maio"
try run --store s model -- true
has stderr "unusable.*recording anew" "a damaged template"
asks "$rec stats get detach stats" "is recorded anew"

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
try template frobnicate;			exits 1 "an unknown command" "frobnicate"
for command in list show diff prune; do
	has help "$command" "template --help knows $command"
	try template $command --help;		exits 0 "template $command --help"
	has stdout "template $command .*--store\|--store DIR" "it tells the store"
done

# Times are shown as they are here.
export TZ=UTC
template() {	# template STORE SERVICE CREATED FILE... -- GROUP...
	"$out/tests/make_template" "$@" || exit 1
}
removed() {	# removed NAMES TEXT: only these are left in the store
	left=$(LC_ALL=C ls -A t | tr '\n' ' ')
	[ "$left" = "$1" ]
	ok $? "$2: $left"
}

# Template show --plot.
template t two 1700000000 'a<&"b".gguf=40960' c.gguf=8192000 -- 1:0:2000,0:0:10 0:0:4,0:4:6
try template show --plot two.svg --store t two;	exits 0 "--plot"
has stdout "groups    2" "it shows the template too"
python3 -c 'import sys, xml.dom.minidom as dom
svg = dom.parse("two.svg").documentElement
text = [n.firstChild.data for n in svg.getElementsByTagName("text")]
paths = [n for n in svg.getElementsByTagName("g")[0].getElementsByTagName("path")]
sys.exit(not (svg.tagName == "svg" and "two" in text and
	"c.gguf" in text and "group 0: 7.9 MiB" in text and
	len(paths) == 2 and len({p.getAttribute("stroke") for p in paths}) == 2 and
	paths[0].getAttribute("d").count("M") == 2))' 2>stderr
ok $? "it is XML, with a path a group and a line an extent"
try template show --plot - t/two.maio;		exits 0 "--plot -"
cmp -s stdout two.svg; ok $? "writes the same, and nothing else"
try template show --plot nowhere/x t/two.maio;	exits 1 "--plot where it cannot" "nowhere/x: cannot write: No such"
try template show --plot /dev/full t/two.maio;	exits 1 "--plot on a full disk" "No space"
try template show --json --plot - t/two.maio;	exits 1 "--json and --plot -" "exclude"
try template show --json --plot x.svg t/two.maio; exits 0 "--json and --plot FILE"
cp stdout report; json 'len(r["groups"]) == 2' "are both written"

# Template list.
try template list --store nowhere;		exits 0 "a store that is not there"
has stdout "no templates in nowhere" "it says so"
mkdir empty
try template list --store empty;		exits 0 "an empty store"
has stdout "no templates in empty" "it says so"
try template list --store empty --json; cp stdout report; json 'r == []' "as JSON too"
try template list --store t x;			exits 1 "list with an argument" "Usage"
try template list --store two.svg;		exits 1 "a store that is none" "Not a directory"
template t one 1600000000 c.gguf=8192000 -- 0:0:2000
touch t/README
mkdir t/lost+found
try template list --store t;			exits 0 "list"
test "$(sed -n 's/ .*//p' stdout | tr '\n' ' ')" = "service one two "; ok $? "by name, and nothing else"
grep -q '^one *2020-09-13 12:26:40 +0000 *20[-0-9]* [0-9:]* +0000 *7.8 MiB *7.8 MiB *1 *1 *1 .*sound$' stdout
ok $? "with what is in it"
cp t/one.maio t/bad.maio
truncate -s -1 t/bad.maio
cp t/one.maio "t/not a name.maio"
echo hello >t/foreign.maio
ln -s nowhere t/link.maio
mkfifo t/pipe.maio
try template list --store t;			exits 1 "list with damaged ones"
has stdout "^bad .*checksum" "with the reason"
has stdout "^foreign .*cut off" "also of what is no template"
has stdout "^link .*nothing" "also of a link to nothing"
has stdout "^not a name .*service id" "also of a name that run cannot find"
has stdout "^pipe .*regular" "also of what is no file"
has stdout "^two .*sound" "and the others all the same"
try template list --store t --json;		exits 1 "list --json with damaged ones"
cp stdout report
json '[e["service"] for e in r] == ["bad", "foreign", "link", "not a name", "one", "pipe", "two"] and
	[e["sound"] for e in r] == [False, False, False, False, True, False, True] and
	"checksum" in r[0]["reason"] and r[0]["file_bytes"] > 0 and
	r[4]["created"] == 1600000000 and r[4]["model_bytes"] == 8192000 and
	r[4]["covered_bytes"] == 8192000 and r[4]["coverage"] == 1 and
	r[6]["files"] == 2 and r[6]["groups"] == 2 and r[6]["extents"] == 4 and
	r[6]["kernel_template_bytes"] == 32 + 2 * 8 + 2 * 8 + 4 * 12' "its JSON"

# Template diff.
template d a 1700000000 x=4096000=1 y=4096000=2 -- 0:0:100,1:0:1000 0:100:100
template d b 1700000001 x=4096000=1 y=4096000=2 -- 0:100:100 0:0:50,0:50:50,1:0:1000
template d c 1700000000 x=4096000=1 y=8192000=3 z=4096=4 -- 1:0:1000,0:0:150
try template diff --store d a b;		exits 0 "diff of the same"
has stdout "^the same" "it says so"
has stdout "^ *0 *1 *4.3 MiB *0 B *0 B *100.0 %" "groups are told by what they read"
try template diff --store d --json a d/c.maio;	exits 1 "diff of others"
cp stdout report
json 'not r["same"] and r["a"]["created"] == 1700000000 and r["b"]["path"] == "d/c.maio" and
	[(f["path"], f["same"]) for f in r["files"]] == [("x", True), ("y", False), ("z", False)] and
	r["files"][1]["b"] == {"size": 8192000, "header_hash": "0000000000000003"} and
	r["files"][2]["a"] is None and r["files_in_same_order"] and
	[(g["a"], g["b"], g["same"]) for g in r["groups"]] == [(0, 0, False), (1, None, False)] and
	r["groups"][0]["both_bytes"] == 1100 * 4096 and r["groups"][0]["only_a_bytes"] == 0 and
	r["groups"][0]["only_b_bytes"] == 50 * 4096 and r["groups"][0]["ordered_bytes"] == 1000 * 4096 and
	0.909 < r["groups"][0]["same_order"] < 0.91 and r["groups"][1]["same_order"] is None and
	r["groups"][1]["only_a_bytes"] == 100 * 4096' "its JSON"
try template diff --store d a c;		exits 1 "diff as text"
has stdout "only in B  z, 4096 bytes" "a file that is new"
has stdout "size  *y: 4096000 bytes in A, 8192000 in B" "a file of another size"
has stdout "header  *y: 0000000000000002 in A, 0000000000000003 in B" "and of another header"
has stdout "^ *0 *0 .* 90.9 %" "the order is measured"
has stdout "^ *1 *- " "a group that is gone"
has stdout "^they differ" "and that they differ"
template d most 1700000000 x=40960000 -- 0:0:9999,0:9999:1
template d moved 1700000000 x=40960000 -- 0:9999:1,0:0:9999
test -d moved; ok $? "there is a directory with the name of a service"
try template diff --store d most moved;		exits 1 "diff of nearly the same"
has stdout " 99.9 %" "100 % is all of it"
try template diff --store d a;			exits 2 "diff of one" "Usage"
try template diff --frob a b;			exits 2 "diff with an unknown option" "frob"
try template diff --store d a nowhere;		exits 2 "diff with none" "nowhere.maio"
try template diff --store d nowhere a;		exits 2 "on either side" "nowhere.maio"
try template diff t/bad.maio d/a.maio;		exits 2 "diff with a damaged one" "checksum"
"$maioctl" template diff --store d a b >/dev/full 2>stderr; status=$?
exits 2 "diff on a full disk" "No space"
"$maioctl" template list --store d >/dev/full 2>stderr; status=$?
exits 1 "list on a full disk" "No space"

# Template prune.
now=$(date +%s)
all="README bad.maio foreign.maio link.maio lost+found not a name.maio one.maio pipe.maio two.maio "
try template prune --store t;			exits 1 "prune of what" "give --older-than"
removed "$all" "removes nothing"
for bad in -1 x "" 1x 1000001; do
	try template prune --store t --older-than "$bad"; exits 1 "prune --older-than '$bad'" "not a number"
	try template prune --store t --unused-for "$bad"; exits 1 "prune --unused-for '$bad'" "not a number"
	try template prune --store t --keep "$bad";	exits 1 "prune --keep '$bad'" "not a number"
done
try template prune --store nowhere --keep 0;	exits 0 "prune of a store that is not there"
try template prune --store nowhere one;		exits 1 "of a template there" "no such template"
try template prune --store two.svg one;		exits 1 "of a store that is none" "Not a directory"
try template prune --store t --dry-run --damaged --keep 0 one; exits 0 "prune --dry-run"
has stdout "would remove one.maio .*: named" "it tells what and why"
has stdout "7 would be removed" "and how many"
removed "$all" "and removes nothing"
try template prune --store t ../d/a /etc/passwd ..; exits 1 "prune of what is not in the store" "d/a: no such template"
test -e d/a.maio; ok $? "leaves it alone"
mkdir t/dir.maio
touch t/dir.maio/x
try template prune --store t dir nowhere two;	exits 1 "prune of some that cannot" "dir.maio: a directory"
has stderr "nowhere: no such template" "tells of each"
has stdout "removed two.maio (.* B): named" "and goes on with the others"
rm -r t/dir.maio
template t old 1600000001 c.gguf=8192000 -- 0:0:2000
template t new $((now - 86300)) c.gguf=8192000 -- 0:0:2000
template t mid $((now - 86500)) c.gguf=8192000 -- 0:0:2000
template t future $((now + 9999)) c.gguf=8192000 -- 0:0:2000
touch t/.tmp-abcdef t/.tmp-ABC123 t/.tmp-abcdefg t/.hidden t/.tmp-abcdef.maio
touch -d '2 hours ago' t/.tmp-abcdef t/.tmp-abcdefg t/.hidden t/README t/.tmp-abcdef.maio
mkdir t/.tmp-folder
touch -d '2 hours ago' t/.tmp-folder
echo precious >target
ln -s ../target t/target.maio
ln -s ../d/a.maio t/linked.maio
try template prune --store t --json --older-than 1 linked; exits 0 "prune --older-than"
cp stdout report
json '[e["name"] for e in r["removed"]] == ["linked.maio", "mid.maio", "old.maio", "one.maio"] and
	r["removed_bytes"] == sum(e["bytes"] for e in r["removed"]) and not r["dry_run"] and
	"days ago" in r["removed"][1]["reason"] and r["failed"] == []' "its JSON"
test -e d/a.maio; ok $? "a link is removed, and not what it leads to"
try template prune --store t --damaged;		exits 0 "prune --damaged"
has stdout "removed foreign.maio .*: cut off" "it tells why"
removed ".hidden .tmp-ABC123 .tmp-abcdef.maio .tmp-abcdefg .tmp-folder README future.maio lost+found new.maio " \
	"what is old or damaged goes, and nothing else"
test "$(cat target)" = precious; ok $? "what a link led to stays"
template t mid $((now - 86500)) c.gguf=8192000 -- 0:0:2000
template t more $((now - 86500)) c.gguf=8192000 -- 0:0:2000
template t idle "$now" c.gguf=8192000 -- 0:0:2000
touch -d '25 hours ago' t/idle.maio t/more.maio
touch -d '23 hours ago' t/mid.maio
"$maioctl" template list --store t --json >report
json 'next(e for e in r if e["service"] == "mid")["used"] == int('"$(stat -c %Y t/mid.maio)"')' "when it was used"
try template prune --store t --dry-run --json --unused-for 1; exits 0 "prune --unused-for"
cp stdout report
json '[e["name"] for e in r["removed"]] == ["idle.maio", "more.maio"] and "last used 1 days ago" in r["removed"][0]["reason"]' \
	"what nobody has used goes"
rm t/idle.maio
echo x >t/junk.maio
try template prune --store t --keep 3;		exits 0 "prune --keep"
removed ".hidden .tmp-ABC123 .tmp-abcdef.maio .tmp-abcdefg .tmp-folder README future.maio junk.maio lost+found mid.maio new.maio " \
	"what was used last stays"
try template prune --store t --keep 2 future mid; exits 0 "prune --keep and names"
removed ".hidden .tmp-ABC123 .tmp-abcdef.maio .tmp-abcdefg .tmp-folder README junk.maio lost+found new.maio " \
	"what is named goes, and counts"
# It has seen the store once it complains, and more complaints than a pipe holds stop it.
mkfifo complaints
"$maioctl" template prune --store t $(seq -f no-such-template-%.0f 3000) new >stdout 2>complaints &
exec 9<complaints
read -r first <&9
template t new "$now" c.gguf=8192000 -- 0:0:2000
cat <&9 >stderr
exec 9<&-
wait $!; status=$?
exits 1 "prune of one that is replaced meanwhile" "new.maio: replaced meanwhile"
test -e t/new.maio; ok $? "leaves the new one alone ($first)"
chmod 711 "$dir"
nobody="setpriv --reuid 65534 --clear-groups"
if [ "$(id -u)" = 0 ] && $nobody "$maioctl" --version >stdout 2>stderr; then
	chmod 755 t
	template t secret 1600000000 c.gguf=8192000 -- 0:0:2000
	chmod 600 t/secret.maio
	$nobody "$maioctl" template prune --store t --json \
		--older-than 1 --damaged --keep 0 new >stdout 2>stderr
	status=$?
	exits 1 "prune without permission" "new.maio: cannot remove: Permission denied"
	has stderr "secret.maio: Permission denied" "what cannot be read"
	cp stdout report
	json '[e["name"] for e in r["failed"]] == ["secret.maio", "junk.maio", "new.maio"] and
		r["removed"] == []' "each failure is told"
	test -e t/secret.maio; ok $? "is not taken for damaged"
	$nobody "$maioctl" template list --store t >stdout 2>stderr
	status=$?
	exits 1 "list without permission"; has stdout "^secret .*Permission denied" "what cannot be read"
	chmod 700 t
	$nobody "$maioctl" template list --store t >stdout 2>stderr
	status=$?
	exits 1 "a store that cannot be read" "t: Permission denied"
fi
try stat; exits 0 "stat"
has stdout "ABI 1" "it tells the ABI"
try stat --json; exits 0 "stat --json"; cp stdout report
json 'r["features"]["max_attachments"] == 8 and r["attachments"] == []' "its JSON"
FAKE_PPC=absent try stat;			exits 1 "stat without a device" "CONFIG_FS_PPC"

# XPUs: two of them, and processes.
FAKE_ROOT=$dir/machine
export FAKE_ROOT
xpu() {	# xpu ADDRESS DRIVER NODE
	d=$FAKE_ROOT/sys/bus/pci/devices/$1
	mkdir -p "$d"
	echo 0x10de >"$d/vendor"; echo 0x2330 >"$d/device"; echo 0x030200 >"$d/class"
	echo "$3" >"$d/numa_node"
	ln -s "../../drivers/$2" "$d/driver"
}
process() {	# process PID VARIABLE
	mkdir -p "$FAKE_ROOT/proc/$1"
	printf '%s\0' "$2" >"$FAKE_ROOT/proc/$1/environ"
}
try xpu; exits 0 "xpu without any"
has stdout "no XPU" "it says so"
xpu 0000:17:00.0 nvidia -1
xpu 0000:ca:00.0 nvidia 1
process 41 CUDA_VISIBLE_DEVICES=1
process 42 CUDA_VISIBLE_DEVICES=2
process 43 CUDA_VISIBLE_DEVICES=
process 44 CUDA_VISIBLE_DEVICES=1,0
try xpu 41; exits 0 "xpu PID"
has stdout "^0000:17:00.0.*10de:2330 nvidia *unknown" "it lists the XPUs"
has stdout "^process 41: 0000:ca:00.0, node 1: CUDA_VISIBLE_DEVICES=1" "and the process's"
try xpu 43; exits 0 "xpu of a process without"
has stdout "^process 43: not known: CUDA_VISIBLE_DEVICES=: " "it says why"
try xpu 44; has stdout "^process 44: perhaps 0000:ca:00.0" "the first of several"
try xpu --json; exits 0 "xpu --json"; cp stdout report
json 'r["xpus"] == [
	{"address": "0000:17:00.0", "vendor": "NVIDIA", "vendor_id": 0x10de,
	 "device_id": 0x2330, "driver": "nvidia", "node": None},
	{"address": "0000:ca:00.0", "vendor": "NVIDIA", "vendor_id": 0x10de,
	 "device_id": 0x2330, "driver": "nvidia", "node": 1}] and
	r["process"] is None' "its JSON"
try xpu --json 44; exits 0 "xpu --json PID"; cp stdout report
json 'r["process"] == {"pid": 44, "reason": "CUDA_VISIBLE_DEVICES=1,0",
	"address": "0000:ca:00.0", "node": 1, "variable": "CUDA_VISIBLE_DEVICES",
	"visible": 2, "sure": False}' "its JSON"
try xpu --json 43; cp stdout report
json 'r["process"]["address"] is None and "sees no" in r["process"]["reason"]' "JSON of none"
try xpu 42; exits 1 "an XPU that is not there" "process 42: .*no device 2"
try xpu 45; exits 1 "no such process" "process 45: No such file"
try xpu x; exits 1 "not a PID" "'x' is not a process id"
FAKE_PPC=worker=41 try run --store s --json report model -- sleep 0.3
asks "attach record set mode status replay status node-1 record-stop status stats get detach stats" \
	"a worker is placed by its environment"
json 'r["worker_nodes"] == [1]' "JSON of it"
FAKE_PPC=worker=44 try run --store s model -- sleep 0.3
asks "attach record set mode status replay status record-stop status stats get detach stats" \
	"not when it may be one of two"
FAKE_PPC=worker=41 try run --store s --node 0 model -- sleep 0.1
asks "$rep" "nor when --node was given"
FAKE_PPC=memoryless try run --store s --burn --node 0 model -- true
asks "attach record set mode-burn mode-burn status replay record-stop status stats get detach stats" \
	"on a node without memory, the mode is what it was"
try run --store s --xpu ca:00.0 --json report model -- true; exits 0 "--xpu"
asks "$rep" "it is only the mode's"
try run --xpu ca:00.0 --node 0 model -- true; exits 125 "--xpu and --node" "only one"
try run --xpu 17:00.0 model -- true; exits 125 "--xpu without a node" "give --node"
try run --xpu zz model -- true; exits 125 "--xpu zz" "zz"
try xpu 0; exits 1 "PID 0" "process id"
try xpu 4294967297; exits 1 "a PID too large" "process id"
try xpu 41 42; exits 1 "two PIDs" "Usage"
unset FAKE_ROOT

tap_end
