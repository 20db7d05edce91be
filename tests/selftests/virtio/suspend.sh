#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A guest with a balloon is suspended, and hibernated and resumed by another QEMU: the driver stops and starts the device,
# memory is intact, and what the VMM wants counts again afterwards.
#
# timeout: 1200

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../virtio-lib.sh"

disk=/run/bellows/swap.raw

start()
{
	guest_start a -m 288 --qemu "-d guest_errors -drive file=$disk,format=raw,if=virtio" && guest_run a 'modprobe virtio_blk'
}

# All devices are stopped and started as for a suspension, a second in between.
suspend()
{
	# shellcheck disable=SC2016 # expanded in the guest
	guest_run a 'echo 1 >/sys/module/suspend/parameters/pm_test_delay; echo devices >/sys/power/pm_test
		(sleep 1; echo mem >/sys/power/state) >/dev/null 2>&1 </dev/null &'
	wait_until 60 'guest_run -t 5 a "dmesg | grep -q \"PM: suspend exit\"" 2>/dev/null'
}

# To its disk, and off.
hibernate()
{
	guest_run a 'mkswap /dev/vda && swapon /dev/vda && cat /sys/block/vda/dev >/sys/power/resume
		echo none >/sys/power/pm_test; echo shutdown >/sys/power/disk
		(sleep 1; echo disk >/sys/power/state) >/tmp/hibernate.log 2>&1 </dev/null &'
	wait_until 120 '! guest_alive a'
}

# Its kernel gives way to the one on the disk.
resume()
{
	start && guest_run a '(sleep 1; cat /sys/block/vda/dev >/sys/power/resume) >/dev/null 2>&1 </dev/null &' &&
		wait_until 120 'guest_run -t 5 a "pidof memkeeper" >/dev/null 2>&1'
}

# whole WHAT - after each sleep.
whole()
{
	check "$way, $1: what it kept is intact" keeper_good a
	[ "$way" != pair ] || check "$way, $1: the host knows it" wait_until 30 '[ "$(seen_value a state)" = present ]'
}

run()
{
	local total

	truncate -s 0 $disk
	truncate -s 512M $disk
	way_host "$way"
	start || die "$way: no guest"
	way_drive "$way" || die "$way: no driver"
	check "$way: memory to watch" keeper_start a -a 48 -m verify || die "$way: no memory to watch"
	total=$(meminfo_mib a MemTotal)
	check "$way: down" setmem a 208
	check "$way: it is suspended and wakes up" suspend
	whole suspended
	# What QEMU says of it stays until a driver says something else.
	check "$way, suspended: the target counts again" wait_until 60 "[ \$(meminfo_mib a MemTotal) -le $((total - 78)) ]"
	check "$way, suspended: and is told" wait_actual a 208
	check "$way, suspended: and can change" setmem a 192

	check "$way: it hibernates" hibernate
	check "$way: another QEMU wakes it up" resume
	whole hibernated
	# This QEMU wants nothing yet.
	check "$way, hibernated: it has all its memory" wait_actual a 288
	check "$way, hibernated: it can be sized" setmem a 204
	check "$way, hibernated: both ways" setmem a 288
	check "$way: the guest can use it" guest_run -t 180 a 'memkeeper -a 110 -m busy -t 3 -s 7'
	check "$way: what it kept is still intact" keeper_good a
	check "$way: the driver can go" way_undrive "$way"
	check_qemu_quiet "$way"
	guest_stop a
}

for way in "${VIRTIO_WAYS[@]}"; do
	run
done
check_forgotten
rm -f $disk
