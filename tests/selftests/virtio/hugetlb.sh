#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A guest on huge pages, sized by the virtio device: whole blocks come back as huge pages of the host, with and without
# the host's module. The stock driver gives single pages, of which such a host gets nothing.
#
# timeout: 500

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../virtio-lib.sh"

huge_free_mib()
{
	awk '/^HugePages_Free:/ { pages = $2 } /^Hugepagesize:/ { print pages * $2 / 1024 }' /proc/meminfo
}

for way in "${VIRTIO_WAYS[@]}"; do
	way_start "$way" -m 384 --backing hugetlb-memfd || die "$way: no guest"
	check "$way: memory to watch" keeper_start a -a 64 -m verify || die "$way: no memory to watch"
	guest_touch a || not_ok "$way: the guest cannot touch its memory"
	before=$(huge_free_mib)
	check "$way: down to 224 MiB" setmem a 224
	gained=$(($(huge_free_mib) - before))
	if [ "$way" = stock ]; then
		note "the stock driver brings $gained of 160 MiB in huge pages"
	else
		# Some of it the guest had not touched.
		check_range "$way: MiB in huge pages that the host gained" 130 $gained 162
	fi
	check "$way: what the guest kept is intact" keeper_good a
	check "$way: up again" setmem a 384
	check "$way: the guest can use it" guest_run a 'memkeeper -a 160 -m busy -t 3 -s 7'
	check "$way: what it kept is still intact" keeper_good a
	check_qemu_quiet "$way" 'Balloon used with backing page size > 4kiB'
	guest_stop a
done
