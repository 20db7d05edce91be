#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A squeezed guest is moved to a host with a newer module, to one with an older one, to one that speaks no version that it
# speaks, and home: it registers with whatever can be made of the two and keeps what it holds, or goes on by the virtio queues.
#
# timeout: 900

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../virtio-lib.sh"

# another_host PARAM=VALUE... - see other_host.h.
another_host()
{
	module_unload_host && insmod "$BELLOWS_BUILD/$BELLOWS_KERNEL/tests/bellows_other_host/bellows_host.ko" "$@" &&
		host_set agent off
}

# registered NAME FEATURES MIB - with these features, and with what it had when it came.
registered()
{
	check "$where: it is registered" wait_until 30 "[ \"\$(seen_value $1 state)\" = present ]"
	check_equal "$where: with what both know" "$2" "$(guest_value "$1" features)"
	check "$where: and with what it held" wait_size "$1" "$3"
	check_equal "$where: the VMM's size is what was set" 288 "$(actual_mib "$1")"
	check "$where: the agent can squeeze it" balloon "$1" 180
	check "$where: and let go of some" balloon "$1" 160
	check "$where: it is whole" keeper_good "$1"
}

way_start pair -m 384 --balloon free-page-reporting=on || die "no pair"
features=$(guest_value a features)
check "memory to watch" keeper_start a -a 64 -m verify || die "no memory to watch"
check "what the VMM wants" setmem a 288
check "what the agent wants" balloon a 160
guest_set a hello_interval_ms 500
# Longer than any machine takes to look.
guest_set a grace_ms 3600000

where=newer
check "$where: it arrives" arrive a b 'another_host other_version=2 other_features=0x7fffffff' --balloon free-page-reporting=on
registered b "$features" 160

where=older
check "$where: it arrives" arrive b c 'another_host other_version=1 other_features=0' --balloon free-page-reporting=on
registered c 0x0 160
calls=$(guest_value c counters/report_calls)
reported=$(guest_value c counters/reported_pages)
check "$where: the agent lets go" seen_set c target 0
check "$where: of all" wait_size c 96
guest_touch c || not_ok "$where: the guest cannot touch its memory"
check "$where: what is free is reported" wait_until 30 "[ \$(guest_value c counters/reported_pages) -gt $((reported + 8192)) ]"
check_equal "$where: to the VMM, because the host does not ask for it" "$calls" "$(guest_value c counters/report_calls)"
check "$where: the agent takes more again" balloon c 160

where=stranger
check "$where: it arrives" arrive c d 'another_host other_version=0 other_features=0' --balloon free-page-reporting=on
check "$where: it notices" wait_until 20 '[ "$(guest_value d host_state)" = lost ]'
check "$where: and keeps its size for a while" guest_holds d 160
guest_set d grace_ms 1000
check "$where: then the agent's part comes back" wait_until 60 'guest_holds d 96'
check_equal "$where: the VMM's size is what was set" 288 "$(actual_mib d)"
check "$where: nobody refuses it but this host" wait_until 30 '[ "$(guest_value d host_state)" = unavailable ]'
check "$where: it can be sized" setmem d 320
check "$where: both ways" setmem d 288
check "$where: it is whole" keeper_good d

where=home
guest_set d grace_ms 3600000
check "$where: it arrives" arrive d e 'module_unload_host && host_load' --balloon free-page-reporting=on
registered e "$features" 96
check "$where: the agent lets go" seen_set e target 0
check "$where: and the VMM" setmem e 384
check "$where: it can use what it has" guest_run -t 180 e 'memkeeper -a 200 -m busy -t 3 -s 7'
guest_stop e
check_forgotten
check_unload_host
