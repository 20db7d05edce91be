#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# libvirt migrates a live guest with a balloon from one QEMU to another, pre-copy and post-copy: nothing stalls, the
# size that was set stays, what was asked for in the meantime comes true, and no memory is damaged. (arrive.sh: to a host
# that is another.)
#
# timeout: 1500

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../virtio-lib.sh"
. "$(dirname "$0")/../libvirt-lib.sh"

# arrived KIND MIB - what has to be true wherever it is, when libvirt has set its size to that.
arrived()
{
	local kind=$1 mib=$2

	check "$way, $kind: libvirt knows its size" wait_until 60 "[ \$((\$(domain_stat a actual) / 1024)) = $mib ]"
	check "$way, $kind: what it kept is intact" keeper_good a
	if [ "$way" = pair ]; then
		check "$way, $kind: the host knows it" wait_until 60 '[ "$(seen_value a state)" = present ]'
		check "$way, $kind: and what it holds" wait_size a $((384 - mib > squeeze ? 384 - mib : squeeze))
	fi
	check "$way, $kind: it can be sized" domain_setmem a 360
	check "$way, $kind: up and down" domain_setmem a 320
	check "$way, $kind: and still is whole" keeper_good a
}

run()
{
	local squeeze=0

	way_host "$way"
	libvirt_use_here
	check "$way: it starts" domain_start a || die "$way: no guest"
	check "$way: the driver loads" way_drive "$way"
	keeper_start a -a 64 -m busy || die "$way: no memory to watch"
	check "$way: setmem" domain_setmem a 320
	if [ "$way" = pair ]; then
		squeeze=150
		seen_set a target ${squeeze}M
	fi

	check "$way: it migrates, pre-copy" domain_migrate a other --timeout 30
	arrived pre-copy 320
	# In the middle of it: the wish arrives with the guest, or at the guest.
	virsh -q setmem a 300M --live
	check "$way: it migrates, post-copy" domain_migrate a here --postcopy --postcopy-after-precopy
	arrived post-copy 300
	virsh -q destroy a
	check_fails "$way: QEMU has nothing to complain of" grep -hE 'warning|error' /var/log/libvirt/qemu/a.log \
		"/proc/$(cat $LIBVIRT_OTHER_DIR/libvirtd.pid)/root/var/log/libvirt/qemu/a.log"
}

libvirt_start || die "no libvirt"
libvirt_start_other || die "no second libvirt"
check "define" domain_define a 384 "><stats period='1'/>" || die "libvirt does not take the domain"
for way in "${VIRTIO_WAYS[@]}"; do
	run
done
check_forgotten
libvirt_stop_other
libvirt_stop
