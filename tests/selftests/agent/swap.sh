#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A process wants more than the host has free, at once: what it lacks comes out of guests before the host swaps a page, and
# goes back when the process is gone (B1, B7).
#
# timeout: 500
# vm: -m 3072

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"

# More than the host could have without the guests.
LACKING_MIB=200

# host_swapped - pages that the host swapped out so far.
host_swapped()
{
	sed -n 's/^pswpout //p' /proc/vmstat
}

available_mib()
{
	awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo
}

module_load_host || die "the host's module cannot be loaded"
modprobe zram && echo 512M >/sys/block/zram0/disksize && mkswap /dev/zram0 >/dev/null && swapon /dev/zram0 ||
	die "the host has no swap"
host_set agent off
for guest in one two; do
	pair_start $guest -m 768 || die "no guest '$guest'"
	guest_touch $guest
done
host_set agent on
sleep 3
check_equal "as long as there is enough nobody is asked" 0 "$(host_value released)"
before=$(host_swapped)
wants=$(($(available_mib) + LACKING_MIB))
note "the host could have $(available_mib) MiB, $(($(host_value free) / MIB)) are free; $wants are wanted;" \
	"the reserve is $(($(host_value reserve) / MIB)) MiB"

"$BELLOWS_BUILD/tests/bin/memkeeper" -a $wants -m idle -r /tmp/filled >/dev/null &
hog=$!
check "the process has its memory" wait_until 60 '[ -e /tmp/filled ]'
check_equal "the host swapped nothing (pages)" 0 $(($(host_swapped) - before))
check "it is back above its minimum" wait_until 30 '[ "$(host_value free)" -ge "$(host_value minimum)" ]'
note "guests gave $(($(host_value released) / MIB)) MiB; host free $(($(host_value free) / MIB)) MiB"
check_range "guests gave at least what was lacking (MiB)" $LACKING_MIB $(($(host_value released) / MIB)) 1536
check_equal "still nothing was swapped" 0 $(($(host_swapped) - before))

kill $hog
wait $hog 2>/dev/null
for guest in one two; do
	check "$guest has its memory back" wait_until 60 "[ \"\$(seen_value $guest size)\" = 0 ]"
	check_equal "nobody was killed in it" 0 "$(seen_value $guest oom_kills)"
	guest_stop $guest
done
check_forgotten
check_unload_host
