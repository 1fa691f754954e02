#!/usr/bin/env bash
# Prints what in a guest's console log is a complaint of the kernel, with some lines after
# each; fails if there is any. usage: splats.sh FILE
# Of data races that KCSAN reports, only those with our code in the report count; what others there
# are is listed on stderr.
set -euo pipefail

ours='[ /](__)?(ppc|maio)_[a-z0-9_]+([+]0x| [/]|$)|[[]ppc_[a-z]+[]]'

# The log without the data races of others, whose lines are left empty: numbers of lines stay.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
tr -d '\r' <"$1" | awk -v ours="$ours" '
	function flush(hide,   i) {
		for (i = 0; i < n; i++) print hide ? "" : block[i]
		n = 0
	}
	/BUG: KCSAN: / { flush(0); title = $0; sub(/.*BUG: KCSAN: /, "", title); is_ours = 0; inside = 1 }
	!inside { print; next }
	{ block[n++] = $0 }
	$0 ~ ours { is_ours = 1 }
	/====================$/ {
		if (!is_ours) others[title]++
		flush(!is_ours)
		inside = 0
	}
	END {
		flush(0)
		for (title in others) {
			if (!told++) print "data races of others (KCSAN):" >"/dev/stderr"
			printf "  %d x %s\n", others[title], title >"/dev/stderr"
		}
	}' >"$log"

marks='WARNING:|BUG:|kernel BUG at|Oops:|Oops -|general protection fault|KASAN:|UBSAN:'
marks+='|possible (circular|recursive|irq lock|unsafe|deadlock)|possible .* detected'
marks+='|INFO: task .* blocked for more than|INFO: (possible|suspicious|trying to register)'
marks+='|rcu: INFO:|rcu_.*detected stalls|self-detected stall|suspicious RCU usage'
marks+='|kmemleak: [0-9]+ new suspected|kmemleak: Cannot (insert|allocate a kmemleak_object)'
marks+='|sleeping function called|scheduling while atomic|bad unlock balance|held lock freed'
marks+='|refcount_t:|list_(add|del) corruption|Kernel panic|stack-protector|Object .*(overwritten|already free)'
marks+='|ODEBUG:|Bad page (state|map)|BUG [a-z0-9_-]+ \(|Slab .* (error|corruption)|soft lockup|hard LOCKUP'
# Lines that look like one and are not: kselftests and KUnit print such words as test names.
benign='(\[[^]]*\])? *(# |ok |not ok |KTAP)'

found=$(grep -anE "$marks" "$log" | grep -avE "^[0-9]+:$benign" |
	cut -d: -f1 | awk 'NR == 1 || $1 > last + 40 {print; last = $1}' | head -n 5 || true)
[ -n "$found" ] || exit 0
for line in $found; do
	tail -n "+$line" "$log" | head -n 40
	echo '  ...'
done
exit 1
