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
mkdir -p "$PPC_CACHE/log" 2>/dev/null || {
	printf 'FAILED: %s\n  what to do: %s\n' "the cache folder $PPC_CACHE cannot be made" \
		"name one that can be written: PPC_CACHE=DIR" >&2
	exit 1
}

# Debian's own interpreter: a python3 found first in PATH may lack the modules we use.
# shellcheck disable=SC2034
PYTHON=/usr/bin/python3

STEP=start LOG='' HINT=''

# step NAME [LOG [HINT]]: what is being done now; a failure names it, the log and the hint.
step() {
	STEP=$1 LOG=${2:-} HINT=${3:-}
	printf '== %s\n' "$1" >&2
	[ -z "${PPC_TIMES:-}" ] || printf '%s\t%s\n' "$EPOCHREALTIME" "$1" >>"$PPC_TIMES"
}

# times_begin: from now on, steps of this script and of those that it calls are timed.
times_begin() {
	PPC_TIMES=$(mktemp "$PPC_CACHE/log/times.XXXXXX")
	export PPC_TIMES
}

# times_show: where the time went, by step, on stderr. What takes less than a second is left out.
times_show() {
	printf '%s\t\n' "$EPOCHREALTIME" >>"$PPC_TIMES"
	printf '== where the time went\n' >&2
	awk -F'\t' '
		NR > 1 { spent[name] += $1 - at; if (!(name in order)) { order[name] = ++n; names[n] = name } }
		NR == 1 { first = $1 }
		{ at = $1; name = $2 }
		function show(s, text) { printf "   %3dm%02ds  %s\n", s / 60, s % 60, text }
		END {
			for (i = 1; i <= n; i++) if (spent[names[i]] >= 1) show(spent[names[i]], names[i])
			show(at - first, "in all")
		}' "$PPC_TIMES" >&2
	rm -f "$PPC_TIMES"
	unset PPC_TIMES
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
	exit $told
}

# A command that fails without its own message still says which step it was in; one that was told is not told again.
told=97
trap 'rc=$?; trap - ERR; [ $rc != $told ] || exit $told; [ "$BASHPID" != "$$" ] || die "command failed ($rc): $BASH_COMMAND"; exit $rc' ERR
set -E

elapsed() { printf '%dm%02ds' $((($1) / 60)) $((($1) % 60)); }

# progress N SECONDS: how far it is, and how long the rest will take if PROGRESS_TOTAL is about right.
progress() {
	local total=${PROGRESS_TOTAL:-} text
	text="$(elapsed "$2"), $1"
	[ -z "$total" ] || text+=" of about $total"
	text+=" ${PROGRESS_WORD:-lines}"
	if [ -n "$total" ] && [ "$1" -gt 0 ] && [ "$1" -lt "$total" ] && [ "$2" -ge 5 ]; then
		text+=", about $(elapsed $(($2 * (total - $1) / $1))) left"
	fi
	printf '%s' "$text"
}

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
			printf '\r   %s\033[K' "$(progress "$n" $((SECONDS - t0)))" >&2
		else
			say "$(progress "$n" $((SECONDS - t0)))"
		fi
	done
	[ ! -t 2 ] || printf '\r\033[K' >&2
	wait "$pid" || rc=$?
	trap - INT TERM
	return $rc
}

# guests_end: for traps; ends the guests that the script has in its array "guests".
guests_end() {
	trap - ERR EXIT INT TERM
	# shellcheck disable=SC2154 # the script's
	[ "${#guests[@]}" = 0 ] || kill "${guests[@]}" 2>/dev/null || true
	wait
}

# guests_end_with_script: however that ends.
guests_end_with_script() {
	trap guests_end EXIT
	trap 'guests_end; exit 130' INT TERM
}

# judge_self DIR: a script whose output is for dev/tap.py, called by hand: runs it again with DIR, and judges that.
judge_self() {
	mkdir -p "$1"
	trap - ERR
	"$0" "$1" | "$PYTHON" "$TOP/dev/tap.py" "$1" "$TOP/dev/skips"
	exit
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

# need_space GB WHAT: a full disk is told before the work, not in the middle of it.
need_space() {
	local free
	free=$(df --output=avail -BG "$PPC_CACHE" | tail -n 1 | tr -dc 0-9)
	[ "$free" -ge "$1" ] || {
		LOG=''
		die "$2 needs about $1 GB, and $free GB are free in $PPC_CACHE" \
			"make room there, or name another folder: PPC_CACHE=DIR"
	}
}

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

# A cache of another layout: what can be kept is moved, the rest is made anew.
cache_layout=2
cache_check() {
	local is
	is=$(cat "$PPC_CACHE/layout" 2>/dev/null || echo 1)
	[ "$is" != $cache_layout ] || return 0
	[ "$is" -lt $cache_layout ] || die "the cache $PPC_CACHE was made by a newer version of these scripts" \
		"name another folder (PPC_CACHE=DIR), or remove it: make clean CACHE=1"
	if [ -d "$PPC_CACHE/src" ]; then
		say "the cache is of an older version: its kernels will be built anew"
		mkdir -p "$PPC_CACHE/stock"
		mv "$PPC_CACHE/src" "$PPC_CACHE/stock/tree"
		rm -rf "$PPC_CACHE"/{tree,build,series,stage}
	fi
	echo $cache_layout >"$PPC_CACHE/layout"
}

# Each kind of kernel (patched, stock, series) has tree/ and build/ beside each other, so that the same
# source has the same path seen from its build folder, and ccache finds what another kind has compiled.
build_dir() { printf '%s/%sbuild/%s-%s' "$PPC_CACHE" "${STOCK:+stock/}" "$(base_id)" "$CONFIG"; }

# The tree a kernel is built from.
tree_dir() {
	if [ -n "$STOCK" ]; then source_dir; else printf '%s/tree/%s' "$PPC_CACHE" "$(base_id)"; fi
}

source_dir() {
	if [ -n "$KSRC" ] && [ -d "$KSRC" ]; then
		realpath "$KSRC"
	else
		printf '%s/stock/tree/%s' "$PPC_CACHE" "$(base_id)"
	fi
}

# config_arch CONFIG: sets ARCH and CROSS_COMPILE, which the fragment may name: "# arch: arm64 aarch64-linux-gnu-".
config_arch() {
	ARCH=x86 CROSS_COMPILE=''
	read -r ARCH CROSS_COMPILE < <(sed -nE 's/^# arch: (.*)/\1/p' "$TOP/dev/config/$1.config") || true
	export ARCH=${ARCH:-x86} CROSS_COMPILE
}

# use_ccache: sets CC, and what lets an object be found again: by paths relative to the cache, without
# the moment of the build in it. What is not found is not preprocessed for that first.
use_ccache() {
	export CC="ccache ${CROSS_COMPILE:-}gcc"
	export CCACHE_DIR=$PPC_CACHE/ccache CCACHE_MAXSIZE=10G CCACHE_BASEDIR=$PPC_CACHE CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1
	export KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970' KBUILD_BUILD_USER=ppc KBUILD_BUILD_HOST=lab
}
