#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Stock libvirt drives the guest's size: setmem, dommemstat with a period, autodeflate, freePageReporting, save and
# restore, reboot; and the host's agent beside it never changes what libvirt takes for the configured size.
#
# timeout: 2400

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../virtio-lib.sh"
. "$(dirname "$0")/../libvirt-lib.sh"

# field NAME - in $figures, of /proc/vmstat or /proc/meminfo.
field()
{
	awk -v name="$1" '$1 == name { print $2 }' <<<"$figures"
}

guest_figures()
{
	guest_run -t 20 a 'cat /proc/vmstat /proc/meminfo'
}

# stat NAME - in $stats, of "virsh dommemstat", sizes in KiB.
stat()
{
	awk -v name="$1" '$1 == name { print $2 }' <<<"$stats"
}

# Every figure that libvirt shows is what the guest's own /proc said about then.
figures()
{
	local before after stats figures last pair factor slack=8192 wanted rss_before rss_after

	check "$way: new figures every second" wait_until 20 '[ "$(domain_stat a available)" -gt 0 ]'
	before=$(guest_figures)
	last=$(domain_stat a last_update)
	check "$way: and again" wait_until 20 "[ \"\$(domain_stat a last_update)\" -gt $((last + 1)) ]"
	rss_before=$(guest_rss_kib a)
	stats=$(virsh -q dommemstat a)
	rss_after=$(guest_rss_kib a)
	after=$(guest_figures)

	for pair in swap_in:pswpin:4 swap_out:pswpout:4 major_fault:pgmajfault:1 minor_fault:pgfault:1 \
		hugetlb_pgalloc:htlb_buddy_alloc_success:1 hugetlb_pgfail:htlb_buddy_alloc_fail:1; do
		IFS=: read -r name counter factor <<<"$pair"
		check_range "$way: dommemstat $name" $(($(figures=$before field $counter) * factor)) "$(stat $name)" \
			$(($(figures=$after field $counter) * factor))
	done
	figures=$after
	check_equal "$way: dommemstat available is MemTotal" "$(field MemTotal:)" "$(stat available)"
	wanted=$(($(field Cached:) + $(field Buffers:) + $(field SwapCached:)))
	check_range "$way: dommemstat disk_caches" $((wanted - slack)) "$(stat disk_caches)" $((wanted + slack))
	for pair in unused:MemFree: usable:MemAvailable:; do
		wanted=$(field "${pair#*:}")
		check_range "$way: dommemstat ${pair%%:*}" $((wanted - slack)) "$(stat "${pair%%:*}")" $((wanted + slack))
	done
	# Free pages may be on their way to the host all the while.
	check_range "$way: dommemstat rss" $(((rss_before < rss_after ? rss_before : rss_after) - slack)) "$(stat rss)" \
		$(((rss_before > rss_after ? rss_before : rss_after) + slack))
	check_equal "$way: dommemstat actual" $((320 * 1024)) "$(stat actual)"
}

# freePageReporting: what is free in the guest comes back though nobody set a target.
reports()
{
	guest_touch a || not_ok "$way: the guest cannot touch its memory"
	check "$way, freePageReporting: the VM shrinks to what it uses" shrunk a 384
	check_equal "$way, freePageReporting: at the same size" $((384 * 1024)) "$(domain_stat a actual)"
}

# autodeflate: what needs more than setmem leaves it lives.
deflates()
{
	check "$way, autodeflate: setmem far down" domain_setmem a 192
	check "$way, autodeflate: what needs more lives" guest_run -t 180 a 'memkeeper -m verify -t 3 -s 5 -a 200'
	check_equal "$way, autodeflate: nobody was killed" 0 \
		"$(guest_run a "awk '/^oom_kill / { print \$2 }' /proc/vmstat")"
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

# The guest does what a system does when its power button is pressed; libvirt then starts it again.
reboot_it()
{
	check "$way: virsh reboot" virsh -q reboot a --mode acpi
	guest_run -t 10 a 'poweroff -f' >/dev/null 2>&1
	wait_until 20 '! guest_run -t 2 a true 2>/dev/null'
	check "$way: it comes back" domain_up a
	check "$way: the driver loads" way_drive "$way"
	check "$way: and fulfils what was set before" wait_until 60 '[ "$(domain_stat a actual)" = $((320 * 1024)) ]'
}

run()
{
	way_host "$way"
	check "$way: it starts" domain_start a || die "$way: no guest"
	check "$way: the driver loads" way_drive "$way"
	check "$way: setmem down" domain_setmem a 300
	check "$way: setmem up" domain_setmem a 384
	reports
	deflates
	check "$way: setmem down again" domain_setmem a 320
	figures
	[ "$way" != pair ] || squeeze
	save
	reboot_it
	domain_destroy "$way: " a
}

domain_ways "autodeflate='on' freePageReporting='on'><stats period='1'/>" run
