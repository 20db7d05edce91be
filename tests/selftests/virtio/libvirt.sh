#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Stock libvirt drives the guest's size: setmem, dommemstat with a period, save and restore, reboot; and the host's agent
# beside it never changes what libvirt takes for the configured size.
#
# timeout: 600

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../virtio-lib.sh"
. "$(dirname "$0")/../libvirt-lib.sh"

figures()
{
	local name

	check "$way: new figures every second" wait_until 20 '[ "$(domain_stat a available)" -gt 0 ]'
	sleep 2
	check_equal "$way: dommemstat available is MemTotal" \
		"$(guest_run a "awk '/^MemTotal:/ { print \$2 }' /proc/meminfo")" "$(domain_stat a available)"
	check_range "$way: dommemstat unused is MemFree" $(($(meminfo_mib a MemFree) - 16)) \
		$(($(domain_stat a unused) / 1024)) $(($(meminfo_mib a MemFree) + 16))
	check_range "$way: dommemstat usable is MemAvailable" $(($(meminfo_mib a MemAvailable) - 16)) \
		$(($(domain_stat a usable) / 1024)) $(($(meminfo_mib a MemAvailable) + 16))
	for name in swap_in swap_out major_fault minor_fault disk_caches hugetlb_pgalloc hugetlb_pgfail rss last_update; do
		check "$way: dommemstat has $name" test -n "$(domain_stat a $name)"
	done
}

# The agent takes more than libvirt asked for; libvirt must not see it.
squeeze()
{
	check "$way: the agent squeezes" balloon a 200 ||
		note "$(grep -rs . "$HOST"/guests/*/{size,target,state})"
	check_equal "$way: libvirt sees what it set" 320 $(($(domain_stat a actual) / 1024))
	check_equal "$way: in dominfo as well" 320 "$(domain_current_mib a)"
	check_equal "$way: the agent is who wanted it" agent "$(guest_value a target_source)"
	check "$way: the agent lets go" seen_set a target 0
	check "$way: what libvirt set stays" wait_until 20 '[ "$(guest_value a size)" = $((64 * MIB)) ]'
}

save()
{
	keeper_start a -a 64 -m verify || not_ok "$way: no memory to watch"
	[ "$way" != pair ] || check "$way: the agent squeezes again" balloon a 150
	check "$way: virsh save" virsh -q save a /run/a.save
	check "$way: virsh restore" virsh -q restore /run/a.save
	check "$way: it lives on" domain_up a
	check_equal "$way: with the size it was set to" 320 $(($(domain_stat a actual) / 1024))
	check "$way: and what it had" keeper_good a
	if [ "$way" = pair ]; then
		check "$way: the host knows it again" wait_until 30 '[ "$(seen_value a state)" = present ]'
		check "$way: with its balloon" wait_until 20 '[ "$(seen_value a size)" -ge $((60 * MIB)) ]'
	fi
	rm -f /run/a.save
	keeper_stop a
}

reboot_it()
{
	local total

	guest_run -t 10 a 'reboot -f' >/dev/null 2>&1
	wait_until 20 '! guest_run -t 2 a true 2>/dev/null'
	check "$way: it comes back from a reboot" domain_up a
	total=$(meminfo_mib a MemTotal)
	check "$way: the driver loads" way_drive "$way"
	check "$way: and fulfils what was set before" wait_until 60 "[ \$(meminfo_mib a MemTotal) -le $((total - 63)) ]"
	check_equal "$way: which libvirt sees" 320 $(($(domain_stat a actual) / 1024))
}

run()
{
	way_host "$way"
	check "$way: it starts" domain_start a || die "$way: no guest"
	check "$way: the driver loads" way_drive "$way"
	check "$way: setmem down" domain_setmem a 300
	check "$way: setmem up" domain_setmem a 384
	check "$way: setmem down again" domain_setmem a 320
	figures
	[ "$way" != pair ] || squeeze
	save
	reboot_it
	virsh -q destroy a
	check_fails "$way: QEMU has nothing to complain of" grep -E 'warning|error' /var/log/libvirt/qemu/a.log
	rm -f /var/log/libvirt/qemu/a.log
}

libvirt_start || die "no libvirt"
check "define" domain_define a 384 "><stats period='1'/>" || die "libvirt does not take the domain"
for way in "${VIRTIO_WAYS[@]}"; do
	run
done
check "the domain goes" virsh -q undefine a
check_forgotten
libvirt_stop
