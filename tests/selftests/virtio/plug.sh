#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The balloon device is pulled and plugged, unbound and bound, and handed from one driver to another: the guest has
# all of its memory whenever nobody drives the device, and the VMM's target counts again afterwards.
#
# timeout: 500

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../virtio-lib.sh"

plug()
{
	guest_qmp a '{"execute":"device_add","arguments":{"driver":"virtio-balloon-pci","id":"balloon0"}}'
}

unplug()
{
	guest_qmp a '{"execute":"device_del","arguments":{"id":"balloon0"}}' &&
		wait_until 30 '! guest_qmp a "{\"execute\":\"query-balloon\"}" >/dev/null 2>&1'
}

# Where the guest has its balloon device.
# shellcheck disable=SC2016
find_device='device=$(basename $(dirname $(grep -l "^0x0005$" /sys/bus/virtio/devices/*/device)))'

driver()
{
	guest_run a "$find_device; basename \$(readlink /sys/bus/virtio/devices/\$device/driver)"
}

# check_whole NAME - the guest has all of its memory.
check_whole()
{
	check "$way: $1" wait_until 20 "[ \$(meminfo_mib a MemTotal) -ge $((total - 1)) ]" ||
		note "$(meminfo_mib a MemTotal) of $total MiB"
}

# Stock first; a guest of ours may have the agent's squeeze at the same time.
pull()
{
	local total squeeze=0

	way_start "$way" -m 384 || die "$way: no guest"
	total=$(meminfo_mib a MemTotal)
	if [ "$way" = pair ]; then
		squeeze=32
		total=$((total - squeeze))
		check "$way: the agent has some of it" balloon a $squeeze
	fi
	check "$way: down" setmem a 288
	check "$way: the device is pulled" unplug
	check_whole "what it had is back"
	check "$way: it is plugged again" plug
	check "$way: and works" setmem a 300 90
	check "$way: the driver is unbound" guest_run a "$find_device
		echo \$device >/sys/bus/virtio/devices/\$device/driver/unbind"
	check_whole "what it had is back again"
	check_equal "$way: the VMM knows" 384 "$(actual_mib a)"
	[ "$way" != pair ] || check "$way: and the host knows" wait_size a $squeeze
	check_qemu_quiet "$way"
}

hand_over()
{
	local total

	guest_start a -m 384 || die "no guest"
	total=$(meminfo_mib a MemTotal)
	way=takeover
	check "the stock driver has the device" guest_run a 'modprobe virtio_balloon'
	check "and a balloon" setmem a 288
	check "the guest's module loads" module_load_guest a
	check_equal "and leaves the device alone" virtio_balloon "$(driver)"
	check_equal "which is shown" none "$(guest_value a virtio_target)"
	check "the device changes hands" guest_run a "$find_device
		echo \$device >/sys/bus/virtio/drivers/virtio_balloon/unbind
		echo \$device >/sys/bus/virtio/drivers/bellows_guest/bind"
	check_equal "the module has it" bellows_guest "$(driver)"
	check "and the VMM's target" wait_actual a 288
	check_equal "which is shown again" $((96 * MIB)) "$(guest_value a virtio_target)"
	check "the module is unloaded" module_unload_guest a
	check_whole "the guest has everything"
	check "the stock driver takes it up" guest_run a "$find_device; echo \$device >/sys/bus/virtio/drivers/virtio_balloon/bind"
	check "and the target with it" wait_actual a 288
	check_qemu_quiet "$way"
	guest_stop a
}

for way in "${VIRTIO_WAYS[@]}"; do
	pull
	guest_stop a
done
check_forgotten
way_host alone
hand_over
