#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What was cold in every sweep and is used after the last one stays, whether it is used by its mapping or by read(): the
# histories do not know it yet, but who is about to evict it looks once more. What nobody used goes instead.
#
# timeout: 600

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../esc-lib.sh"

# Of a guest of 512 MiB: used late, and not at all.
LATE_MIB=40
ONCE_MIB=100
# Asked beyond what is free: most of what nobody uses.
BEYOND_MIB=70

# squeeze MGLRU
squeeze()
{
	local wanted refaults what="MGLRU $1"

	esc_guest a -m 512 --append transparent_hugepage=never || die "no guest"
	esc_mglru a "$1"
	guest_set a policy esc
	guest_run -t 60 a "dd if=/dev/zero of=/disk/once bs=1M count=$ONCE_MIB 2>/dev/null && sync &&
		echo 3 >/proc/sys/vm/drop_caches" || die "no file"
	regions_start a -s -i -d /disk cold-clean:$LATE_MIB cold-read:$LATE_MIB || die "no regions"
	guest_run -t 60 a 'cat /disk/once >/dev/null'
	esc_sweep a 50 400
	# Until all of it was idle for as long as is told apart.
	esc_wait_sweeps a 18
	# The next sweep but one comes when all is over.
	esc_sweep a 50 60000
	esc_wait_sweeps a 1
	check "$what: what was cold is used" regions_use_cold a
	refaults=$(guest_vmstat a workingset_refault_file)
	wanted=$(($(meminfo_mib a MemFree) + BEYOND_MIB))
	check "$what: the balloon reaches $wanted MiB, more than is free" balloon a $wanted 50
	check "$what: what was used late is used again" regions_use_cold a
	refaults=$(($(guest_vmstat a workingset_refault_file) - refaults))
	guest_run a "cd $GUEST/counters && grep . evicted* migrated* made* spoiled* sweeps" | sed 's/^/# /'
	check_range "$what: other pages were evicted" 5000 "$(guest_value a counters/evicted_pages)" $((ONCE_MIB * 256 + 1000))
	check_range "$what: what was used late stayed (refaults)" 0 "$refaults" 64
	regions_end a >/tmp/report
	check_equal "$what: contents are intact" 2 "$(grep -c 'bad=0$' /tmp/report)"
	check_none_isolated a "$what: no page was left isolated"
	guest_stop a
}

host_load || die "the host's module cannot be loaded"
squeeze n
squeeze y
check_forgotten
