#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A squeezed guest is moved to a host without the module, and from one without it to one with it: what the VMM set stays,
# what the agent had on top neither stalls the guest nor is lost for ever.
#
# timeout: 600

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../virtio-lib.sh"

way_start pair -m 384 || die "no pair"
check "memory to watch" keeper_start a -a 64 -m verify || die "no memory to watch"
check "what the VMM wants" setmem a 288
check "what the agent wants" balloon a 160
# Longer than any machine takes to look; cut short when all has been seen.
guest_set a grace_ms 3600000

check "it arrives where there is no module" arrive a b module_unload_host
check_equal "the VMM's size is what was set" 288 "$(actual_mib b)"
check "it is whole" keeper_good b
check "it notices" wait_until 20 '[ "$(guest_value b host_state)" = lost ]'
check "and keeps its size for a while" guest_holds b 160
guest_set b grace_ms 1000
check "then the agent's part comes back" wait_until 60 'guest_holds b 96'
check_equal "the VMM's stays" virtio "$(guest_value b target_source)"
check "it can be sized" setmem b 320
check "and still is whole" keeper_good b

guest_set b hello_interval_ms 500
check "it arrives where there is a module" arrive b c host_load
check_equal "with what the VMM set" 320 "$(actual_mib c)"
check "it finds the host" wait_until 30 '[ "$(seen_value c state)" = present ]'
check_equal "which knows what it has" "$(guest_value c size)" "$(seen_value c size)"
check "the agent can squeeze it" balloon c 128
check_equal "unseen by the VMM" 320 "$(actual_mib c)"
check "the agent lets go" seen_set c target 0
check "and the VMM" setmem c 384
check_equal "the balloon is empty" 0 "$(guest_value c size)"
check "it is whole" keeper_good c
check "it can use what it has" guest_run c 'memkeeper -a 200 -m busy -t 3 -s 7'
guest_stop c
check_forgotten
check_unload_host
