#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Three guests that are alike but for their weights, 1 : 2 : 4, pay 4 : 2 : 1.
#
# timeout: 500
# vm: -m 4608

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../agent-lib.sh"

LACKING_MIB=560
guests=(light middle heavy)

# given_mib - by all of them.
given_mib()
{
	local guest all=0

	for guest in "${guests[@]}"; do
		all=$((all + $(size_mib "$guest")))
	done
	echo $all
}

agent_start || die "the host's module cannot be loaded"
# What one is slow to give, or has not begun to, is not to be asked of the others.
host_set policy/doubt_ms 60000
host_set policy/stuck_ms 60000
weight=100
for guest in "${guests[@]}"; do
	pair_start "$guest" -m 896 || die "no guest '$guest'"
	guest_touch "$guest" || die "'$guest' did not touch its memory"
	seen_set "$guest" weight $weight
	seen_set "$guest" buffer_least 0
	weight=$((weight * 2))
done
# An idle guest reports once a second: until then the host takes it for one that has used its memory up.
for guest in "${guests[@]}"; do
	check "the host sees that $guest has memory free" wait_until 20 '[ "$(seen_value $guest free)" -ge $((650 * MIB)) ]'
done
sleep 3

grants=$(host_value counters/grants)
press $LACKING_MIB
reserve=$(($(host_value reserve) / MIB))
check "the host has what it lacked" wait_until 60 '[ $(($(host_value free) / MIB)) -ge $reserve ]'
# What arrives between two looks at the host must not look like too much.
check_equal "nobody took back what it gave" "$grants" "$(host_value counters/grants)"
sleep 3
light=$(size_mib light)
middle=$(size_mib middle)
heavy=$(size_mib heavy)
free=$(($(host_value free) / MIB))
note "light $light, middle $middle, heavy $heavy MiB; host free $free MiB"
# More than that, as what a guest never touched brings nothing and is made up for.
check_range "they gave what was lacking (MiB)" $LACKING_MIB "$(given_mib)" $((2 * LACKING_MIB))
check_range "the host has no more than it wanted (MiB above its reserve)" 0 $((free - reserve)) 200
# Light is above its share, and what is above is cheaper: so it is more than twice. Balloons grow by 2 MiB.
check_range "light gave more than twice as much as middle (percent)" 200 $((light * 100 / (middle + 1))) 600
check_range "middle gave about twice as much as heavy (percent)" 140 $((middle * 100 / (heavy + 1))) 300

ease
for guest in "${guests[@]}"; do
	check "$guest has its memory back" wait_until 60 "[ \"\$(seen_value $guest size)\" = 0 ]"
	guest_stop "$guest"
done
check_forgotten
check_unload_host
