#!/usr/bin/env bash
# Did a guest die of a breakpoint that is not there, with no complaint before it? Prints the
# line. usage: lost-breakpoint.sh CONSOLE
set -euo pipefail

at=$(grep -anm 1 'Oops: int3' "$1") || exit 1
at=${at%%:*}
# The byte before the marked one is what the CPU says it has run into.
code=$(sed -n "$at,\$ {/Code: / {s/\r//; p; q}}" "$1")
[[ $code =~ \ ([0-9a-f]{2})\ \<[0-9a-f]{2}\> ]] && [ "${BASH_REMATCH[1]}" != cc ] || exit 1
before=$(mktemp)
trap 'rm -f "$before"' EXIT
head -n $((at - 1)) "$1" >"$before"
"$(dirname "$0")/splats.sh" "$before" >/dev/null || exit 1
echo "$code"
