#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Whole lives of pairs leave nothing behind: no pin, no reference, no object, no directory, no memory.
#
# timeout: 480

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"

rounds=4
slack_kib=$((32 * 1024))

# What the host's kernel has in slabs, in KiB.
slab_kib()
{
	awk '/^SUnreclaim:/ { print $2 }' /proc/meminfo
}

# VMs that KVM has. The one that the test bed keeps is there all the while.
vms()
{
	ls -d /sys/kernel/debug/kvm/[0-9]* 2>/dev/null
}

one_life()
{
	local how=$1

	host_load || return
	pair_start a -m 384 || return
	balloon a 150 || return
	case $how in
	unload)	module_unload_guest a; guest_stop a ;;
	stop)	guest_stop a ;;
	kill)	guest_kill9 a ;;
	host)	module_unload_host; guest_stop a; host_load ;;
	esac
	wait_until 30 is_forgotten || return
	module_unload_host
}

# The first life fills caches, and makes what is made once.
check "a first life" one_life stop
kvm_before=$(module_references kvm)
amd_before=$(module_references kvm_amd)
pins=$(pinned_pages)
sleep 2
free=$(host_free_kib)
vms=$(vms)
slab=$(slab_kib)

for ((i = 0; i < rounds; i++)); do
	for how in unload stop kill host; do
		((i == 0)) || [ $how = kill ] || continue
		check "life $i, ended by $how" one_life $how
	done
done

check_equal "references of kvm" "$kvm_before" "$(module_references kvm)"
check_equal "references of kvm_amd" "$amd_before" "$(module_references kvm_amd)"
check_equal "pinned pages" "$pins" "$(pinned_pages)"
check "no directory is left" test ! -e $HOST
check_fails "no module is left" grep -q '^bellows_host' /proc/modules
check_fails "no function is hooked" grep -q . /sys/kernel/tracing/enabled_functions
check_fails "no thread is left" pgrep bellows
check_equal "no VM is left in KVM" "$vms" "$(vms)"
sleep 2
check_range "free memory of the host (KiB)" $((free - slack_kib)) "$(host_free_kib)" $((free + 4 * slack_kib))
check_range "its slabs (KiB)" 0 "$(slab_kib)" $((slab + slack_kib / 2))
kvm_let_go
check "KVM can be unloaded" modprobe -r kvm_amd
