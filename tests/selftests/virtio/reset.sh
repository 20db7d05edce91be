#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A guest is reset in the middle of its life: its new kernel has all of its memory, the host sees that the page it wrote to
# is somebody else's now, and the driver does what libvirt set before. (hostile/guest.sh: nothing is written there.)
#
# timeout: 900

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../virtio-lib.sh"
. "$(dirname "$0")/../libvirt-lib.sh"

run()
{
	local total

	way_host "$way"
	check "$way: it starts" domain_start a || die "$way: no guest"
	total=$(meminfo_mib a MemTotal)
	check "$way: the driver loads" way_drive "$way"
	check "$way: setmem" domain_setmem a 300
	[ "$way" != pair ] || check "$way: the agent takes more" balloon a 150

	guest_run a 'touch /tmp/before'
	check "$way: virsh reset" virsh -q reset a
	check "$way: it is up again" wait_until 90 'guest_run -t 5 a "test ! -e /tmp/before" 2>/dev/null'
	check_equal "$way: its kernel has all of its memory" "$total" "$(meminfo_mib a MemTotal)"
	check "$way: nearly all of it is used" keeper_start a -m verify -a $(($(meminfo_mib a MemFree) - 40)) ||
		die "$way: no memory to watch"
	if [ "$way" = pair ]; then
		seen_set a target 40M 2>/dev/null
		check "$way: the host has noticed" wait_until 20 '[ "$(seen_value a state)" != present ]'
	fi
	check "$way: which is intact" keeper_good a
	keeper_stop a

	check "$way: the driver loads again" way_drive "$way"
	check "$way: and does what was set before" wait_until 60 '[ $(($(domain_stat a actual) / 1024)) = 300 ]'
	if [ "$way" = pair ]; then
		check "$way: as the host sees it" wait_size a 84
		check_equal "$way: one guest is there" 1 "$(host_value counters/guests)"
		check "$way: the agent can take more" balloon a 150
		seen_set a target 0
	fi
	check "$way: it can be sized" domain_setmem a 384
	check "$way: the guest can use all of it" guest_run -t 180 a 'memkeeper -a 230 -m busy -t 3 -s 7'
	domain_destroy "$way: " a
}

domain_ways "><stats period='1'/>" run
