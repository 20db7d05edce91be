#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# RELEASE of memory that the host's kernel does something of its own with: userfaultfd, mlock, KSM, zswap
# (src/flat_host_memory.c), and RELEASE while the OOM killer is at work (src/flat_oom.c). What is held stays, the rest is
# freed, and not a byte is lost (C10, C11).
#
# timeout: 300

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$BELLOWS_TOP/scripts/lib/console.sh"

# Swap that was there before zswap would go on without it.
echo 1 >/sys/module/zswap/parameters/enabled && modprobe zram && echo 256M >/sys/block/zram0/disksize &&
	mkswap /dev/zram0 >/dev/null && swapon /dev/zram0 || die "no swap"
echo 10000 >/sys/kernel/mm/ksm/pages_to_scan && echo 10 >/sys/kernel/mm/ksm/sleep_millisecs &&
	echo 1 >/sys/kernel/mm/ksm/run || die "no KSM"
host_load || die "the host's module cannot be loaded"
pins=$(pinned_pages)
run_flat flat_host_memory
echo 2 >/sys/kernel/mm/ksm/run

# Room for the machine of flat_oom.c, and not for much more.
cgroup=/sys/fs/cgroup/vm
echo +memory >/sys/fs/cgroup/cgroup.subtree_control && mkdir "$cgroup" && echo 32M >"$cgroup/memory.max" &&
	echo 0 >"$cgroup/memory.swap.max" || die "no memory cgroup"
# What the OOM killer says would be taken for trouble. It is looked at here: only a trace of its calls is its own.
dmesg -C
dmesg -n 4
run_flat flat_oom
dmesg >/tmp/reports
dmesg -n 7
check_range "the kernel has killed for memory" 12 "$(grep -c 'Memory cgroup out of memory' /tmp/reports)" 100
check_equal "and has reported nothing else" '' "$(kernel_reports /tmp/reports | grep -v 'Call Trace')"

# The kernel sums these counts up only every second.
check "no page is pinned" wait_until 10 "[ \"\$(pinned_pages)\" = $pins ]"
check_forgotten "nothing is left of the machines"
check_unload_host
