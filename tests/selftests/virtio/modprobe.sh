#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# With scripts/modprobe.conf in place, as "make install" puts it, a balloon device brings bellows_guest, and loading that by hand
# takes the stock driver out first.
#
# vm: none

. "$(dirname "$0")/../lib.sh"

release=$("$BELLOWS_TOP/scripts/kernels" get 6.1)
directory=$(mktemp -d)
modules=$directory/lib/modules/$release
# What the bus says when it finds the device: virtio device ID 5 of the vendor that all virtio devices have.
device=virtio:d00000005v00001AF4

# dry_run CONFIGURATION NAME - what would be done to load it.
dry_run()
{
	/sbin/modprobe -d "$directory" -S "$release" -C "$1" -n -v -b "$2" 2>&1
}

# takes CONFIGURATION - the drivers that come with the device.
takes()
{
	dry_run "$1" $device | sed -nE 's/^insmod .*\/(virtio_balloon|bellows_guest)\.ko.*/\1/p
		s/^install .*--ignore-install bellows_guest .*/bellows_guest/p' | sort | tr '\n' ' '
}

mkdir -p "$modules"
cp "$BELLOWS_BUILD/$release/bellows_guest.ko" "$modules"
cp -r "$BELLOWS_CACHE/kernels/$release/lib/modules/$release/kernel/drivers/virtio" "$modules"
touch "$modules"/modules.{order,builtin,builtin.modinfo}
/sbin/depmod -b "$directory" "$release" || die "no list of modules"

check_equal "without it, both match the device" "bellows_guest virtio_balloon " "$(takes /dev/null)"
check_equal "with it, one does" "bellows_guest " "$(takes "$BELLOWS_TOP/scripts/modprobe.conf")"
does=$(dry_run "$BELLOWS_TOP/scripts/modprobe.conf" bellows_guest)
note "$does"
check_equal "loading it takes the stock driver out first" yes \
	"$([[ $does == *"modprobe -q -r virtio_balloon;"*"modprobe --ignore-install bellows_guest"* ]] && echo yes)"
rm -rf "$directory"
