# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# MOM, the Memory Overcommitment Manager, in the host VM: as Debian configures it, with the rules for balloons and for KSM
# that come with it. Guests are libvirt's then, with the stock driver. Sourced by inside, whose settings it uses.

# shellcheck source=tests/selftests/libvirt-lib.sh
. "$BELLOWS_TOP/tests/selftests/libvirt-lib.sh"

MOM=$BELLOWS_CACHE/mom

# mom_domain NAME DISK - once more if need be, as start_guest does.
mom_domain()
{
	local attempt disk="<disk type='block' device='disk'><driver name='qemu' type='raw' cache='none'/>
		<source dev='$2'/><target dev='vda' bus='virtio'/>
		<iotune><total_iops_sec>$DISK_IOPS</total_iops_sec></iotune></disk>"

	domain_define "$1" "$GUEST_MIB" ">" "$disk" "$APPEND" || return
	for attempt in 1 2 3 4 5; do
		virsh -q start "$1" || return
		rm -f "$GUESTS_DIR/guest/$1/ended"
		cp "/run/libvirt/qemu/$1.pid" "$GUESTS_DIR/guest/$1/pid"
		guest_wait "$1" && guest_run "$1" 'modprobe virtio_balloon' && return
		echo "bench: mom: $1 does not boot, attempt $attempt" >&2
		virsh -q destroy "$1"
	done
	return 1
}

# What it says goes to mom.log beside the consoles.
mom_start()
{
	local rules=$MOM/usr/share/doc/mom/examples name

	libvirt_start && mom_domain a /dev/pmem0 && mom_domain b /dev/pmem1 || return
	mkdir -p /run/policies
	for name in balloon ksm; do
		cp "$rules/$name.rules" /run/policies/$name.policy || return
	done
	PYTHONPATH=$MOM/usr/lib/python3/dist-packages /usr/bin/python3 "$MOM/usr/sbin/momd" -c "$MOM/etc/momd.conf" \
		-P /run/policies >"$BELLOWS_RUN/mom.log" 2>&1 &
	echo $! >/run/momd.pid
	wait_until 60 'grep -q "Policy Engine starting" "$BELLOWS_RUN/mom.log"'
}

mom_stop()
{
	kill "$(</run/momd.pid)"
	libvirt_stop
}
