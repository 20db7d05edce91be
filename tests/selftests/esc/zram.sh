#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Cold memory that does not compress, and swap in compressed memory: swapping it out frees nothing, so it is soon given
# up, and not tried again and again. The guest falls short instead.
#
# timeout: 300

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../esc-lib.sh"

# Beyond what is free: less than a third of what is cold.
BEYOND_MIB=60
# Some batches, of 256 pages each. There is a sweep every 0.4 s, and each would allow another.
SWAPPED_MOST=4000

host_load || die "the host's module cannot be loaded"
esc_guest a -m 512 --append transparent_hugepage=never || die "no guest"
guest_set a policy esc
esc_zram a 300 || die "no swap"
guest_run a 'echo 3 >/proc/sys/vm/drop_caches'
esc_sweep a 50 400
regions_start a -u 300 -d /disk hot-anon:48 cold-anon:200 || die "no regions"
esc_wait_sweeps a 11

wanted=$(($(meminfo_mib a MemFree) + BEYOND_MIB))
out=$(guest_vmstat a pswpout)
seen_set a target ${wanted}M
sleep 20
out=$(($(guest_vmstat a pswpout) - out))
guest_run a "cd $GUEST/counters && grep . evicted* made* not_paying" | sed 's/^/# /'
note "$out pages swapped out; $(($(guest_value a size) / MIB)) of $wanted MiB reached"
check_range "it was tried" 1 "$(guest_value a counters/not_paying)" 100
check_range "and given up (pages swapped out)" 1 "$out" $SWAPPED_MOST
check_range "it falls short (MiB)" 1 $(($(guest_value a size) / MIB)) $((wanted - 8))
regions_end a >/tmp/report
check_equal "contents are intact" 2 "$(grep -c 'bad=0$' /tmp/report)"
check_none_isolated a "no page was left isolated"
guest_stop a
check_forgotten
