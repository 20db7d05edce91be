#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Single pages of the balloon are moved when the guest's kernel compacts memory, and nobody's data is damaged; the
# accounts of all sides are what they were.
#
# timeout: 800

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../virtio-lib.sh"

steps=12

# Pages of balloons that the guest's kernel has moved.
moved()
{
	guest_run a "awk '/^balloon_migrate / { print \$2 }' /proc/vmstat"
}

# Memory with holes all over it: files of 64 KiB, every other of which is freed again. The balloon takes holes, because
# each step is smaller than a block; then all files go, and compaction finds the balloon's pages in its way. The holes that
# were made last are taken first: made in order, they could all lie at the upper end, which nothing moves away from.
fragment()
{
	guest_run -t 240 a 'mkdir /dev/shm/files && cd /dev/shm/files || exit
		file=0
		while [ $file -lt 2800 ]; do
			printf %65536s >$file || exit
			file=$((file + 1))
		done
		ls | grep "[13579]$" | shuf | xargs rm'
}

inflate_in_steps()
{
	local mib

	for ((mib = 383; mib >= 384 - steps; mib--)); do
		guest_balloon a $mib && wait_until 30 "[ \$(actual_mib a) = $mib ]" || return
	done
}

compact()
{
	for _ in 1 2 3; do
		guest_run a 'echo 1 >/proc/sys/vm/compact_memory'
	done
}

run()
{
	local size

	way_start "$way" -m 384 --append 'transparent_hugepage=never' || die "$way: no guest"
	check "$way: memory to watch" keeper_start a -a 48 -m verify || die "$way: no memory to watch"
	check "$way: scattered memory" fragment
	check "$way: a balloon of single pages" inflate_in_steps
	if [ "$way" != stock ]; then
		size=$(guest_value a size)
		check_equal "$way: it has no blocks" 0 "$(guest_value a blocks)"
		check_equal "$way: but single pages" $((steps * 256)) "$(guest_value a single_pages)"
	fi
	guest_run a 'rm -r /dev/shm/files'
	compact
	check_range "$way: pages were moved" 64 "$(moved)" 1000000
	check "$way: what the guest kept is intact" keeper_good a
	check_equal "$way: the VMM sees no change" $((384 - steps)) "$(actual_mib a)"
	if [ "$way" != stock ]; then
		check_equal "$way: nor does the guest" "$size" "$(guest_value a size)"
		check_equal "$way: they are counted" "$(moved)" "$(guest_value a counters/moved_pages)"
	fi
	[ "$way" != pair ] || check_equal "$way: nor the host" "$size" "$(seen_value a size)"
	check "$way: up again" setmem a 384
	check "$way: the guest can use it" guest_run a 'memkeeper -a 200 -m busy -t 3 -s 7'
	check "$way: what it kept is intact" keeper_good a
	check "$way: the driver can go" way_undrive "$way"
	check_qemu_quiet "$way"
	guest_stop a
}

for way in "${VIRTIO_WAYS[@]}"; do
	run
done
check_forgotten
