#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# One guest is stopped, one lies about what it gives, one is killed while it gives: the one that is left delivers
# what the host needs.
#
# timeout: 800
# vm: -m 3072

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../agent-lib.sh"

agent_start || die "the host's module cannot be loaded"
for guest in stopped killed honest; do
	pair_start $guest -m 448 || die "no guest '$guest'"
	guest_touch $guest
done
"$FLAT/flat_liar" &
liar=$!
check "the liar is registered" wait_until 20 '[ "$(host_value guests/$liar/state)" = present ]'
check "and says that it has free memory" wait_until 20 '[ "$(host_value guests/$liar/free)" -gt $((64 * MIB)) ]'

# bounds GUEST_PID - until it is killed, why that guest is not asked for more, whenever that changes.
bounds()
{
	local now before=''

	while sleep 0.1; do
		now=$(host_value "guests/$1/bound")
		[ "$now" = "$before" ] || echo "$now"
		before=$now
	done
}

bounds $liar >/tmp/bounds &
watcher=$!
kill -STOP "$(guest_pid stopped)"
press 240
sleep 0.5
killed=$(guest_pid killed)
kill -9 "$killed"
check "the killed one is forgotten" wait_until 30 '[ ! -e "$HOST/guests/$killed" ]'
# What the killed one had is free now. This is more than the honest one has, so the host stays short and goes on asking.
press 400
check "the honest one delivers" wait_until 60 '[ "$(size_mib honest)" -ge 150 ]'
check_equal "the liar gave nothing by the host's account" 0 "$(host_value guests/$liar/size)"
check_equal "the stopped one neither" 0 "$(seen_value stopped size)"
check "the liar is set aside" wait_until 30 "grep -qxE 'stuck|worthless' /tmp/bounds"
note "the liar's bounds: $(tr '\n' ' ' </tmp/bounds); stopped: $(seen_value stopped bound)"
kill $watcher

kill -CONT "$(guest_pid stopped)"
check "the one that was stopped is back" wait_until 30 'guest_run -t 10 stopped true'
ease
for guest in stopped honest; do
	check "$guest has its memory back" wait_until 90 "[ \"\$(seen_value $guest size)\" = 0 ]"
done
kill -9 $liar
wait $liar 2>/dev/null
guest_stop stopped
guest_stop honest
check_forgotten
check_unload_host
