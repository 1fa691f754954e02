#!/usr/bin/env bash
# make mutate: changes the pure logic in one place at a time, and looks whether its tests notice. At least
# 92 % of all must be killed; dev/mutants.txt lists the others, and why they do no harm.
#   JOBS=1        so many at once
#   ONLY=TEXT     those with TEXT in "FILE: FUNCTION: LINE | CHANGE"
#   SURVIVORS=1   those that survived last time
. "$(dirname "$0")/lib.sh"

"$TOP/dev/setup.sh"
src=$("$TOP/dev/source.sh")
out=$PPC_CACHE/build/mutate
mkdir -p "$out"
step "mutants of the pure logic"
trap - ERR
nice "$PYTHON" "$TOP/dev/mutate.py" "$TOP/tools/testing/ppc" "$src" "$out" "${JOBS:-1}" "$TOP/dev/mutants.txt"
