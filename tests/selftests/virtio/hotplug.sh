#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Memory that is plugged into a guest serves its balloon, and can be unplugged though the balloon holds some of it.
#
# timeout: 1000

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../virtio-lib.sh"

# dimm_state STATE - of all blocks that were plugged.
dimm_state()
{
	guest_run -t 300 a 'for block in /sys/devices/system/memory/memory*; do
		grep -qx "$(basename $block)" /tmp/before || [ "$(cat $block/state)" = '"${1%_*}"' ] ||
			echo '"$1"' >$block/state || exit 1; done'
}

for way in "${VIRTIO_WAYS[@]}"; do
	way_start "$way" -m 320 --qemu '-m slots=1,maxmem=1G -object memory-backend-ram,id=more,size=256M' ||
		die "$way: no guest"
	guest_run a 'ls /sys/devices/system/memory >/tmp/before'
	total=$(meminfo_mib a MemTotal)
	check "$way: memory is plugged" \
		guest_qmp a '{"execute":"device_add","arguments":{"driver":"pc-dimm","id":"dimm0","memdev":"more"}}'
	check "$way: the guest sees it" wait_until 20 \
		'[ "$(guest_run a "ls /sys/devices/system/memory | wc -l")" -gt "$(guest_run a "wc -l </tmp/before")" ]'
	check "$way: and takes it" dimm_state online_movable
	check_range "$way: MemTotal grows" $((total + 240)) "$(meminfo_mib a MemTotal)" $((total + 256))
	check "$way: memory to watch" keeper_start a -a 32 -m verify || die "$way: no memory to watch"
	# What is taken lies in the new memory, which is the kernel's first choice for what can be moved. It is little, because
	# the stock driver moves each page by itself.
	guest_balloon a 572
	check "$way: a balloon" wait_until 60 '[ "$(actual_mib a)" = 572 ]'
	check "$way: it lets the new memory go" dimm_state offline
	check "$way: all is intact" keeper_good a
	check "$way: up" guest_balloon a 576
	check_range "$way: and MemTotal is what it was" $((total - 1)) \
		"$(wait_until 20 "[ \$(meminfo_mib a MemTotal) -ge $((total - 1)) ]"; meminfo_mib a MemTotal)" $((total + 1))
	check_qemu_quiet "$way"
	guest_stop a
done
check_forgotten
