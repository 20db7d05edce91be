#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A host that is short is not kept waiting until there are histories: it gets what was read once, and nothing that is in
# use. Nor until all of the guest's memory was looked at, however large it is.
#
# timeout: 480

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../agent-lib.sh"
. "$(dirname "$0")/../esc-lib.sh"

ONCE_MIB=200
# Asked beyond what is free in the guest: half of what was read once.
BEYOND_MIB=100
TRACING=/sys/kernel/tracing
# A fast machine looks at all of this guest in less.
PART_NS=20000000

# looked_at_a_part - the first time that the guest chose blocks.
looked_at_a_part()
{
	local looked blocks ns

	read -r looked blocks ns < <(guest_run a "sed -n 's/.*bellows_rank: looked=//p' $TRACING/trace" |
		sed 's/blocks=//; s/ns=//; 1q')
	echo "looked at $looked of $blocks blocks first"
	((looked > 0 && (looked < blocks || ns < PART_NS)))
}

# squeeze MGLRU - of a guest whose histories take minutes.
squeeze()
{
	local free wanted refaults what="MGLRU $1"

	esc_guest a -m 512 --append transparent_hugepage=never || die "no guest"
	esc_mglru a "$1"
	# The kernel's own choice would do here, too.
	guest_set a policy esc
	guest_set a esc/sweep_gap_max_ms 60000 && guest_set a esc/sweep_gap_ms 60000 || die "the gap cannot be set"
	guest_run -t 60 a "dd if=/dev/zero of=/disk/once bs=1M count=$ONCE_MIB 2>/dev/null && sync &&
		echo 3 >/proc/sys/vm/drop_caches" || die "no file"
	regions_start a -s -u 300 -d /disk hot-anon:48 hot-read:48 || die "no regions"
	guest_run -t 60 a 'cat /disk/once >/dev/null'
	# Until what is hot was read some times.
	sleep 3
	refaults=$(guest_vmstat a workingset_refault_file)
	free=$(meminfo_mib a MemFree)
	wanted=$((free + BEYOND_MIB))
	note "$what: $free MiB are free in the guest, $wanted shall go"
	guest_run a "echo 1 >$TRACING/events/bellows_guest/bellows_rank/enable" || die "nothing to trace with"
	press $wanted
	check "$what: the guest gives more than is free" wait_until 60 "[ \$(size_mib a) -ge $((free + BEYOND_MIB / 2)) ]"
	check "$what: without a look at all of its memory first" looked_at_a_part
	check_range "$what: before it has histories (sweeps)" 0 "$(guest_value a counters/sweeps)" 8
	sleep 3
	refaults=$(($(guest_vmstat a workingset_refault_file) - refaults))
	note "$what: $(size_mib a) MiB, $(($(guest_value a blocks) * 2)) of them in blocks"
	check_range "$what: what is read again and again stayed (refaults)" 0 "$refaults" 64
	regions_end a >/tmp/report
	check_equal "$what: contents are intact" 2 "$(grep -c 'bad=0$' /tmp/report)"
	check_none_isolated a "$what: no page was left isolated"
	guest_stop a
	ease
}

agent_start || die "the host's module cannot be loaded"
squeeze n
squeeze y
check_forgotten
