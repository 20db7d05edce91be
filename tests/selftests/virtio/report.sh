#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Free page reporting: what the guest has freed comes back to the host though nobody set a target.
#
# timeout: 600

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../virtio-lib.sh"

# A host that gains nothing says so once, and is left in peace.
futile()
{
	way_start pair -m 256 --balloon free-page-reporting=on --qemu '-overcommit mem-lock=on' || die "locked: no guest"
	guest_touch a || not_ok "locked: the guest cannot touch its memory"
	check "locked: it is told once" wait_until 30 '[ "$(guest_value a counters/report_calls)" -ge 1 ]'
	guest_touch a
	sleep 5
	check_equal "locked: and asks no more" 1 "$(guest_value a counters/report_calls)"
	check_equal "locked: nothing was taken" 0 "$(guest_value a counters/reported_pages)"
	guest_stop a
}

for way in "${VIRTIO_WAYS[@]}"; do
	way_start "$way" -m 384 --balloon free-page-reporting=on || die "$way: no guest"
	check "$way: memory to watch" keeper_start a -a 64 -m verify || die "$way: no memory to watch"
	guest_touch a || not_ok "$way: the guest cannot touch its memory"
	check "$way: the VM shrinks to what it uses" shrunk a 384
	check_equal "$way: the balloon has nothing to do with it" 384 "$(actual_mib a)"
	if [ "$way" != stock ]; then
		check_range "$way: and it is counted (MiB)" 150 $(($(guest_value a counters/reported_pages) / 256)) 2000
		check_equal "$way: the balloon is empty" 0 "$(guest_value a size)"
		calls=$(guest_value a counters/report_calls)
	fi
	if [ "$way" = alone ]; then
		check_equal "$way: no call could help" 0 "$calls"
	elif [ "$way" = pair ]; then
		check_range "$way: all went by call" 1 "$calls" 1000
		check "$way: as the host counts" wait_until 20 \
			'[ "$(host_value counters/reported_pages)" = "$(guest_value a counters/reported_pages)" ]'
		check_equal "$way: but not as given" 0 "$(seen_value a size)"
	fi
	check "$way: what the guest kept is intact" keeper_good a
	guest_touch a || not_ok "$way: the guest cannot use it again"
	check "$way: with a balloon at the same time" setmem a 256
	check "$way: the driver can go" way_undrive "$way"
	check "$way: all is intact" keeper_good a
	check_qemu_quiet "$way"
	guest_stop a
done
futile
