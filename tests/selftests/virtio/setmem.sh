#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The VMM sets a guest's size by the virtio device: the guest gets there, both down and up, the host has the memory,
# and what the guest keeps is intact.
#
# timeout: 800

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../virtio-lib.sh"

slack_mib=40

# Pages that the guest's kernel marks as not there, so that no dump reads them.
offline_pages()
{
	guest_run -t 60 a 'cat /proc/kpageflags' | od -An -v -t x8 -w8 | grep -cE '[89a-f].{5}$'
}

resize()
{
	local way=$1 free total gained

	way_start "$way" -m 512 || die "$way: no guest"
	check "$way: memory to watch" keeper_start a -a 96 -m verify || die "$way: no memory to watch"
	guest_touch a || not_ok "$way: the guest cannot touch its memory"
	sleep 1
	free=$(host_free_kib)
	total=$(meminfo_mib a MemTotal)

	check "$way: down to 288 MiB" setmem a 288
	gained=$((($(host_free_kib) - free) / 1024))
	check_range "$way: MiB that the host gained" $((224 - slack_mib)) $gained $((224 + slack_mib))
	check_range "$way: MiB that MemTotal lost" 222 $((total - $(meminfo_mib a MemTotal))) 226
	check_range "$way: no dump would read what it holds (pages)" $((222 * 256)) "$(offline_pages)" $((226 * 256))
	case $way in
	alone)	check_equal "$way: no call could help" 0 "$(guest_value a counters/release_calls)"
		check_equal "$way: the VMM is who wanted it" virtio "$(guest_value a target_source)" ;;
	pair)	check_range "$way: the host's kernel took it all (MiB)" 222 $(($(seen_value a size) / MIB)) 226
		check_equal "$way: the VMM is who wanted it" virtio "$(guest_value a target_source)" ;;
	esac
	check "$way: what the guest kept is intact" keeper_good a

	check "$way: up to 400 MiB" setmem a 400
	check "$way: up to 512 MiB" setmem a 512
	check_range "$way: MemTotal is what it was" $((total - 1)) "$(meminfo_mib a MemTotal)" $((total + 1))
	check "$way: the guest can use it" guest_run a 'memkeeper -a 224 -m busy -t 3 -s 7'
	check "$way: what it kept is intact" keeper_good a

	check "$way: down again" setmem a 320
	check "$way: the driver can go" way_undrive "$way"
	check_equal "$way: and gives all back" 512 "$(actual_mib a)"
	check_range "$way: to the guest, too" $((total - 1)) "$(meminfo_mib a MemTotal)" $((total + 1))
	check_qemu_quiet "$way"
	guest_stop a
}

for way in "${VIRTIO_WAYS[@]}"; do
	resize "$way"
done
check_forgotten
check_unload_host
