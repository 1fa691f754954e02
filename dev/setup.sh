#!/usr/bin/env bash
# Installs what the host lacks, and nothing else. All of it is in Debian 12 and 13.
# usage: setup.sh [bench|matrix|vng|cover|logic]   with what only make bench, make check MATRIX=1, make vng,
# make cover or make logic needs
. "$(dirname "$0")/lib.sh"

cache_check
packages=(
	# build
	gcc make libc6-dev flex bison bc libelf-dev libssl-dev dwarves ccache rsync kmod cpio xz-utils
	zstd patch git pkg-config libjson-c-dev libnuma-dev zlib1g-dev python3
	# guest
	busybox-static mmdebstrap erofs-utils nbdkit e2fsprogs
	# static checks
	sparse shellcheck perl
)

case ${1:-} in
bench) packages+=(liburing-dev python3-matplotlib) ;;
matrix) packages+=(gcc-aarch64-linux-gnu gcc-powerpc64le-linux-gnu gcc-s390x-linux-gnu) ;;
vng) packages+=(xfsprogs python3-requests python3-argcomplete) ;;
cover) packages+=(gcovr) ;;
logic) packages+=(clang libclang-rt-dev) ;;
esac

command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
	die "this system has no apt: everything here is made for Debian 12 and 13" \
		"in a Debian container it works, too; these packages are what is needed: ${packages[*]}"
installed=$(dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' "${packages[@]}" 2>/dev/null |
	sed -n 's/ ii *$//p' || true)
missing=()
for p in "${packages[@]}"; do
	grep -qxF "$p" <<<"$installed" || missing+=("$p")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

log=$PPC_CACHE/log/setup.log
with_lock "$PPC_CACHE/setup.lock" "packages are being installed"
system=$(. /etc/os-release 2>/dev/null && echo "${PRETTY_NAME:-}") || true
step "install packages: ${missing[*]}" "$log" \
	"check the network and the apt sources of this machine (apt-get update); Debian 12 and 13 have these packages, this is ${system:-unknown}"
install_missing() {
	local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300)
	# The machine's lists may be missing, or older than what the mirror still has. A source
	# of the machine's that has nothing to do with us may be unreachable: that is no matter.
	as_root "${apt[@]}" update || true
	as_root "${apt[@]}" install -y --no-install-recommends "${missing[@]}"
}
PROGRESS_RE='^(Get:|Unpacking|Setting up)' PROGRESS_WORD=steps logged "$log" install_missing || die
