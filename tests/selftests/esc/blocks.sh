#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Whole blocks are made in a guest in which no block is free, out of what is cold, and what is in use is not missed:
# memory in use moves and is not evicted.
#
# timeout: 300

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../esc-lib.sh"

# Of a guest of 512 MiB: interleaved page by page, so that nothing is whole.
REGIONS="hot-anon:48 hot-read:64 cold-clean:128 cold-read:112"
# What is then asked for, of which less than half is free.
BALLOON=240

# squeeze POLICY - sets $refaults, $blocks, $size, $faults, $bad.
squeeze()
{
	local before after

	esc_guest a -m 512 --append transparent_hugepage=never || die "no guest"
	guest_set a policy "$1"
	esc_sweep a 50 400
	regions_start a -s -i -u 300 -d /disk $REGIONS || die "no regions"
	esc_wait_sweeps a 11
	note "free: $(guest_run a "grep -E 'Normal|DMA32' /proc/buddyinfo")"
	before=$(guest_vmstat a workingset_refault_file) faults=$(guest_vmstat a pgmajfault)
	check "$1: the balloon reaches $BALLOON MiB" balloon a $BALLOON 100
	# What was dropped and is used is missed now.
	sleep 5
	after=$(guest_vmstat a workingset_refault_file)
	refaults=$((after - before)) faults=$(($(guest_vmstat a pgmajfault) - faults))
	blocks=$(guest_value a blocks) size=$(($(guest_value a size) / MIB))
	regions_end a >/tmp/report
	bad=$(grep -vc 'bad=0$' /tmp/report)
	note "$1: $size MiB, $((blocks * 2)) in blocks, $refaults refaults, $faults major faults"
	guest_run a "cd $GUEST/counters && grep . evicted* migrated* made* spoiled* not_paying left* sweeps sweep_ns" |
		sed 's/^/# /'
	check_equal "$1: contents are intact" 0 "$bad"
	check_none_isolated a "$1: no page was left isolated"
	guest_stop a
}

host_load || die "the host's module cannot be loaded"
squeeze esc
check_equal "esc: nothing that is in use was evicted" 0 "$refaults"
check_range "esc: all of it is in whole blocks" $((BALLOON * 95 / 100)) $((blocks * 2)) $((BALLOON + 2))
check_forgotten
