#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A debug kernel reports what a module does wrong, and the reports are found (src/bellows_wrong).
#
# reports: provoked	in this test they are no failure
# timeout: 240

. "$(dirname "$0")/../lib.sh"
. "$BELLOWS_TOP/scripts/lib/console.sh"

kernel_watches "$BELLOWS_KERNEL" || skip_all "no debug kernel"

# report_of WHAT - what the host's kernel has to report now.
report_of()
{
	dmesg -C
	insmod "$BELLOWS_BUILD/$BELLOWS_KERNEL/tests/bellows_wrong.ko" "what=$1" 2>/dev/null
	[ "$1" != leak ] || leaks_report
	dmesg >/run/reports
	kernel_reports /run/reports
}

# finds WHAT PATTERN - is that reported, as what it is?
finds()
{
	local reports

	reports=$(report_of "$1")
	echo "$reports"
	grep -qE "$2" <<<"$reports"
}

check "a module that does nothing wrong" test -z "$(report_of nothing)"
# The first one: lockdep reports once, and is off after most other reports.
check "two locks in both orders" finds order 'possible circular locking dependency'
check "memory that is free is read" finds freed 'KASAN: slab-use-after-free'
check "an undefined shift" finds shift 'UBSAN: shift-out-of-bounds'
check "an entry is added to a list twice" finds list 'WARNING: lib/list_debug'
check "sleep under a spinlock" finds sleep 'BUG: (scheduling while atomic|sleeping function)'
check "a leak" finds leak 'unreferenced object'
