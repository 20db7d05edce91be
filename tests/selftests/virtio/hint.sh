#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Free page hinting: a VMM that migrates a guest does not send what is free in it, and what is not free arrives.
#
# timeout: 800

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../virtio-lib.sh"

socket=/run/bellows/migration
iothread='-object iothread,id=io0'

# move WAY HINT MIB_LEAST MIB_MOST - what is sent of a guest that has used 190 MiB and freed it.
move()
{
	local way=$1 hint=$2 name="$1, hints $2" sent

	way_start "$way" -m 384 --balloon "free-page-hint=$hint,iothread=io0" --qemu "$iothread" ||
		die "$name: no guest"
	check "$name: memory to watch" keeper_start a -a 64 -m busy || die "$name: no memory to watch"
	guest_run -t 60 a 'memkeeper -m idle -t 1 -s 3 -a 190' >/dev/null || not_ok "$name: the guest cannot use memory"
	guest_start b -m 384 --balloon "free-page-hint=$hint,iothread=io0" --no-wait \
		--qemu "$iothread -incoming unix:$socket" || die "$name: nobody to receive it"
	wait_until 20 "test -S $socket" || not_ok "$name: nobody listens"
	sent=$(migrate_to a "unix:$socket") || { not_ok "$name: it does not migrate"; note "$sent"; }
	check_range "$name: MiB that were sent" "$3" "$sent" "$4"
	guest_kill9 a
	check "$name: it lives on" guest_wait b
	check "$name: with what it had" keeper_good b
	[ "$hint$way" = onstock ] || [ "$hint" = off ] ||
		check_range "$name: the guest counts them (MiB)" 100 $(($(guest_value b counters/hinted_pages) / 256)) 384
	check "$name: what is free can be used" guest_run -t 60 b 'memkeeper -m verify -t 3 -s 5 -a 150'
	check "$name: and its balloon" setmem b 300
	check "$name: all is intact" keeper_good b
	check_qemu_quiet "$name"
	guest_stop b
}

# What the guest goes on writing meanwhile is sent once more.
move stock off 340 600
move stock on 60 310
move alone on 60 260
move pair on 60 260
