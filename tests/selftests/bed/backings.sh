#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every kind of memory that a guest can be given is really of that kind.
#
# timeout: 400

. "$(dirname "$0")/../lib.sh"

# maps KIND - what the memory of guest "x" is called in its QEMU's map.
guest_maps()
{
	grep -E "$1" "/proc/$(guest_pid x)/maps"
}

for kind in memfd:/memfd:memory-backend-memfd shm:/dev/shm/ hugetlb-memfd:/memfd:memory-backend-memfd \
		hugetlb-path:/dev/hugepages/; do
	check "a guest on ${kind%%:*}" guest_start x -m 256 --backing "${kind%%:*}"
	check "its memory is ${kind#*:}" guest_maps "${kind#*:}"
	guest_stop x
done
check_equal "no huge page is left in use" "$(cat /proc/sys/vm/nr_hugepages)" \
	"$(awk '/^HugePages_Free/ { print $2 }' /proc/meminfo)"
