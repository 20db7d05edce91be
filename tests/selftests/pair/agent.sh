#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The agent: a host that runs short squeezes the guest with memory to spare, keeps above its reserve, and
# gives back when it can.
#
# timeout: 900
# vm: -m 3072

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"

hog=''
trap 'code=$?; [ -z "$hog" ] || kill "$hog"; (exit $code); _ktap_finish' EXIT

# hog MIB - takes that much of the host's memory and keeps it.
hog()
{
	"$BELLOWS_BUILD/tests/bin/memkeeper" -a "$1" -m idle >/dev/null &
	hog=$!
}

module_load_host || die "the host's module cannot be loaded"
# The idle guest has spare memory; the busy one uses nearly all of its own.
pair_start idle -m 768 || die "no idle guest"
pair_start busy -m 384 || die "no busy guest"
guest_touch idle
keeper_start idle -a 64 -m verify || die "no memory to watch"
keeper_start busy -a 230 -m busy || die "no memory to watch"

check_equal "the agent is on" on "$(host_value agent)"
free_mib=$(($(host_value free) / MIB))
reserve_mib=500
host_set reserve ${reserve_mib}M || die "the reserve cannot be set"
sleep 3
note "free $free_mib MiB, reserve $reserve_mib MiB"
check_equal "with enough free memory nobody is asked" 0 "$(seen_value idle size)"

# 250 MiB below the reserve, if nobody gave anything.
hog $((free_mib - reserve_mib + 250))
check "the idle guest gives" wait_until 60 '[ "$(seen_value idle size)" -ge $((150 * MIB)) ]'
check "the host is back above its reserve" \
	wait_until 60 '[ "$(host_value free)" -ge $(((reserve_mib - 16) * MIB)) ]'
sleep 5
note "idle: $(($(seen_value idle size) / MIB)) MiB, busy: $(($(seen_value busy size) / MIB)) MiB," \
	"host free: $(($(host_value free) / MIB)) MiB"
check_range "it stays there (MiB)" $((reserve_mib - 16)) $(($(host_value free) / MIB)) $((reserve_mib + 400))
check_range "the busy guest is left alone (MiB)" 0 $(($(seen_value busy size) / MIB)) 64
check_range "the agent says how fast it was (us)" 1 "$(host_value counters/reaction_last_us)" 60000000
check "no data of the idle guest is damaged" keeper_good idle
check "nor of the busy one" keeper_good busy
check_equal "nobody was killed in the idle guest" 0 "$(seen_value idle oom_kills)"
check_equal "nor in the busy one" 0 "$(seen_value busy oom_kills)"

kill "$hog"
wait "$hog" 2>/dev/null
hog=''
check "when memory is there again, it is given back" \
	wait_until 120 '[ "$(seen_value idle size)" -le $((32 * MIB)) ]'

# A guest that is set by hand is the operator's.
seen_set idle target 100M
check "a target by hand" wait_size idle 100
sleep 5
check "is left alone" wait_size idle 100
check "until the operator says so" seen_set idle target_mode auto
check "then it is given back" wait_until 60 '[ "$(seen_value idle size)" -le $((32 * MIB)) ]'

guest_stop idle
guest_stop busy
check_forgotten "nothing is left of the guests"
check_unload_host
