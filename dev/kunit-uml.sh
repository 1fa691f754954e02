#!/usr/bin/env bash
# KUnit as kernel developers run it: kunit.py under UML, with the .kunitconfig of fs/ppc and that of
# samples/ppc_maio.
# usage: kunit-uml.sh [DIR]   with DIR, outputs go there, and what is printed is for dev/tap.py
. "$(dirname "$0")/lib.sh"

[ $# != 0 ] || judge_self "$TOP/out/kunit-uml"

out=$1
"$TOP/dev/setup.sh"
with_lock "$PPC_CACHE/build.lock" "one kernel build at a time on this machine"
tree=$(PPC_BUILD_LOCKED=1 "$TOP/dev/tree.sh")
use_ccache
printf 'plan %s\n' kunit-fs-ppc kunit-samples-ppc_maio
cd "$tree"

# run DIR: what "kunit.py run --kunitconfig DIR" does, step by step, so that the build shows how far it is.
# One build folder serves all, as little differs.
run() {
	local name=kunit-${1//\//-} log=$PPC_CACHE/log/kunit-uml.log rc=0 start=$SECONDS
	local kunit=("$PYTHON" tools/testing/kunit/kunit.py) dir=(--build_dir "$PPC_CACHE/build/uml")
	step "KUnit under UML, as in kunit.py run --kunitconfig $1" "$log"
	{
		"${kunit[@]}" config --kunitconfig "$1" "${dir[@]}" --make_options "CC=$CC" >"$log.config" 2>&1 &&
			PROGRESS_RE='^  (CC|AS|LD|AR|HOSTCC)' PROGRESS_WORD=objects logged "$log" \
				make ARCH=um O="$PPC_CACHE/build/uml" CC="$CC" -j"$(nproc)"
	} || rc=1
	if [ $rc = 0 ]; then
		"${kunit[@]}" exec "${dir[@]}" --timeout 300 --raw_output=kunit >"$out/$name.tap" 2>"$out/$name.err" || rc=1
		# With raw output, kunit.py does not look at the results.
		! grep -q '^not ok ' "$out/$name.tap" || rc=1
	else
		tail -n 20 "$log.config" "$log" >"$out/$name.tap" || true
	fi
	printf 'ran %s %d %d\n' "$name" $rc $((SECONDS - start))
}
run fs/ppc
run samples/ppc_maio
