#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Nobody in a guest's user space reaches the host, whether or not its kernel is registered.
#
# timeout: 240

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"

host_load || die "the host's module cannot be loaded"
guest_start a || die "no guest"

check "root in user space is refused" guest_run a usercall
check_equal "and the host knows nobody" 0 "$(host_value counters/guests)"

check "the probe in the guest's kernel" guest_insmod a bellows_probe
guest_run a 'echo 1 1 0 page >/sys/kernel/debug/bellows_probe/call'
check_equal "is heard" $((1 << 32)) "$(guest_run a 'cat /sys/kernel/debug/bellows_probe/answer')"
check_equal "and known" present "$(seen_value a state)"
generation=$(seen_value a generation)
check "user space is still refused" guest_run a usercall
check_equal "and has not said BYE for its kernel" "$generation" "$(seen_value a generation)"
guest_run a 'rmmod bellows_probe'
check_equal "the probe said BYE" left "$(seen_value a state)"

check "the guest's module registers" pair_join a
check "user space is refused beside it" guest_run a usercall
check "a balloon works all the same" balloon a 64
guest_stop a
check_forgotten
check_unload_host
