#!/usr/bin/env bash
# Writes the .config of one build: tinyconfig + dev/config's fragments, resolved by the
# kernel's own tools; then says which of the options asked for did not come out so.
# usage: config.sh TREE OUTDIR
. "$(dirname "$0")/lib.sh"

tree=$1 out=$2
frag=$TOP/dev/config
log=$PPC_CACHE/log/config-$(basename "$out").log
[ -f "$frag/$CONFIG.config" ] || die "CONFIG=$CONFIG: dev/config has no such fragment (release, bench, debug, …)"
# A fragment names those that go before it.
read -ra with < <(sed -nE 's/^# with: (.*)/\1/p' "$frag/$CONFIG.config") || true
parts=()
for f in base ${with[@]+"${with[@]}"} "$CONFIG"; do
	parts+=("$frag/$f.config")
	[ -n "$STOCK" ] || [ ! -f "$frag/ppc-$f.config" ] || parts+=("$frag/ppc-$f.config")
done

# The Kconfig files of the series count too, as far as this tree has them: a new option must be
# asked for again.
key=$({
	cat "${parts[@]}" "$0"
	echo "$tree"
	[ -n "$STOCK" ] || sed -nE '/(^|\/)Kconfig[^/]*$/p' "$PPC_CACHE/stage/$(base_id).files" |
		(cd "$tree" && xargs -r -d '\n' sha1sum 2>/dev/null || true)
} | sha1sum | cut -d' ' -f1)
if [ -f "$out/.config" ] && [ "$(cat "$out/.config.key" 2>/dev/null)" = "$key" ]; then
	exit
fi

config_arch "$CONFIG"
step "configure linux $BASE, $CONFIG${STOCK:+, stock}" "$log"
tmp=$(mktemp -d "$PPC_CACHE/config.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
{
	make -C "$tree" O="$tmp" tinyconfig
	(cd "$tmp" && KCONFIG_CONFIG=.config "$tree/scripts/kconfig/merge_config.sh" -m -O "$tmp" \
		.config "${parts[@]}")
	make -C "$tree" O="$tmp" olddefconfig
} >"$log" 2>&1 </dev/null || die

# A later fragment may overrule an earlier one: only the last word on an option counts.
missing=$(cat "${parts[@]}" |
	sed -nE 's/^# (CONFIG_[A-Za-z0-9_]+) is not set$/\1=n/p; s/^(CONFIG_[A-Za-z0-9_]+)=(.*)$/\1=\2/p' |
	awk -F= '{v[$1]=$0} END {for (k in v) print v[k]}' | sort |
	while IFS= read -r want; do
		if [ "${want#*=}" = n ]; then
			! grep -q "^${want%%=*}=" "$tmp/.config" || echo "$want"
		else
			grep -qxF "$want" "$tmp/.config" || echo "$want"
		fi
	done)
if [ -n "$missing" ]; then
	say "asked for, but not so in the .config:"
	while IFS= read -r want; do
		name=${want%%=*}
		if grep -rqE --include='Kconfig*' "^[[:space:]]*(menu)?config ${name#CONFIG_}$" "$tree"; then
			say "  $want (the option exists: something it depends on is off)"
		else
			say "  $want (no such option in this tree)"
		fi
	done <<<"$missing"
fi

mkdir -p "$out"
# Same content, same time stamp: syncconfig and the build are left alone.
cmp -s "$tmp/.config" "$out/.config" || cp "$tmp/.config" "$out/.config"
echo "$key" >"$out/.config.key"
