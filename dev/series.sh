#!/usr/bin/env bash
# Turns overlay and patches into out/series: numbered mails with a cover letter, for git am on a
# clean tree of BASE. Then applies these very mails one by one and compiles the touched folders
# after each (FULL=1: whole kernels; BUILD=0: only makes the mails).
#   SIGNOFF='Name <mail>'   who submits it, and certifies the DCO: no tool may
. "$(dirname "$0")/lib.sh"

"$TOP/dev/setup.sh"
src=$("$TOP/dev/source.sh")
tree=$("$TOP/dev/tree.sh")
log=$PPC_CACHE/log/series.log
series=$TOP/out/series
git=$PPC_CACHE/series/git/$(base_id)
mkdir -p "$PPC_CACHE/series/git"
hint="each overlay file needs an 'Overlay: path' line, below the ---, in one patch of patches/$BASE"
with_lock "$git.lock" "the series is being made"
step "make the mails" "$log" "$hint"
mapfile -t patches < <("$TOP/dev/patches.sh")
if [ "${#patches[@]}" -eq 0 ]; then
	say "patches/$BASE has no patches yet"
	printf 'skip series: no patches yet\n'
	exit
fi

# A repository of just the files that the patches change: git am needs no more, and whole
# kernel trees take long to commit.
rm -rf "$git"
mkdir -p "$git"
git -C "$git" init -q -b main
# Nothing of the user's configuration may sign, hook or rename.
g() {
	git -C "$git" -c user.name="${GIT_AUTHOR_NAME:-ppc}" -c user.email="${GIT_AUTHOR_EMAIL:-ppc@localhost}" \
		-c commit.gpgsign=false -c core.hooksPath=/dev/null -c core.autocrlf=false "$@"
}
sed -nE 's,^(---|\+\+\+) [ab]/([^[:space:]]+).*,\2,p' "${patches[@]}" | sort -u | while read -r f; do
	[ ! -f "$src/$f" ] || (cd "$src" && cp --parents "$f" "$git")
done
g add -A -f
g commit -q --allow-empty -m "linux $BASE"
: >"$log"
n_all=$("$TOP/dev/overlay.sh" | wc -l)
placed=$git.placed
: >"$placed"
for p in "${patches[@]}"; do
	# What only adds files of the overlay is an empty mail to git, but not with text below the ---.
	mail=$(cat "$p" && echo .)
	[[ $mail == *$'\n'diff\ --git\ * ]] || mail=${mail%%$'\n---\n'*}$'\n.'
	g am -q --empty=keep --keep-non-patch <<<"${mail%.}" >>"$log" 2>&1 || die "$(basename "$p") does not apply by git am"
	mapfile -t add < <("$TOP/dev/patches.sh" overlay "$p")
	if [ "${#add[@]}" -gt 0 ]; then
		(cd "$TOP" && cp -P --parents "${add[@]}" "$git")
		g add -f -- "${add[@]}"
		printf '%s\n' "${add[@]}" >>"$placed"
	fi
	# A Makefile comes with the first file that it names: it grows with each mail.
	while read -r f; do
		"$PYTHON" -B "$TOP/dev/partial.py" "$TOP/$f" "$git" "$f" >"$git.partial" || die
		cmp -s "$git.partial" "$git/$f" || cp "$git.partial" "$git/$f"
		g add -f -- "$f"
	done < <(grep -E '^(fs|samples)/.*/(Makefile|Kconfig)$' "$placed" | sort -r)
	# git am --empty=keep takes the text below the --- into the message.
	{
		g log -1 --format=%B | sed '/^---$/,$d' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
		[ -z "${SIGNOFF:-}" ] || echo "Signed-off-by: $SIGNOFF"
	} | g commit -q --amend --allow-empty ${SIGNOFF:+--author="$SIGNOFF"} -F - >>"$log" 2>&1 || die
done
left=$("$TOP/dev/overlay.sh" | sort | comm -23 - <(sort -u "$placed"))
[ -z "$left" ] || die "overlay files that no patch adds:" "$left"
twice=$(sort "$placed" | uniq -d)
[ -z "$twice" ] || die "overlay files that two patches add:" "$twice"
# The mails must come to the tree that is built and tested.
while read -r f; do
	cmp -s "$git/$f" "$tree/$f" || die "the series' $f is not the one that is built"
done < <(g ls-files)

rm -rf "$series"
mkdir -p "$series"
g format-patch -q --cover-letter --numbered --base=HEAD~"${#patches[@]}" -o "$series" HEAD~"${#patches[@]}"
"$PYTHON" -B "$TOP/dev/cover.py" "$series/0000-cover-letter.patch" "$TOP/dev/cover-letter.txt" "$TOP/out/run.json"
printf 'ok   series: %d mails, %d new files, in out/series\n' "${#patches[@]}" "$n_all"

# Nobody reviews a long one.
read -r longest what < <(for c in $(g rev-list HEAD~"${#patches[@]}"..HEAD); do
	g show --numstat --format= "$c" -- fs mm kernel include samples ':!*/tests/*' |
		awk -v s="$(g log -1 --format=%s "$c")" '{ n += $1 } END { print n + 0, s }'
done | sort -n | tail -n 1)
if [ "$longest" -le 600 ]; then
	printf 'ok   series: the longest patch of the kernel adds %d lines: %s\n' "$longest" "$what"
else
	die "more than 600 lines in one patch of the kernel: $longest, $what"
fi

[ "${BUILD:-1}" != 0 ] || exit 0
step "compile after each mail"
"$TOP/dev/series-build.sh" "$src" "$git" "${#patches[@]}"
