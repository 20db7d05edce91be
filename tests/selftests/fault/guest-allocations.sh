#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Allocations that fail in a guest: at each point of the module's load, while its balloon grows and shrinks and its settings are
# read, and at unload. What cannot be done is done later; nothing is lost, left behind or wrong.
#
# timeout: 600

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"

kernel_watches "$BELLOWS_GUEST_KERNEL" || skip_all "no kernel with fault injection"

# in_guest COMMAND
in_guest()
{
	guest_run -t 300 a ". /tmp/starve-lib.sh; $1"
}

# The doorbell is rung by the host, and the balloon's own kernel threads do the rest.
move_hungry()
{
	local mib

	for mib in 128 16; do
		seen_set a target ${mib}M
		sleep 15
		note "the balloon shall have $mib MiB, and has $(($(seen_value a size) / MIB))"
	done
	in_guest "cat $GUEST/* $GUEST/*/*" >/dev/null 2>&1
}

host_load || die "the host's module cannot be loaded"
guest_start a -m 512 || die "no guest"
guest_put a "$(dirname "$0")/../starve-lib.sh" || die "nothing can be put into the guest"
check "nothing fails by itself" in_guest feed
check "each allocation of the module's load in turn" in_guest "starve 20 /lib/bellows/bellows_guest.ko"
check "the pair comes together" pair_join a
keeper_start a -a 64 -m busy || die "no memory to watch"

for percent in 100 30; do
	check "so many of 100 fail: $percent" in_guest "starve_module bellows_guest $percent"
	move_hungry
	check "$percent: nothing fails any more" in_guest feed
	check "$percent: the balloon grows" balloon a 128 120
	check "$percent: and shrinks" balloon a 16 120
done

check "everything fails" in_guest "starve_module bellows_guest 100"
check "the module can be unloaded" module_unload_guest a
check "nothing fails any more" in_guest feed
check "the host has its account" wait_until 10 "[ \"\$(seen_value a size)\" = 0 ]"
check "the pair comes together again" pair_join a
check "with a balloon" balloon a 64 120
check "no data was damaged" keeper_good a
guest_stop a
check_forgotten
check_unload_host
