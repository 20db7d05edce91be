#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The doorbell of a Linux guest: a target arrives by interrupt, also after the interrupt was moved to
# another CPU, and after its CPU went away.
#
# timeout: 300

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"

# interrupts CPU - taken by the doorbell on that CPU.
interrupts()
{
	guest_run a "awk -v cpu=$1 '/bellows/ { print \$(2 + cpu) }' /proc/interrupts"
}

# rings NAME MIB - sets a target, and checks that the guest was rung and follows.
rings()
{
	local doorbells rung

	doorbells=$(guest_value a counters/doorbells)
	rung=$(host_value counters/doorbells)
	seen_set a target "$2M"
	check "$1: the target arrives" wait_until 20 "[ \"\$(guest_value a target)\" = $(($2 * MIB)) ]"
	check "$1: the guest counts it" wait_until 5 "[ \$(guest_value a counters/doorbells) -gt $doorbells ]"
	check_range "$1: the host counts it" $((rung + 1)) "$(host_value counters/doorbells)" $((rung + 5))
	wait_size a "$2" >/dev/null || not_ok "$1: the balloon follows"
}

host_load || die "the host's module cannot be loaded"
pair_start a -smp 2 || die "no pair"
irq=$(guest_run a "awk -F: '/bellows/ { print \$1 + 0 }' /proc/interrupts")
[ -n "$irq" ] || die "the guest has no interrupt named bellows"
check_equal "the host has the message" valid "$(seen_value a doorbell)"

rings "first" 32
for cpu in 1 0 1; do
	check "moved to CPU $cpu" guest_run a "echo $((1 << cpu)) >/proc/irq/$irq/smp_affinity"
	sleep 0.5
	message=$(guest_value a doorbell)
	before=$(interrupts $cpu)
	rings "on CPU $cpu ($message)" $((40 + 8 * cpu))
	check_range "on CPU $cpu: its interrupt" $((before + 1)) "$(interrupts $cpu)" $((before + 10))
	rings "on CPU $cpu, again" $((80 + 8 * cpu))
done

check "CPU 1 goes" guest_run a 'echo 0 >/sys/devices/system/cpu/cpu1/online'
sleep 0.5
rings "without its CPU" 24
check "CPU 1 comes back" guest_run a 'echo 1 >/sys/devices/system/cpu/cpu1/online'
rings "with its CPU back" 16
check_equal "no doorbell failed" 0 "$(host_value counters/doorbell_failures)"
guest_stop a
check_forgotten
check_unload_host
