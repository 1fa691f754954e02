#!/usr/bin/env bash
# Installs what the host lacks, and nothing else. All of it is in Debian 12.
# usage: setup.sh [bench]    with what only `make bench` needs, or without
. "$(dirname "$0")/lib.sh"

packages=(
	# build
	gcc make libc6-dev flex bison bc libelf-dev libssl-dev dwarves ccache rsync kmod cpio xz-utils
	zstd patch git pkg-config libjson-c-dev libnuma-dev zlib1g-dev python3
	# guest
	qemu-system-x86 busybox-static mmdebstrap erofs-utils nbdkit e2fsprogs
	# static checks
	sparse shellcheck perl
)

[ "${1:-}" != bench ] || packages+=(liburing-dev python3-matplotlib)

installed=$(dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' "${packages[@]}" 2>/dev/null |
	sed -n 's/ ii *$//p' || true)
missing=()
for p in "${packages[@]}"; do
	grep -qxF "$p" <<<"$installed" || missing+=("$p")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

log=$PPC_CACHE/log/setup.log
with_lock "$PPC_CACHE/setup.lock" "packages are being installed"
step "install packages: ${missing[*]}" "$log" "check the machine's apt sources: apt-get update"
install_missing() {
	local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300)
	# The machine's lists may be missing, or older than what the mirror still has. A source
	# of the machine's that has nothing to do with us may be unreachable: that is no matter.
	as_root "${apt[@]}" update || true
	as_root "${apt[@]}" install -y --no-install-recommends "${missing[@]}"
}
PROGRESS_RE='^(Get:|Unpacking|Setting up)' PROGRESS_WORD=steps logged "$log" install_missing || die
