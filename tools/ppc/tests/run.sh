#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Run all tests; TAP on standard output. Usage: run.sh BUILD-DIR

out=${1%/}
here=$(dirname "$(readlink -f "$0")")
set -- test_size test_service test_model test_template test_store test_fit test_xpu \
	test_plot test_compare test_cold test_judge test_thin test_conf fuzz_header fuzz_store cli serve top
n=0 failures=0

echo "TAP version 13"
echo "1..$#"
for name; do
	n=$((n + 1))
	if [ -x "$here/$name.sh" ]; then
		# A shell in the background has SIGINT ignored, and its children cannot trap it.
		env --default-signal=INT timeout --foreground 600 "$here/$name.sh" "$out" \
			>"$out/tests/$name.log" 2>&1
	elif [ "${name#fuzz_}" != "$name" ]; then
		(cd "$out/tests" && "./$name" -runs=20000 "seeds/${name#fuzz_}") \
			>"$out/tests/$name.log" 2>&1
	else
		"$out/tests/$name" >"$out/tests/$name.log" 2>&1
	fi
	status=$?
	sed 's/^/# /' "$out/tests/$name.log"
	# A program that stops in the middle has fewer results than it planned.
	if [ "$status" = 0 ] && [ "${name#fuzz_}" = "$name" ] &&
	   ! awk '/^1\.\.[0-9]+$/ { plan = substr($0, 4) } /^ok [0-9]/ { n++ }
		  END { exit !(n > 0 && plan == n) }' "$out/tests/$name.log"; then
		status="0, not all planned tests passed"
	fi
	if [ "$status" = 0 ]; then
		echo "ok $n $name"
	else
		echo "not ok $n $name # exit status $status"
		failures=$((failures + 1))
	fi
done
echo "# $((n - failures)) of $n passed"
[ "$failures" = 0 ]
