#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# When no cold cache is left, cold anonymous memory is swapped out, what is in use stays, and nothing is lost while
# everything is used at the same time: without huge pages and with them. A huge page is in use when a part of it is.
#
# timeout: 900

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../esc-lib.sh"

# Of a guest of 512 MiB; about 190 of it are free. The part that is used of PART MiB is one page in 512.
BALLOON=220
PART=16

# swap_disk NAME MIB
swap_disk()
{
	guest_run "$1" "dd if=/dev/zero of=/disk/swap bs=1M count=$2 2>/dev/null && chmod 600 /disk/swap &&
		mkswap /disk/swap >/dev/null && sync && swapon /disk/swap"
}

# squeeze SWAP HUGE
squeeze()
{
	local out in huge what="swap on $1, huge pages $2"

	esc_guest a -m 512 || die "no guest"
	# On the command line it counts for nothing: the kernel has none by default where memory is small.
	guest_run a "echo $2 >/sys/kernel/mm/transparent_hugepage/enabled" || die "no choice of huge pages"
	guest_set a policy esc
	"swap_$1" a 256 || die "no swap"
	guest_run a 'echo 3 >/proc/sys/vm/drop_caches'
	esc_sweep a 50 400
	regions_start a -u 300 -d /disk cold-anon:184 part-anon:$PART hot-anon:48 || die "no regions"
	huge=$(guest_run a "awk '/^AnonHugePages/ { print int(\$2 / 1024) }' /proc/meminfo")
	[ "$2" = never ] || check_range "$what: there are huge pages (MiB)" 100 "$huge" 300
	esc_wait_sweeps a 11
	out=$(guest_vmstat a pswpout) in=$(guest_vmstat a pswpin)
	check "$what: the balloon reaches $BALLOON MiB" balloon a $BALLOON 100
	in=$(($(guest_vmstat a pswpin) - in)) out=$(($(guest_vmstat a pswpout) - out))
	note "$what: $out pages swapped out, $in swapped in"
	guest_run a "cd $GUEST/counters && grep . evicted* migrated* made* spoiled* not_paying left* isolated_b*" |
		sed 's/^/# /'
	check_range "$what: cold memory went" 3000 "$out" 60000
	# Or the kernel would choose, with "auto": cache that is in use.
	check_equal "$what: it was worth swapping out" 0 "$(guest_value a counters/not_paying)"
	huge=$(guest_value a counters/evicted_huge)
	note "$what: $huge huge pages; $(guest_run a "grep ^thp_swpout /proc/vmstat" | tr '\n' ' ')"
	[ "$2" = never ] || check_range "$what: huge pages go as what they are, and are counted" 1 "$huge" 150
	# Those of the shells that this test runs in the guest.
	check_range "$what: what is in use stayed" 0 "$in" 400
	# Before anything is verified: that swaps in what is cold, and other things out for it.
	regions_report a >/tmp/report
	[ "$2" = never ] || check_equal "$what: huge pages that are used in part stay whole (pages)" $((PART * 256)) \
		"$(field "$(grep ^part-anon /tmp/report)" present)"
	regions_end a >/tmp/report
	sed 's/^/# /' /tmp/report
	check_equal "$what: contents are intact" 3 "$(grep -c 'bad=0$' /tmp/report)"
	check_none_isolated a "$what: no page was left isolated"
	guest_stop a
}

host_load || die "the host's module cannot be loaded"
squeeze disk never
squeeze disk always
check_forgotten
