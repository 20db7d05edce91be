#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A debug kernel in a guest reports what a module does wrong there, and it is found on the guest's console.
#
# reports: provoked	in this test they are no failure
# timeout: 240

. "$(dirname "$0")/../lib.sh"
. "$BELLOWS_TOP/scripts/lib/console.sh"

kernel_watches "$BELLOWS_GUEST_KERNEL" || skip_all "no debug kernel"

console=$BELLOWS_RUN/guest-a.log

# said WHAT - is it among the reports?
said()
{
	kernel_reports "$console" | grep "$1"
}

guest_start a -m 256 || die "no guest"
check_equal "a guest that does nothing wrong" "" "$(kernel_reports "$console")"
guest_run a 'for what in order leak; do insmod /lib/bellows/bellows_wrong.ko what=$what; done' 2>/dev/null
check "two locks in both orders" wait_until 10 "said 'possible circular locking dependency'"
check_fails "no leak before one has looked" said 'unreferenced object'
guest_stop a
check "a leak, when the guest is stopped" said 'unreferenced object'
