#!/usr/bin/env bash
# Prints what in a guest's console log is a complaint of the kernel, with some lines after
# each; fails if there is any. usage: splats.sh FILE
set -euo pipefail

marks='WARNING:|BUG:|kernel BUG at|Oops:|Oops -|general protection fault|KASAN:|UBSAN:'
marks+='|possible (circular|recursive|irq lock|unsafe|deadlock)|possible .* detected'
marks+='|INFO: task .* blocked for more than|INFO: (possible|suspicious|trying to register)'
marks+='|rcu: INFO:|rcu_.*detected stalls|self-detected stall|suspicious RCU usage'
marks+='|kmemleak: [0-9]+ new suspected|kmemleak: .*(disabled|Cannot)'
marks+='|sleeping function called|scheduling while atomic|bad unlock balance|held lock freed'
marks+='|refcount_t:|list_(add|del) corruption|Kernel panic|stack-protector|Object .*(overwritten|already free)'
marks+='|ODEBUG:|Bad page (state|map)|BUG [a-z0-9_-]+ \(|Slab .* (error|corruption)|soft lockup|hard LOCKUP'
# Lines that look like one and are not: kselftests and KUnit print such words as test names.
benign='(\[[^]]*\])? *(# |ok |not ok |KTAP)'

found=$(tr -d '\r' <"$1" | grep -anE "$marks" | grep -avE "^[0-9]+:$benign" |
	cut -d: -f1 | awk 'NR == 1 || $1 > last + 40 {print; last = $1}' | head -n 5 || true)
[ -n "$found" ] || exit 0
for line in $found; do
	tr -d '\r' <"$1" | tail -n "+$line" | head -n 40
	echo '  ...'
done
exit 1
