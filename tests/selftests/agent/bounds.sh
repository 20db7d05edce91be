#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What an operator says of a guest holds, however short the host is: a reservation and a floor to the page, an
# exempt guest, the largest balloon; and knobs refuse nonsense. When nothing is left, the agent says so.
#
# timeout: 900
# vm: -m 3072

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../agent-lib.sh"

# refused FILE VALUE... - each is refused with EINVAL, and changes nothing.
refused()
{
	local file=$1 before value

	before=$(cat "$file")
	shift
	for value; do
		echo "$value" 2>/dev/null >"$file" && { echo "$file took '$value'"; return 1; }
	done
	[ "$(cat "$file")" = "$before" ]
}

# taken FILE VALUE [SHOWN]
taken()
{
	echo "$2" >"$1" && [ "$(cat "$1")" = "${3:-$2}" ]
}

# left_pages NAME - what the guest has beside its balloon, by the host's account.
left_pages()
{
	echo $((($(seen_value "$1" total) - $(seen_value "$1" size)) / 4096))
}

agent_start || die "the host's module cannot be loaded"
for guest in reserved floored exempt capped; do
	pair_start $guest -m 320 || die "no guest '$guest'"
	guest_touch $guest
done
knobs=$HOST/guests/$(guest_pid reserved)

check "nonsense for a weight is refused" refused "$knobs/weight" 0 10001 -1 x '' 1.5
check "for a sensitivity" refused "$knobs/sensitivity" 24 401 x
check "for a reservation" refused "$knobs/reservation" 2G -1 x 101%
check "for a limit" refused "$knobs/limit" 2G x
check "for a buffer" refused "$knobs/buffer_permille" 901 -1 x
check "for an exemption" refused "$knobs/exempt" 2 maybe
check "for a class" refused "$knobs/class" gold ''
for knob in "$HOST"/policy/*; do
	check "nonsense for ${knob##*/} is refused" refused "$knob" -1 x '' 99999999999999999999
done
check "a value that is no nonsense is taken" taken "$HOST/policy/hold_take_ms" 500
check "a size, too" taken "$HOST/policy/dead_band" 16M $((16 * MIB))
check "a class is taken" taken "$knobs/class" batch
check_equal "its weight" 50 "$(cat "$knobs/weight")"
check "a weight of one's own is taken" taken "$knobs/weight" 70
check_equal "and makes it no class" custom "$(cat "$knobs/class")"
check "back to standard" taken "$knobs/class" standard

total=$(seen_value reserved total)
reserved=$((total / 4096 - 60 * 256 - 7))
check "a reservation" seen_set reserved reservation $((reserved * 4096))
floored=$(($(seen_value floored total) / 4096 - 50 * 256 - 3))
check "a floor" guest_set floored floor $((floored * 4096))
check "an exemption" seen_set exempt exempt 1
check "a largest balloon" seen_set capped target_max 48M
wait_until 10 '[ "$(seen_value floored floor)" = $((floored * 4096)) ]'
# So that nobody keeps memory for other reasons.
for guest in reserved floored capped; do
	seen_set $guest buffer_permille 0
	seen_set $guest buffer_least 0
done
uevents_start /tmp/uevents

press 600
least_reserved=$reserved
least_floored=$floored
most_exempt=0
most_capped=0
for ((i = 0; i < 60; i++)); do
	value=$(left_pages reserved)
	((value >= least_reserved)) || least_reserved=$value
	value=$(left_pages floored)
	((value >= least_floored)) || least_floored=$value
	value=$(seen_value exempt size)
	((value <= most_exempt)) || most_exempt=$value
	value=$(size_mib capped)
	((value <= most_capped)) || most_capped=$value
	sleep 0.25
done
note "reserved $(size_mib reserved), floored $(size_mib floored), exempt $(size_mib exempt), capped $(size_mib capped) MiB"
check_range "the one with a reservation gave nearly all else (MiB)" 40 "$(size_mib reserved)" 60
check_equal "but kept what was reserved, to the page" "$reserved" "$least_reserved"
check_range "the one with a floor gave, too (MiB)" 30 "$(size_mib floored)" 50
check_equal "but kept its floor, to the page" "$floored" "$least_floored"
check_equal "the exempt one was never asked" 0 "$most_exempt"
check_equal "nor told to" exempt "$(seen_value exempt reason)"
check_range "the capped one gave what it may (MiB)" 40 "$most_capped" 48

check "the host says how much is missing" wait_until 20 '[ "$(host_value missing)" -gt $((100 * MIB)) ]'
check "a uevent says so" wait_until 20 'uevents | grep -qx BELLOWS_EVENT=missing'
pid=$(uevents | sed -n 's/^BELLOWS_GUEST_PID=//p' | head -n 1)
check "and names a guest to move" test -d "$HOST/guests/${pid:-none}"
note "$(uevents | grep ^BELLOWS_ | head -n 7 | tr '\n' ' ')"

ease
check "then all is well" wait_until 20 '[ "$(host_value missing)" = 0 ]'
check "a uevent says that, too" wait_until 20 'uevents | grep -qx BELLOWS_EVENT=met'
for guest in reserved floored capped; do
	check "$guest has its memory back" wait_until 60 "[ \"\$(seen_value $guest size)\" = 0 ]"
done
uevents_stop
for guest in reserved floored exempt capped; do
	check_equal "nobody was killed in $guest" 0 "$(seen_value $guest oom_kills)"
	guest_stop $guest
done
check_forgotten
check_unload_host
