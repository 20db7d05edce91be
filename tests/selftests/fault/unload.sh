#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Either module is unloaded and loaded while the other works, 20 times, under load: the pair comes
# together again each time, and no data is damaged.
#
# timeout: 900

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"

rounds=20

host_load || die "the host's module cannot be loaded"
pair_start a -m 512 || die "no pair"
keeper_start a -a 128 -m busy || die "no memory to watch"
pins=$(pinned_pages)

failed=0
for ((i = 0; i < rounds; i++)); do
	seen_set a target $((64 + i % 4 * 32))M
	sleep 0.$((i % 10))
	# In the middle of the inflation. The guest keeps its balloon for a grace period.
	module_unload_host || { failed=$((failed + 1)); note "round $i: the host's module did not go"; continue; }
	[ ! -e "$HOST" ] || { failed=$((failed + 1)); note "round $i: $HOST was left"; }
	sleep 0.$((i * 3 % 10))
	host_load || { failed=$((failed + 1)); note "round $i: the host's module did not come"; break; }
	wait_until 30 '[ "$(seen_value a state)" = present ]' ||
		{ failed=$((failed + 1)); note "round $i: the guest did not come back"; }
	wait_until 10 '[ "$(guest_value a size)" = "$(seen_value a size)" ]' ||
		{ failed=$((failed + 1)); note "round $i: guest says $(guest_value a size), host $(seen_value a size)"; }
done
check_equal "the host's module, $rounds times: failures" 0 $failed
check "no data was damaged" keeper_good a
check "the balloon works" balloon a 96

failed=0
for ((i = 0; i < rounds; i++)); do
	seen_set a target $((64 + i % 4 * 32))M
	sleep 0.$((i % 10))
	module_unload_guest a || { failed=$((failed + 1)); note "round $i: the guest's module did not go"; continue; }
	[ "$(seen_value a state)" = left ] ||
		{ failed=$((failed + 1)); note "round $i: the host takes it for $(seen_value a state)"; }
	[ "$(seen_value a size)" = 0 ] || { failed=$((failed + 1)); note "round $i: size $(seen_value a size)"; }
	[ "$(host_value counters/pinned_pages)" = 0 ] || { failed=$((failed + 1)); note "round $i: a page is pinned"; }
	pair_join a || { failed=$((failed + 1)); note "round $i: the guest's module did not come back"; break; }
done
check_equal "the guest's module, $rounds times: failures" 0 $failed
check "no data was damaged, either" keeper_good a
check "the balloon still works" balloon a 96
check_equal "one page is pinned" "$pins" "$(pinned_pages)"

module_unload_guest a
check "without the module the guest has all of its memory" guest_run a 'memkeeper -a 200 -m busy -t 3'
guest_stop a
check_forgotten
check_unload_host
