#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Pages whose use is known are in the class that they belong in, from the second sweep on.
#
# timeout: 300

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../esc-lib.sh"

# check_classes WHEN - 99 of 100 pages of each region are right.
check_classes()
{
	local line

	regions_report a >/tmp/report || die "no report"
	while read -r line; do
		note "$line"
		check_range "$1: ${line%% *} is in its class" $((4096 * 99 / 100)) "$(field "$line" right)" 4096
	done </tmp/report
}

host_load || die "the host's module cannot be loaded"
esc_guest a -m 512 --append transparent_hugepage=never || die "no guest"
for mglru in n y; do
	esc_mglru a $mglru
	regions_start a -n 16 -d /disk || die "no regions"
	esc_sweep a 50 500
	esc_wait_sweeps a 3
	check_classes "MGLRU $mglru, third sweep"
	# By now the writing of the cold regions lies outside the window.
	esc_wait_sweeps a 9
	check_classes "MGLRU $mglru, tenth sweep"
	regions_end a >/tmp/report
	check "MGLRU $mglru: contents are intact" test "$(grep -c 'bad=0$' /tmp/report)" = 8
	guest_run a 'rm -f /disk/*-*; echo 3 >/proc/sys/vm/drop_caches'
done
check_none_isolated a "no page was left isolated"
guest_stop a
check_forgotten
