#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The device as virtio 0.9 had it (legacy), and as virtio 1 has it (modern); that of all other tests is both.
#
# timeout: 900

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../virtio-lib.sh"

# What QEMU has been told is MemTotal.
right_total()
{
	[ $(($(stat_of "$(device_get a guest-stats)" total-memory) >> 20)) = "$(meminfo_mib a MemTotal)" ]
}

# run NAME OPTIONS VERSION_1
run()
{
	local name="$way, $1" total

	way_start "$way" -m 320 --balloon "$2" || die "$name: no guest"
	# Feature bit 32, VIRTIO_F_VERSION_1, is what tells them apart.
	check_equal "$name: it is" "$3" "$(guest_run a '
		for device in /sys/bus/virtio/devices/*; do
			! grep -q "^0x0005$" $device/device || cut -c33 $device/features
		done')"
	total=$(meminfo_mib a MemTotal)
	check "$name: down" setmem a 224
	check_range "$name: MemTotal follows" $((total - 97)) "$(meminfo_mib a MemTotal)" $((total - 95))
	check "$name: QEMU polls" device_set a guest-stats-polling-interval 1
	check "$name: and gets the right figure" wait_until 20 "right_total"
	check "$name: up" setmem a 320
	check "$name: the driver can go" way_undrive "$way"
	check_equal "$name: and gives all back" "$total" "$(meminfo_mib a MemTotal)"
	check_qemu_quiet "$name"
	guest_stop a
}

for way in "${VIRTIO_WAYS[@]}"; do
	run legacy disable-modern=on,disable-legacy=off 0
	run modern disable-legacy=on,disable-modern=off 1
done
check_forgotten
