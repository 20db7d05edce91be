#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Large folios of the page cache: what is cold goes as a whole, and what is in use moves as a whole to make whole blocks,
# or is split where nowhere as much is free in one piece. Nothing of what is in use is evicted, nothing is lost.
#
# timeout: 900

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../esc-lib.sh"

# Of a guest of 512 MiB.
BALLOON=240

command -v mkfs.xfs >/dev/null || skip_all "no mkfs.xfs: no file system with large folios"

# The guests' image has no xfs: an image of 16 MiB that has.
xfs_image()
{
	local module

	mkdir -p /run/modules
	for module in fs/xfs/xfs lib/libcrc32c; do
		cp "$BELLOWS_KERNEL_DIR/lib/modules/$BELLOWS_KERNEL/kernel/$module".ko* /run/modules || return
	done
	find /run/modules -name '*.xz' -exec xz -d {} +
	rm -f /run/modules.img
	truncate -s 16M /run/modules.img && mkfs.ext4 -q -O ^has_journal -d /run/modules /run/modules.img
}

# large_mount NAME - the second disk at /large, by way of the third.
large_mount()
{
	guest_run "$1" 'modprobe crc32c_generic; mkdir -p /large /modules && mount -t ext4 -o ro /dev/vdc /modules &&
		insmod /modules/libcrc32c.ko && insmod /modules/xfs.ko && mount -t xfs /dev/vdb /large'
}

# squeeze WHAT REGION... - sets $evicted, $moved and $split.
squeeze()
{
	local what=$1 before refaults

	shift
	truncate -s 1G /run/large && mkfs.xfs -q -f /run/large || die "no disk"
	esc_guest a -m 512 --append transparent_hugepage=never --qemu \
		"-drive file=/run/large,format=raw,if=virtio,cache=unsafe" --qemu \
		"-drive file=/run/modules.img,format=raw,if=virtio,readonly=on" || die "no guest"
	large_mount a || die "no file system"
	# Since 6.7 a CPU sets more and more single pages aside at a time, and they would lie apart from the large folios.
	guest_run a 'echo 100000 >/proc/sys/vm/percpu_pagelist_high_fraction' || die "no choice of how many"
	guest_set a policy esc
	esc_sweep a 50 400
	regions_start a -l -u 300 -d /large "$@" || die "no regions"
	esc_wait_sweeps a 11
	note "free: $(guest_run a "grep -E 'Normal|DMA32' /proc/buddyinfo")"
	before=$(guest_vmstat a workingset_refault_file)
	check "$what: the balloon reaches $BALLOON MiB" balloon a $BALLOON 120
	# What was dropped and is used is missed now.
	sleep 5
	refaults=$(($(guest_vmstat a workingset_refault_file) - before))
	guest_run a "cd $GUEST/counters && grep . evicted* migrated* split* made* spoiled* not_paying left* isolated_b*" |
		sed 's/^/# /'
	note "$what: $(guest_value a blocks) blocks, $refaults refaults; free: $(guest_run a "grep DMA32 /proc/buddyinfo")"
	evicted=$(guest_value a counters/evicted_huge)
	moved=$(guest_value a counters/migrated_huge)
	split=$(guest_value a counters/split_huge)
	check_equal "$what: nothing that is in use was evicted" 0 "$refaults"
	check_range "$what: blocks were made" 10 "$(guest_value a counters/made_blocks)" 120
	check_range "$what: all of it is in whole blocks" $((BALLOON * 95 / 100)) $(($(guest_value a blocks) * 2)) \
		$((BALLOON + 2))
	regions_end a >/tmp/report
	sed 's/^/# /' /tmp/report
	check_equal "$what: contents are intact" "$#" "$(grep -c 'bad=0$' /tmp/report)"
	check_none_isolated a "$what: no page was left isolated"
	guest_stop a
}

xfs_image || die "no xfs"
host_load || die "the host's module cannot be loaded"
# What is cold leaves single pages free, and what is in use lies between them.
squeeze "among small pages" hot-read:56 hot-anon:56 cold-clean:120
check_range "large folios in use move as they are, when they can" 1 "$moved" 5000
check_range "or are split, when they cannot" 1 "$split" 5000
squeeze "among large cold ones" hot-read:80 cold-read:160
check_range "large folios that are cold go as they are" 100 "$evicted" 5000
check_range "large folios in use move as they are" 50 "$moved" 5000
check_forgotten
