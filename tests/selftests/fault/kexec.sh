#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Another kernel starts in a guest with a balloon. After kexec it has all of the memory, and nobody writes to what was shared with
# the one before. After a crash the kernel that looks at what is left can read all of it, and may make itself known.
#
# timeout: 600

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"

BALLOON=160
KERNEL=$BELLOWS_CACHE/kernels/$BELLOWS_GUEST_KERNEL/boot/vmlinuz-$BELLOWS_GUEST_KERNEL
INITRD=$BELLOWS_RUN/guest-$BELLOWS_GUEST_KERNEL.cpio

log=$BELLOWS_RUN/guest-a.log
before=

boot_id()
{
	guest_run -t 10 a 'cat /proc/sys/kernel/random/boot_id' 2>/dev/null
}

# Since prepare().
another_kernel()
{
	local now

	now=$(boot_id) && [ -n "$now" ] && [ "$now" != "$before" ]
}

# prepare WAY [OPTION...] - a guest whose memory was used, with a balloon, and a kernel to come next.
prepare()
{
	local way=$1

	shift
	pair_start a "$@" || die "$way: no pair"
	guest_put a "$KERNEL" /tmp/kernel && guest_put a "$INITRD" /tmp/initrd || die "$way: no room for another kernel"
	guest_run -t 60 a "nextkernel $way /tmp/kernel /tmp/initrd \"\$(cat /proc/cmdline) reset_devices\"" ||
		die "$way: the kernel does not take another"
	guest_run a 'rm /tmp/kernel /tmp/initrd'
	guest_touch a
	check "$way: there is a balloon" balloon a $BALLOON
	before=$(boot_id)
}

host_load || die "the host's module cannot be loaded"

prepare load -m 448
# It does not come back to say how that went.
guest_run -t 5 a 'nextkernel go' >/dev/null 2>&1
check "load: another kernel runs" wait_until 120 another_kernel
# Without, the host would write to a page of the new kernel, until that uses it and the host sees that.
check_equal "load: the one before has said goodbye" 1 "$(host_value counters/byes)"
check_equal "load: the host counts no page of it as given" 0 "$(host_value released)"
check_equal "load: and has none of it pinned" 0 "$(host_value counters/pinned_pages)"
check "load: all memory is there, and holds what is written to it" \
	guest_run -t 180 a 'memkeeper -m verify -t 3 -s 5 -a 320'
check "load: it registers" pair_join a
check "load: and has a balloon" balloon a 64
guest_stop a
check_forgotten

prepare crash -m 576 --append crashkernel=160M
check "crash: a kernel is reserved" guest_run a 'grep -q 1 /sys/kernel/kexec_crash_loaded'
guest_run -t 5 a 'echo c >/proc/sysrq-trigger' >/dev/null 2>&1
check "crash: another kernel runs" wait_until 120 another_kernel
# What it says of it is no fault, and is kept elsewhere.
check "crash: it was the one that was asked for" grep -q 'sysrq triggered crash' "$log"
cp "$log" "$log.crash" && : >"$log"
# All of it takes too long: one page of each MiB.
check "crash: what is left can be read, what was in the balloon, too" guest_run -t 180 a '
	mib=$(($(stat -c %s /proc/vmcore) >> 20)) && [ $mib -ge 300 ] &&
	read=$(for i in $(seq $mib); do dd if=/proc/vmcore bs=4k skip=$(((i - 1) * 256)) count=1 2>/dev/null; done | wc -c) &&
	echo "$read bytes in $mib MiB" && [ $read -eq $((mib * 4096)) ]'
check "crash: it registers" pair_join a
# It was told to hold as much as before, of the little that it has.
check "crash: its balloon does what it is told" balloon a 0
check_equal "crash: one page is pinned" 1 "$(host_value counters/pinned_pages)"
guest_kill9 a
check_forgotten
check_unload_host
