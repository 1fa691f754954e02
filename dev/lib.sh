# shellcheck shell=bash
# Sourced by every script here: where things are, how steps and failures are told.
set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
: "${PPC_CACHE:=${XDG_CACHE_HOME:-$HOME/.cache}/ppc}"
: "${BASE:=7.3}"
: "${CONFIG:=release}"
: "${STOCK:=}"
: "${KSRC:=}"
[ "$STOCK" != 0 ] || STOCK=
export TOP PPC_CACHE BASE CONFIG STOCK KSRC
mkdir -p "$PPC_CACHE/log"

# Debian's own interpreter: a python3 found first in PATH may lack the modules we use.
# shellcheck disable=SC2034
PYTHON=/usr/bin/python3

STEP=start LOG='' HINT=''

# step NAME [LOG [HINT]]: what is being done now; a failure names it, the log and the hint.
step() {
	STEP=$1 LOG=${2:-} HINT=${3:-}
	printf '== %s\n' "$1" >&2
}

say() { printf '   %s\n' "$*" >&2; }

die() {
	printf 'FAILED: %s\n' "$STEP" >&2
	[ $# -eq 0 ] || printf '  %s\n' "$@" >&2
	if [ -n "$LOG" ] && [ -s "$LOG" ]; then
		printf '  log: %s, which ends with:\n' "$LOG" >&2
		tail -n 15 "$LOG" | sed 's/^/    /' >&2
	fi
	[ -z "$HINT" ] || printf '  what to do: %s\n' "$HINT" >&2
	exit 1
}

# A command that fails without its own message still says which step it was in.
trap 'rc=$?; trap - ERR; [ "$BASHPID" != "$$" ] || die "command failed ($rc): $BASH_COMMAND"; exit $rc' ERR
set -E

elapsed() { printf '%dm%02ds' $((($1) / 60)) $((($1) % 60)); }

# logged LOG CMD...: run a long command quietly, with a line now and then that says how far
# it is. PROGRESS_RE picks the lines of the log that count as pieces of work.
logged() {
	local log=$1 pid t0=$SECONDS last=$SECONDS n rc=0 every=20
	shift
	[ ! -t 2 ] || every=2
	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	# shellcheck disable=SC2064
	trap "kill $pid 2>/dev/null || true; exit 130" INT TERM
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.5
		[ $((SECONDS - last)) -ge $every ] || continue
		last=$SECONDS
		n=$(grep -cE "${PROGRESS_RE:-.}" "$log" || true)
		if [ -t 2 ]; then
			printf '\r   %s, %s %s ' "$(elapsed $((SECONDS - t0)))" "$n" "${PROGRESS_WORD:-lines}" >&2
		else
			say "$(elapsed $((SECONDS - t0))), $n ${PROGRESS_WORD:-lines}"
		fi
	done
	[ ! -t 2 ] || printf '\r\033[K' >&2
	wait "$pid" || rc=$?
	trap - INT TERM
	return $rc
}

# with_lock FILE WHAT: hold FILE until this shell ends; tell who waits and for what.
with_lock() {
	local fd
	mkdir -p "$(dirname "$1")"
	exec {fd}>>"$1"
	if ! flock -n "$fd"; then
		say "waiting: another process holds $1 ($2)"
		flock "$fd"
	fi
	LOCK_FD=$fd
}

# unlock: let go of what with_lock took last.
unlock() { exec {LOCK_FD}>&-; }

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "needs root for: $*" "run it as root, or install sudo"
	fi
}

# The folder names of one kernel: a tree of the user's own is kept apart from Debian's.
base_id() {
	if [ -n "$KSRC" ]; then
		printf '%s-%s' "$BASE" "$(realpath "$KSRC" | sha1sum | cut -c1-8)"
	else
		printf '%s' "$BASE"
	fi
}

build_dir() { printf '%s/build/%s-%s%s' "$PPC_CACHE" "$(base_id)" "$CONFIG" "${STOCK:+-stock}"; }

# The tree a kernel is built from.
tree_dir() {
	if [ -n "$STOCK" ]; then source_dir; else printf '%s/tree/%s' "$PPC_CACHE" "$(base_id)"; fi
}

source_dir() {
	if [ -n "$KSRC" ] && [ -d "$KSRC" ]; then
		realpath "$KSRC"
	else
		printf '%s/src/%s' "$PPC_CACHE" "$(base_id)"
	fi
}
