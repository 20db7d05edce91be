#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the host has swapped out of a guest by itself, the guest does not evict once more: the host would have to read it
# back only for that (C2). The host names it, for as long as it is so.
#
# timeout: 600
# vm: -m 3072

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../esc-lib.sh"

CGROUP=/sys/fs/cgroup/vm
# Of a guest of 384 MiB. The first part of its cold memory goes to the host's swap; what is not free of the balloon
# has to come out of the rest.
COLD=190
HOST_TAKES=100
BALLOON=100

# host_vmstat KEY
host_vmstat()
{
	sed -n "s/^$1 //p" /proc/vmstat
}

# Its memory is charged to the cgroup that its QEMU is started in. Its swap is a device of its own, of which the host
# caches nothing.
start_charged()
(
	echo "$BASHPID" >"$CGROUP/cgroup.procs" && esc_guest a -m 384 --append transparent_hugepage=never \
		--qemu "-drive file=/dev/zram1,format=raw,if=virtio,cache=none"
)

# host_swaps MIB - it swaps so much of the VM, the least recently used first; all of it is anonymous.
host_swaps()
{
	local until=$(($(host_vmstat pswpout) + $1 * 256))

	wait_until 60 "echo 16M >$CGROUP/memory.reclaim; [ \$(host_vmstat pswpout) -ge $until ]" 2>/dev/null
}

hinted_mib()
{
	echo $(($(guest_value a esc/hinted_pages) / 256))
}

modprobe zram num_devices=2 && echo 300M >/sys/block/zram0/disksize && echo 300M >/sys/block/zram1/disksize &&
	mkswap /dev/zram0 >/dev/null && mkswap /dev/zram1 >/dev/null && swapon /dev/zram0 || die "no swap"
echo 200 >/proc/sys/vm/swappiness
echo +memory >/sys/fs/cgroup/cgroup.subtree_control && mkdir "$CGROUP" || die "no memory cgroup"
host_load || die "the host's module cannot be loaded"
start_charged || die "no guest"
guest_set a policy esc
guest_run a 'swapon /dev/vdb && echo 3 >/proc/sys/vm/drop_caches' || die "no swap in the guest"
esc_sweep a 50 400
regions_start a -u 300 cold-anon:$COLD hot-anon:24 || die "no regions"
esc_wait_sweeps a 4
check_equal "a host that swaps nothing names nothing" 0 "$(guest_value a esc/hinted_pages)"

check "the host swaps" host_swaps $HOST_TAKES
check "it names most of what it took" wait_until 30 "[ \$(hinted_mib) -ge $((HOST_TAKES * 6 / 10)) ]"
check_range "and nothing else (MiB)" 1 "$(hinted_mib)" $((HOST_TAKES * 3 / 2))
# What it took and was in use is back then.
esc_wait_sweeps a 11
note "$(hinted_mib) MiB are named; $(guest_run a "grep -E 'MemFree|^Anon|^Swap' /proc/meminfo" | tr '\n' ' ')"
out=$(guest_vmstat a pswpout) in=$(host_vmstat pswpin)
check "the balloon reaches $BALLOON MiB" balloon a $BALLOON 100
out=$(($(guest_vmstat a pswpout) - out)) in=$(($(host_vmstat pswpin) - in))
note "$out pages swapped out by the guest, $in read back by the host; $(hinted_mib) MiB are named"
check_range "the guest had to swap for it (pages)" 4000 "$out" 40000
check_range "the host had next to nothing to read back for it (pages)" 0 "$in" $((out / 8))

host_set residence_ms 0
check "a host that does not look names nothing" wait_until 30 '[ "$(hinted_mib)" = 0 ]'
host_set residence_ms 1000
check "and when it looks again it does" wait_until 30 "[ \$(hinted_mib) -ge $((HOST_TAKES / 2)) ]"

check "the balloon is emptied" balloon a 0
regions_end a >/tmp/report
sed 's/^/# /' /tmp/report
check_equal "contents are intact" 2 "$(grep -c 'bad=0$' /tmp/report)"
check "what is back in memory is not named any more" wait_until 30 "[ \$(hinted_mib) -le $((HOST_TAKES / 2)) ]"
note "$(hinted_mib) MiB are named"
check_none_isolated a "no page was left isolated"
guest_stop a
check_forgotten
check_unload_host
