#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The statistics that the VMM asks for ("virsh dommemstat") are what the guest's own /proc says at that moment.
#
# timeout: 500

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../virtio-lib.sh"

# What a guest may free or use while we look twice.
slack=$((8 * MIB))

# vmstat FIELD - in $figures, what guest_figures printed.
vmstat()
{
	awk -v field="$1" '$1 == field { print $2 }' <<<"$figures"
}

# meminfo FIELD... - the sum, in bytes.
meminfo()
{
	local field sum=0

	for field; do
		sum=$((sum + $(vmstat "$field:")))
	done
	echo $((sum * 1024))
}

guest_figures()
{
	guest_run -t 20 a 'cat /proc/vmstat /proc/meminfo'
}

# Figures that were made after now.
new_stats()
{
	local last

	last=$(stat_update)
	wait_until 10 "[ \"\$(stat_update)\" -gt $((last + 1)) ]" && device_get a guest-stats
}

stat_update()
{
	local stats

	stats=$(device_get a guest-stats)
	stats=${stats##*\"last-update\": }
	echo "${stats%%[,\}]*}"
}

# check_count NAME TAG BEFORE AFTER - of something that only grows.
check_count()
{
	check_range "$way: $1" "$3" "$(stat_of "$stats" "$2")" "$4"
}

# check_bytes NAME TAG BYTES
check_bytes()
{
	check_range "$way: $1" $(($3 - slack)) "$(stat_of "$stats" "$2")" $(($3 + slack))
}

compare()
{
	local before after stats field

	before=$(guest_figures)
	stats=$(new_stats) || { not_ok "$way: there are no new figures"; return; }
	after=$(guest_figures)
	note "$stats"

	# The meaning that the stock driver gave the last of them: all faults.
	for field in major-faults:pgmajfault minor-faults:pgfault htlb-pgalloc:htlb_buddy_alloc_success \
		htlb-pgfail:htlb_buddy_alloc_fail; do
		check_count "$1, ${field%:*}" "${field%:*}" "$(figures=$before vmstat "${field#*:}")" \
			"$(figures=$after vmstat "${field#*:}")"
	done
	for field in swap-in:pswpin swap-out:pswpout; do
		check_count "$1, ${field%:*}" "${field%:*}" $(($(figures=$before vmstat "${field#*:}") * 4096)) \
			$(($(figures=$after vmstat "${field#*:}") * 4096))
	done
	figures=$after
	check_bytes "$1, free" free-memory "$(meminfo MemFree)"
	check_equal "$way: $1, total" "$(meminfo MemTotal)" "$(stat_of "$stats" total-memory)"
	check_bytes "$1, available" available-memory "$(meminfo MemAvailable)"
	check_bytes "$1, caches" disk-caches "$(meminfo Cached Buffers SwapCached)"
}

for way in "${VIRTIO_WAYS[@]}"; do
	way_start "$way" -m 384 || die "$way: no guest"
	check "$way: QEMU polls" device_set a guest-stats-polling-interval 1
	check "$way: and gets an answer" wait_until 10 'device_get a guest-stats | grep -q "\"stat-total-memory\": [1-9]"'
	compare "at rest"
	# A swap that is used, a cache, a huge page and a balloon.
	guest_run a 'modprobe zram; echo 64M >/sys/block/zram0/disksize; mkswap /dev/zram0; swapon /dev/zram0' >/dev/null
	guest_run a 'head -c 40m /dev/zero >/dev/shm/cache; echo 2 >/proc/sys/vm/nr_hugepages; echo 0 >/proc/sys/vm/nr_hugepages'
	check "$way: with a balloon" setmem a 288
	guest_run -t 180 a 'memkeeper -m idle -t 1 -s 3 -a 170' >/dev/null 2>&1
	compare "in use"
	check "$way: QEMU stops" device_set a guest-stats-polling-interval 0
	check_qemu_quiet "$way"
	guest_stop a
done
