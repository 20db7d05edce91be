#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a control group of the guest was promised (memory.min, memory.low) is not evicted, however cold it is: its own
# promise and that of a group above it. What others have goes instead.
#
# timeout: 300

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../esc-lib.sh"

FILE_MIB=64
# Taken beyond what is free; some of that the guest keeps, too.
BEYOND_MIB=28

# cache_mib GROUP - page cache that is charged to a group.
cache_mib()
{
	echo $(($(guest_run a "awk '/^file / { print \$2 }' /group/$1/memory.stat") / MIB))
}

host_load || die "the host's module cannot be loaded"
esc_guest a -m 512 --append transparent_hugepage=never || die "no guest"
# Nobody but the histories: the kernel's own reclaim would keep promises, too.
guest_set a policy esc
guest_run a "mkdir /group && mount -t cgroup2 none /group && cd /group && echo +memory >cgroup.subtree_control &&
	mkdir -p own above/child others && echo +memory >above/cgroup.subtree_control &&
	echo 100M >own/memory.min && echo 100M >above/memory.low" || die "no control groups"
# A MiB of each in turn, so that none of them is more at hand than another.
guest_run -t 200 a "for file in own above others; do dd if=/dev/zero of=/disk/\$file bs=1M count=$FILE_MIB 2>/dev/null; done
	sync; echo 3 >/proc/sys/vm/drop_caches; at=0
	while [ \$at -lt $FILE_MIB ]; do
		for group in own above/child others; do
			(echo 0 >/group/\$group/cgroup.procs &&
				dd if=/disk/\${group%/*} of=/dev/null bs=1M count=1 skip=\$at 2>/dev/null) || exit
		done
		at=\$((at + 1))
	done" || die "no cache"
for group in own above/child others; do
	check_range "$group has its cache (MiB)" $((FILE_MIB - 1)) "$(cache_mib $group)" $((FILE_MIB + 8))
done
esc_sweep a 50 400
esc_wait_sweeps a 11

wanted=$(($(meminfo_mib a MemFree) + BEYOND_MIB))
check "the balloon reaches $wanted MiB, more than is free" balloon a $wanted 100
guest_run a "cd $GUEST/counters && grep . evicted* migrated* made*" | sed 's/^/# /'
check_range "what was promised to a group is still there (MiB)" $((FILE_MIB - 1)) "$(cache_mib own)" $((FILE_MIB + 8))
check_range "and what was promised to one above it" $((FILE_MIB - 1)) "$(cache_mib above/child)" $((FILE_MIB + 8))
check_range "others parted with theirs" 0 "$(cache_mib others)" $((FILE_MIB - BEYOND_MIB))
guest_stop a
check_forgotten
