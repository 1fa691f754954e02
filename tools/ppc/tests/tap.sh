# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Just enough of the Test Anything Protocol, for scripts. What a failed test has
# left in the files stdout and stderr is shown with it.

tests=0 failures=0

ok() {	# ok STATUS TEXT
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests - $2"
	else
		echo "not ok $tests - $2"
		[ ! -e stdout ] || sed 's/^/# stdout: /' stdout
		[ ! -e stderr ] || sed 's/^/# stderr: /' stderr
		failures=$((failures + 1))
	fi
}

has() {	# has FILE WORD TEXT
	grep -q -e "$2" "$1"
	ok $? "$3"
}

json() {	# json EXPRESSION TEXT: of the object r in the file report
	python3 -c 'import json, sys
r = json.load(open("report"))
sys.exit(not eval("(" + sys.argv[1] + ")"))' "$1"
	ok $? "$2"
}

tap_end() {
	echo "1..$tests"
	[ "$failures" = 0 ]
}
