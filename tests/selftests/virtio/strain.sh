#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A guest that can swap, or drop files and read them again, never runs out of memory; it waits for it all the time. What may
# come back of its balloon does so by itself, where no host listens and where the host does not react; what the VMM insists
# upon does not.
#
# timeout: 1200

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../virtio-lib.sh"

disk=/run/bellows/disk.raw
files=no

# suffers WAY OPTION... - a guest with 192 of its 384 MiB that goes round in more than it has: 170 MiB of its own, with swap, or,
# if $files is yes, 190 MiB of a file, all of which its kernel takes for available.
suffers()
{
	local way=$1 needs='memkeeper -m busy -t 10 -s 5 -a 170'

	shift
	rm -f $disk
	truncate -s 512M $disk
	[ $files = no ] || mkfs.ext4 -q -O ^has_journal $disk
	way_start "$way" -m 384 "$@" --qemu "-drive file=$disk,format=raw,if=virtio" || die "$name: no guest"
	if [ $files = no ]; then
		guest_run a 'modprobe virtio_blk; mkswap /dev/vda && swapon /dev/vda' >/dev/null || die "$name: no swap"
	else
		guest_run a 'modprobe -a virtio_blk ext4 && mkdir -p /disk && mount -t ext4 /dev/vda /disk' ||
			die "$name: no disk"
		needs='memkeeper -m verify -t 20 -s 5 -f 190 -F /disk/file'
	fi
	if [ "$way" = pair ]; then
		check "$name: the agent takes half" balloon a 192
	else
		check "$name: the VMM takes half" setmem a 192
	fi
	guest_run -t 400 a "$needs" &
	hog_pid=$!
}

# is_helped - some memory comes back, and what needs it does its work.
is_helped()
{
	watch_sizes $hog_pid 400
	check "$name: what needs more than that lives" wait $hog_pid
	check_equal "$name: nobody was killed" 0 "$(guest_run a "awk '/^oom_kill / { print \$2 }' /proc/vmstat")"
	reliefs=$(guest_value a counters/reliefs)
	note "the VMM saw at most $most_actual MiB, the host a balloon of at least $least_size MiB, $reliefs reliefs," \
		"$(guest_run a "awk '/^workingset_refault/ { sum += \$2 } END { print sum }' /proc/vmstat") refaults"
	check_range "$name: it helped itself" 1 "$reliefs" 100
}

# is_left - it goes on waiting; nothing comes back.
is_left()
{
	watch_sizes $hog_pid 40
	check_range "$name: the target stands" 190 "$most_actual" 194
	guest_kill9 a
	wait $hog_pid 2>/dev/null
}

name='stock, autodeflate'
suffers stock --balloon deflate-on-oom=on
is_left

name='alone, autodeflate'
suffers alone --balloon deflate-on-oom=on
is_helped
check_range "$name: some came back" 240 "$most_actual" 384
check "$name: and goes again when nobody needs it" wait_actual a 192 200
guest_stop a

name='alone, files'
files=yes
suffers alone --balloon deflate-on-oom=on
is_helped
check_range "$name: some came back" 240 "$most_actual" 384
guest_stop a
files=no

name='alone, not allowed'
suffers alone
is_left

name='pair, a host that does not react'
suffers pair
is_helped
check_range "$name: some of the agent's came back" 0 "$least_size" 144
guest_stop a
check_forgotten
rm -f $disk
