#!/usr/bin/env bash
# Packs the initramfs of one build: first stage, busybox, this build's modules, tools and tests.
# usage: kit.sh OUTDIR
. "$(dirname "$0")/lib.sh"

out=$1
step "pack the initramfs" "$PPC_CACHE/log/kit-$(basename "$out").log"
tmp=$(mktemp -d "$out/kit.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp"/{bin,dev,sys,base,rw,root,vm,kit/usr/lib}
cp "$(command -v busybox)" "$tmp/bin/busybox"
install -m 755 "$TOP/dev/guest/init" "$tmp/init"
# The guest's /lib is a link to usr/lib: a lib of our own would hide it.
cp -a "$out/mods/lib/modules" "$tmp/kit/usr/lib/"
rm -f "$tmp"/kit/usr/lib/modules/*/{build,source}
[ ! -d "$out/kit" ] || cp -a "$out/kit/." "$tmp/kit/"
install -D -m 755 "$TOP/dev/guest/tests" "$tmp/kit/usr/lib/ppc/tests"
chmod 755 "$tmp" "$tmp/kit"
(cd "$tmp" && find . | sort | cpio -o -H newc -R 0:0 --quiet) >"$out/kit.cpio.new" 2>"$LOG" || die
mv "$out/kit.cpio.new" "$out/kit.cpio"
