#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# QEMU killed with -9 in the middle of an inflation: the host forgets the guest and has its memory back.
#
# timeout: 480

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"

rounds=6
slack_kib=$((48 * 1024))

inflate_pages=$((220 * 256))
cut_short=0

# see_saw PID - inflates and deflates a guest for as long as there is one, faster than it can follow.
see_saw()
{
	while echo 220M && sleep "0.0$((RANDOM % 10))" && echo 0 && sleep "0.0$((RANDOM % 10))"; do
		:
	done >"$HOST/guests/$1/target"
}

# MemFree leaves out what lies on the CPUs' own lists. Freed page by page, as a memfd is, a VM's memory fills these up to the
# low watermark of its zone: 15 MiB in this VM, 50 where all memory is one zone.
free_kib()
{
	echo $(($(host_free_kib) + $(awk '$1 == "count:" { pages += $2 } END { print pages * 4 }' /proc/zoneinfo)))
}

host_load || die "the host's module cannot be loaded"
pins=$(pinned_pages)
free=''

for ((i = 0; i < rounds; i++)); do
	backing=anon
	((i % 2)) && backing=memfd
	pair_start a -m 384 --backing $backing || die "no pair in round $i"
	# So that there is something to discard.
	guest_touch a
	released=$(host_value counters/released_pages)
	pid=$(guest_pid a)
	see_saw "$pid" 2>/dev/null &
	sleep "0.$((RANDOM % 1000 + 1000))"
	kill -9 "$pid"
	wait $! 2>/dev/null
	guest_kill9 a 2>/dev/null
	released=$(($(host_value counters/released_pages) - released))
	note "round $i ($backing): $released pages were released"
	[ $((released % inflate_pages)) -eq 0 ] || cut_short=$((cut_short + 1))
	check_forgotten "round $i: the host has forgotten it"
	check "round $i: its directory is gone" test ! -e "$HOST/guests/$pid"
	check_equal "round $i: no page is pinned" "$pins" "$(pinned_pages)"
	sleep 1
	# What the first guest pulls into the page cache is not the balloon's.
	[ -n "$free" ] || free=$(free_kib)
	check_range "round $i: the host has its memory back (KiB)" $((free - slack_kib)) "$(free_kib)" \
		$((free + 4 * slack_kib))
done

note "$cut_short of $rounds were killed in the middle of an inflation"
check "another guest is welcome" pair_start a
check "and works" balloon a 64
guest_stop a
check_forgotten
check_unload_host
