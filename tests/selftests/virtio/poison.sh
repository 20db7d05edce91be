#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Kernels that count on what is in their free pages: with init_on_free they are zero, which they are too when the host
# has dropped them; with page_poison they hold a pattern, and the host must not drop them behind the kernel's back.
#
# timeout: 1200

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../virtio-lib.sh"

# What a kernel that poisons says of a free page in which somebody wrote.
complaints()
{
	guest_run a 'dmesg | grep -c "pagealloc:"'
}

# run ARGUMENT REPORTS - is free page reporting expected to shrink the VM?
run()
{
	local name="$way, $1"

	way_start "$way" -m 320 --balloon free-page-reporting=on --append "$1" || die "$name: no guest"
	check "$name: memory to watch" keeper_start a -a 48 -m verify || die "$name: no memory to watch"
	guest_touch a || not_ok "$name: the guest cannot touch its memory"
	if [ "$2" = yes ]; then
		check "$name: reporting shrinks the VM to what it uses" shrunk a 320
	else
		sleep 6
		check_range "$name: reporting leaves it alone (MiB)" 300 $(($(guest_rss_kib a) / 1024)) 450
	fi
	check "$name: down" setmem a 208
	# QEMU's own are some 100 MiB.
	check_range "$name: the host has what it gave (MiB)" 64 $(($(guest_rss_kib a) / 1024)) $((208 + 140))
	check "$name: up" setmem a 320
	check "$name: the guest can use it" guest_run -t 180 a 'memkeeper -a 160 -m busy -t 3 -s 7'
	check "$name: the driver can go" way_undrive "$way"
	check "$name: the guest can use all of it" guest_run -t 180 a 'memkeeper -a 160 -m verify -t 2 -s 3'
	check "$name: what it kept is intact" keeper_good a
	check_equal "$name: no free page was damaged" 0 "$(complaints)"
	check_qemu_quiet "$name"
	guest_stop a
}

for way in "${VIRTIO_WAYS[@]}"; do
	run init_on_free=1 yes
	run page_poison=1 no
done
check_forgotten
