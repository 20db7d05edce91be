#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A guest on a host without the module: its own module loads, waits, and finds the host when it comes.
#
# timeout: 300

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"

interval_ms=2000

run_flat flat_nohost

guest_start a || die "no guest"
check "the guest's module loads" module_load_guest a
check_equal "it says that nobody is there" absent "$(guest_value a host_state)"
check_equal "its balloon is empty" 0 "$(guest_value a size)"
check_equal "it has asked once" 1 "$(guest_value a counters/hello_calls)"
check "it can be unloaded" module_unload_guest a
module_load_guest a

guest_set a hello_interval_ms $interval_ms
sleep 7
calls=$(guest_value a counters/hello_calls)
check_range "it asks seldom" 2 "$calls" 6

host_load || die "the host's module cannot be loaded"
check "it finds the host" wait_until 15 '[ "$(guest_value a host_state)" = present ]'
check_equal "and the host knows it" present "$(seen_value a state)"
check "and works" balloon a 64

# The host goes for good: the balloon is kept for a while, then given up.
guest_set a grace_ms 3000
check "the host goes" module_unload_host
check "the guest sees it" wait_until 10 '[ "$(guest_value a host_state)" != present ]'
check "and takes its memory back" wait_until 30 '[ "$(guest_value a size)" = 0 ]'
check_equal "nobody is there again" absent "$(guest_value a host_state)"
guest_stop a
