#!/usr/bin/env bash
# Prints the accelerator that guests run under: kvm only if this kernel has been seen to boot
# under it on this machine (a /dev/kvm that opens proves nothing), tcg otherwise.
# usage: accel.sh BZIMAGE
. "$(dirname "$0")/lib.sh"

boot=$(cat /proc/sys/kernel/random/boot_id)
seen=$PPC_CACHE/accel
if [ -f "$seen" ] && read -r id accel <"$seen" && [ "$id" = "$boot" ]; then
	echo "$accel"
	exit
fi
accel=tcg
if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then
	step "does a guest boot under KVM here? (20 s at most)"
	con=$(mktemp)
	timeout -k 2 20 "$("$TOP/dev/qemu.sh")" -nodefaults -no-user-config -display none -no-reboot -M q35 \
		-accel kvm -cpu host -m 512M -kernel "$1" -append 'console=ttyS0 panic=-1' \
		-serial "file:$con" >/dev/null 2>&1 </dev/null || true
	# It has no root, so it gets as far as it can and panics: that is proof enough.
	! grep -q 'Unable to mount root fs' "$con" || accel=kvm
	rm -f "$con"
fi
echo "$boot $accel" >"$seen"
echo "$accel"
