# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What a kernel says when something is wrong, found in the console logs of a run.

KERNEL_REPORTS=(
	'WARNING:' 'BUG:' 'Oops' 'general protection' 'Call Trace' 'Kernel panic' 'unable to handle'
	'KASAN' 'UBSAN' 'KCSAN' 'KFENCE'
	# of kmemleak, when a test has asked it; that there is something new it says of the kernel's own, too
	'unreferenced object'
	# lockdep and its like
	'possible (circular|recursive|irq lock|deadlock|unsafe locking)' 'inconsistent lock state' 'held lock freed'
	'bad unlock balance' 'lock held when returning' 'suspicious RCU' 'sleeping function called from' 'scheduling while atomic'
	# no progress
	'blocked for more than' 'soft lockup' 'hard LOCKUP' 'rcu.*detected.*stall'
	# damaged data
	'Bad page (state|map)' 'Bad rss-counter' 'refcount_t: ' 'list_(add|del) corruption'
)

# Lines that look like a report and are none, each with the reason.
KERNEL_HARMLESS=(
	# Emulated CPUs have no microcode; said at every boot.
	'Speculative Return Stack Overflow: WARNING: See'
	# Said by debug kernels when they start watching.
	'kfence: initialized'
	'KernelAddressSanitizer initialized'
)

# kernel_reports LOG... - writes the lines that report trouble, after the name of their log; fails if there are none. A log that
# does not exist has none; grep would fail for it, whatever it finds in the others.
kernel_reports()
{
	local patterns harmless log logs=()

	for log; do
		[ ! -e "$log" ] || logs+=("$log")
	done
	[ ${#logs[@]} -gt 0 ] || return
	patterns=$(printf '%s\n' "${KERNEL_REPORTS[@]}")
	harmless=$(printf '%s\n' "${KERNEL_HARMLESS[@]}")
	grep -EH "$patterns" "${logs[@]}" | grep -vF "$harmless"
}
