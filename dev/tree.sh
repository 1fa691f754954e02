#!/usr/bin/env bash
# Brings the patched tree up to date: pristine source + the repository's overlay folders
# (uncommitted work too) + patches/BASE/series. A file whose content does not change keeps
# its time stamp, so that make rebuilds only what an edit reaches. Prints the folder.
. "$(dirname "$0")/lib.sh"

src=$("$TOP/dev/source.sh")
if [ -n "$STOCK" ]; then
	echo "$src"
	exit
fi

tree=$(tree_dir)
state=$PPC_CACHE/stage/$(base_id)
patches=$TOP/patches/$BASE
log=$PPC_CACHE/log/tree.log

mkdir -p "$PPC_CACHE/tree" "$PPC_CACHE/stage"
with_lock "$tree.lock" "the patched tree is being brought up to date"

if [ ! -f "$tree/Kbuild" ]; then
	step "copy the kernel source (1.8 GB)" "$log"
	rm -rf "$tree" "$tree.new" "$state"
	mkdir "$tree.new"
	(cd "$src" && tar --exclude=./.git -cf - .) | tar -C "$tree.new" -xf -
	mv "$tree.new" "$tree"
fi

step "apply overlay and patches to linux $BASE" "$log" \
	"refresh the patch named above, or take the file out of the overlay"
: >"$log"
stage=$state.new
rm -rf "$stage"
mkdir -p "$stage"

# What the patches change: those files as they are in the pristine source ...
series=()
if [ -f "$patches/series" ]; then
	while read -r p _; do
		case $p in '' | '#'*) continue ;; esac
		[ -f "$patches/$p" ] || die "patches/$BASE/series names $p, which does not exist"
		series+=("$p")
	done <"$patches/series"
fi
for p in "${series[@]}"; do
	sed -nE 's,^(---|\+\+\+) [ab]/([^[:space:]]+).*,\2,p' "$patches/$p"
done | sort -u | while read -r f; do
	[ -f "$src/$f" ] || continue
	mkdir -p "$stage/$(dirname "$f")"
	cp "$src/$f" "$stage/$f"
done

# ... the new files of the overlay ...
"$TOP/dev/overlay.sh" | while read -r f; do
	[ ! -e "$src/$f" ] || die "the overlay has $f, which linux $BASE already has" \
		"edits of existing files belong in patches/$BASE"
	mkdir -p "$stage/$(dirname "$f")"
	cp -P "$TOP/$f" "$stage/$f"
done

# ... and the patches on top.
for p in "${series[@]}"; do
	echo "patch $p" >>"$log"
	# It may only add files of the overlay.
	grep -q '^diff --git ' "$patches/$p" || continue
	patch -d "$stage" -p1 -s -N --no-backup-if-mismatch -r - <"$patches/$p" >>"$log" 2>&1 ||
		die "patches/$BASE/$p does not apply"
done

(cd "$stage" && find . \( -type f -o -type l \) -printf '%P\n' | sort) >"$state.files.new"
[ -f "$state.files" ] || : >"$state.files"
# Content, not time: the same state of the repository has the same id anywhere.
id=$(cd "$stage" && { xargs -r -d '\n' sha1sum && find . -type f -perm /111 | sort; } <"$state.files.new" |
	sha1sum | cut -d' ' -f1)
if [ "$id" = "$(cat "$state.id" 2>/dev/null)" ] && cmp -s "$state.files" "$state.files.new"; then
	rm -rf "$stage" "$state.files.new"
	echo "$tree"
	exit
fi

# A running build must not see half of one state and half of the next. Its lock is always taken
# before the tree's, so start over with it.
if [ -z "${PPC_BUILD_LOCKED:-}" ]; then
	unlock
	with_lock "$PPC_CACHE/build.lock" "a kernel is being built from this tree"
	PPC_BUILD_LOCKED=1 exec "$0"
fi
rm -f "$state.id"

# Move differences only; what is no longer changed goes back to what it was.
changed=0
while read -r f; do
	if [ -L "$stage/$f" ] || ! cmp -s "$stage/$f" "$tree/$f" ||
		[ "$(stat -c %a "$stage/$f")" != "$(stat -c %a "$tree/$f")" ]; then
		mkdir -p "$tree/$(dirname "$f")"
		cp -P --remove-destination "$stage/$f" "$tree/$f"
		changed=$((changed + 1))
	fi
done <"$state.files.new"
while read -r f; do
	if [ -e "$src/$f" ]; then
		cp --remove-destination "$src/$f" "$tree/$f"
	else
		rm -f "$tree/$f"
		rmdir -p --ignore-fail-on-non-empty "$tree/$(dirname "$f")" 2>/dev/null || true
	fi
	changed=$((changed + 1))
done < <(comm -23 "$state.files" "$state.files.new")
mv "$state.files.new" "$state.files"
echo "$id" >"$state.id"
rm -rf "$stage"
say "$(wc -l <"$state.files") files of ours, $changed changed in $tree"
echo "$tree"
