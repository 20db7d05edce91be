#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Who chooses, and what watching costs: the policies, no sweep in a guest of which nobody wants anything, two percent of a
# CPU at most otherwise, what the host is told, and the tracepoints.
#
# timeout: 300

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../esc-lib.sh"

TRACING=/sys/kernel/tracing
# A sweep in small steps, and a tick is the shortest rest: a little above two.
PERMILLE_MOST=25

# sweep_permille SECONDS - sets $permille, the share of a CPU that sweeps cost, by their own count.
sweep_permille()
{
	local before started=${EPOCHREALTIME/./}

	before=$(guest_value a counters/sweep_ns)
	sleep "$1"
	permille=$((($(guest_value a counters/sweep_ns) - before) / (${EPOCHREALTIME/./} - started)))
}

host_load || die "the host's module cannot be loaded"
esc_guest a -m 512 --append transparent_hugepage=never || die "no guest"

check_equal "the default policy" auto "$(guest_value a policy)"
for policy in esc kernel auto; do
	guest_set a policy $policy
	check_equal "policy $policy can be set" $policy "$(guest_value a policy)"
done
check_fails "an unknown policy cannot" guest_set a policy random
check_equal "and changes nothing" auto "$(guest_value a policy)"
check_fails "no percentage above 100" guest_set a esc/sweep_percent 101

sleep 5
check_equal "no sweep while nobody wants memory" 0 "$(guest_value a counters/sweeps)"
check_equal "and no working set" 0 "$(guest_value a esc/working_set)"

# What the host's agent does when memory gets short.
regions_start a -n 32 -u 50 -d /disk hot-anon cold-clean || die "no regions"
guest_run a "echo 1 >$TRACING/events/bellows_guest/enable"
guest_set a esc/sweep_always 1
esc_wait_sweeps a 2
sweep_permille 20
check_range "sweeps cost permille of a CPU" 1 $permille $PERMILLE_MOST
guest_set a esc/sweep_percent 50
esc_wait_sweeps a 9
working_set=$(($(guest_value a esc/working_set) / MIB))
present=$(guest_run a "awk '/^MemTotal/ { all = \$2 } /^MemFree/ { print int((all - \$2) / 1024) }' /proc/meminfo")
note "$working_set MiB of $present MiB are in use"
check_range "the working set has what is hot, and not what is cold" 32 "$working_set" $((present - 30))
unused=$(guest_value a esc/unused_clean_pages)
check_range "cold clean pages of the highest age" $((32 * 256 * 95 / 100)) "${unused##* }" $((present * 256))

wanted=$(($(meminfo_mib a MemFree) + 8))
check "the balloon reaches $wanted MiB, more than is free" balloon a $wanted 100
guest_run a "cat $TRACING/trace" >/tmp/trace
for event in sweep evacuate; do
	check "tracepoint bellows_$event" grep -q "bellows_$event:" /tmp/trace
done
regions_end a >/tmp/report
check_equal "contents are intact" 2 "$(grep -c 'bad=0$' /tmp/report)"

guest_set a esc/sweep_always 0
check "the balloon goes" balloon a 0
sleep 10
before=$(guest_value a counters/sweeps)
sleep 5
check_equal "no sweep any more" "$before" "$(guest_value a counters/sweeps)"
guest_stop a
check_forgotten
