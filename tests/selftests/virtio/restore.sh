#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# libvirt saves a squeezed guest, and restores it on a host that has lost the module, then on one that has it again: what
# libvirt set stays, what the agent had on top comes back where there is no agent, and nobody takes it for configured.
#
# timeout: 900

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../virtio-lib.sh"
. "$(dirname "$0")/../libvirt-lib.sh"

# sleeps WHAT BETWEEN MIB - saved, and restored after that, with the size that libvirt set.
sleeps()
{
	check "$1: virsh save" virsh -q save a /run/a.save
	eval "$2"
	check "$1: virsh restore" virsh -q restore /run/a.save
	check "$1: it lives on" domain_up a
	rm -f /run/a.save
	check "$1: libvirt sees what it set" wait_until 20 "[ \$((\$(domain_stat a actual) / 1024)) = $3 ]"
	check "$1: what it kept is intact" keeper_good a
}

libvirt_start || die "no libvirt"
check "define" domain_define a 384 "><stats period='1'/>" || die "libvirt does not take the domain"
host_load || die "the host's module cannot be loaded"
check "it starts" domain_start a || die "no guest"
check "the driver loads" way_drive pair || die "no driver"
check "memory to watch" keeper_start a -a 64 -m verify || die "no memory to watch"
check "setmem" domain_setmem a 320
check "the agent takes more" balloon a 150
# It asks soon.
guest_set a hello_interval_ms 500

sleeps "no module" module_unload_host 320
check "no module: the agent's part comes back" wait_until 60 'guest_holds a 64'
check_equal "no module: libvirt's is what stays" virtio "$(guest_value a target_source)"
check "no module: it can be sized" domain_setmem a 340

sleeps "a module" host_load 340
check "a module: the guest finds it" wait_until 60 '[ "$(seen_value a state)" = present ]'
check "a module: which knows what it holds" wait_size a 44
check "a module: the agent takes more" balloon a 150
check_equal "a module: libvirt sees what it set" 340 $(($(domain_stat a actual) / 1024))

check "managed: virsh managedsave" virsh -q managedsave a
check "managed: the host has forgotten it" wait_until 30 is_forgotten
check "managed: virsh start" domain_start a
check "managed: libvirt sees what it set" wait_until 20 '[ $(($(domain_stat a actual) / 1024)) = 340 ]'
check_equal "managed: in dominfo as well" 340 "$(domain_current_mib a)"
check "managed: the host knows it again" wait_until 30 '[ "$(seen_value a state)" = present ]'
check "managed: with its balloon" wait_size a 150
check "managed: the agent lets go" seen_set a target 0
check "managed: it can be sized" domain_setmem a 384
check "managed: the guest has all of its memory" wait_until 30 'guest_holds a 0'
check "managed: and what it kept" keeper_good a
domain_destroy "" a
check "the domain goes" virsh -q undefine a
check_forgotten
libvirt_stop
