#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Whole blocks are made in a guest in which no block is free, out of what is cold, and what is in use is not missed:
# memory in use moves and is not evicted. A block that cannot be emptied is left alone for longer each time.
#
# timeout: 600

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../esc-lib.sh"

# Of a guest of 512 MiB: interleaved page by page, so that nothing is whole.
REGIONS="hot-anon:48 hot-read:64 cold-clean:128 cold-read:112"
# What is then asked for, of which less than half is free.
BALLOON=240
# Of the same guest, afterwards: a quarter of each of 44 blocks is on its way to a disk that does not get on. It looks as if it
# could be moved, and what shares the blocks with it is moved for nothing.
HELD_MIB=22
HELD="hot-anon:$HELD_MIB cold-dirty:$HELD_MIB cold-clean:$HELD_MIB cold-read:$HELD_MIB"
HELD_BLOCKS=$((4 * HELD_MIB / 2))
HELD_SWEEPS=24

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
}

# disk_writes NAME BYTES - so much is all that its disk takes in a second; 0: whatever comes. It reads as ever.
disk_writes()
{
	guest_qmp "$1" "{\"execute\":\"block_set_io_throttle\",\"arguments\":{\"device\":\"virtio0\",\"bps\":0,\"bps_rd\":0,
		\"bps_wr\":$2,\"iops\":0,\"iops_rd\":0,\"iops_wr\":0}}" >/dev/null
}

# hold - has blocks that cannot be emptied until the disk gets on. The kernel shall not complain that somebody waits for it.
hold()
{
	guest_run a 'rm /disk/*-* && echo 3 >/proc/sys/vm/drop_caches && echo 0 >/proc/sys/kernel/hung_task_timeout_secs' &&
		esc_sweep a 50 100 && regions_start a -s -i -u 300 -d /disk $HELD && esc_wait_sweeps a 11 &&
		disk_writes a 1 && guest_run a 'sync >/dev/null 2>&1 </dev/null &' &&
		wait_until 30 "[ \$(guest_vmstat a nr_writeback) -ge $((HELD_MIB * 250)) ]"
}

# The worker looks once a second, and sweeps come no faster: tried after each, a block would be tried HELD_SWEEPS times. Left
# alone for longer each time it is tried five times by then, and six times within twice as many sweeps.
leave_alone()
{
	local spoiled moved size target

	check "blocks are held by a disk that does not get on" hold || return
	esc_sweep a 50 1000
	spoiled=$(guest_value a counters/spoiled_blocks) moved=$(guest_value a counters/migrated_pages)
	# As much as is free and cold, less what has to stay free: in whole blocks there is not as much.
	target=$(($(guest_value a size) / MIB + 2 * HELD_MIB - 20 +
		$(meminfo_mib a MemFree)))
	seen_set a target "${target}M"
	esc_wait_sweeps a $HELD_SWEEPS
	spoiled=$(($(guest_value a counters/spoiled_blocks) - spoiled))
	moved=$(($(guest_value a counters/migrated_pages) - moved)) size=$(($(guest_value a size) / MIB))
	note "$size of $target MiB; $spoiled attempts failed, $moved pages were moved"
	check_range "the balloon stays below $target MiB" 240 "$size" $((target - 4))
	check_range "blocks that cannot be emptied are tried, and then left alone" $HELD_BLOCKS "$spoiled" $((HELD_BLOCKS * 6))
	disk_writes a 0 && esc_sweep a 50 100
	check "when the disk gets on the balloon reaches $target MiB" wait_size a $target 100
	regions_end a >/tmp/report
	check_equal "contents are intact all the same" 4 "$(grep -c 'bad=0$' /tmp/report)"
	check_none_isolated a "nor was a page left isolated"
}

host_load || die "the host's module cannot be loaded"
squeeze esc
check_equal "esc: nothing that is in use was evicted" 0 "$refaults"
check_range "esc: all of it is in whole blocks" $((BALLOON * 95 / 100)) $((blocks * 2)) $((BALLOON + 2))
leave_alone
guest_stop a
check_forgotten
