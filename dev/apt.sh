# shellcheck shell=bash
# Packages of a Debian suite other than the machine's, by an apt configuration of our own:
# the mirror is the one that the machine's own sources name, so nothing of apt is changed.

# debian_mirror: the address of the Debian archive in the machine's sources (deb822 or one-line).
debian_mirror() {
	local uri
	for uri in $(
		cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
			sed -nE 's/^[[:space:]]*deb[[:space:]]+(\[[^]]*\][[:space:]]*)?([^[:space:]]+)[[:space:]].*/\2/p'
		cat /etc/apt/sources.list.d/*.sources 2>/dev/null |
			sed -nE 's/^URIs:[[:space:]]*//Ip'
	); do
		case $uri in
		*security*) ;;
		*/debian | */debian/) printf '%s\n' "${uri%/}" && return ;;
		esac
	done
	return 1
}

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# suite_apt SUITE: sets APT to options for apt-get/apt-cache that know only SUITE, lists fetched.
suite_apt() {
	local suite=$1 dir=$PPC_CACHE/apt/$1 mirror
	mirror=$(debian_mirror) || die "no Debian mirror in /etc/apt/sources.list*"
	mkdir -p "$dir"/lists/partial "$dir"/cache/archives/partial
	printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$mirror" "$suite" >"$dir/suite.list"
	APT=(-o Dir::Etc::sourcelist="$dir/suite.list" -o Dir::Etc::sourceparts=/dev/null
		-o Dir::State::lists="$dir/lists" -o Dir::Cache="$dir/cache"
		-o Acquire::Check-Valid-Until=false -o APT::Sandbox::User=root)
	apt-get "${APT[@]}" update
}

# suite_unpack SUITE PKG DIR: fetch one package of SUITE and unpack its files into DIR.
suite_unpack() {
	local tmp
	suite_apt "$1"
	tmp=$(mktemp -d "$PPC_CACHE/apt/get.XXXXXX")
	(cd "$tmp" && apt-get "${APT[@]}" download "$2") && dpkg -x "$tmp/$2"_*.deb "$3"
	local rc=$?
	rm -rf "$tmp"
	return $rc
}

# suite_unpack_all SUITE PKG DIR: likewise, with all that it depends on, so that it needs nothing of the machine.
suite_unpack_all() {
	local deb dir=$PPC_CACHE/apt/$1
	suite_apt "$1"
	mkdir -p "$dir/state"
	: >"$dir/state/status"
	apt-get "${APT[@]}" -o Dir::State::status="$dir/state/status" -y --no-install-recommends \
		--download-only install "$2"
	for deb in "$dir"/cache/archives/*.deb; do
		dpkg -x "$deb" "$3"
	done
	apt-get "${APT[@]}" clean
}
