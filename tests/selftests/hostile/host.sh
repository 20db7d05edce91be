#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A host that answers calls with anything, writes over what it was handed, and whose half of the shared page never stands
# still (src/bellows_other_host/hostile.c): the guest keeps its floor, its data and its temper, and works with an honest
# host afterwards.
#
# timeout: 500

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"

knob=/sys/module/bellows_host/parameters
enough=40

# lie 0|1|2 - not, about everything, or with ranges without end
lie()
{
	echo "$1" >$knob/hostile
}

# under_lies NUMBER - until it has heard so many lies; it is rung again and again. Watches its size, in $most. Fails when the
# guest does not answer.
under_lies()
{
	local end=$((SECONDS + 120)) value

	while (($(cat $knob/lies) < $1)) && ((SECONDS < end)); do
		seen_set a target $((RANDOM % 256))M 2>/dev/null
		value=$(guest_value a size) || return
		((value <= most)) || most=$value
		[ "$value" = "$last" ] || changes=$((changes + 1))
		last=$value
	done
}

insmod "$BELLOWS_BUILD/$BELLOWS_KERNEL/tests/bellows_other_host/bellows_host.ko" other_version=1 other_features=0x3f &&
	host_set agent off || die "the lying host cannot be loaded"
pair_start a -m 384 --balloon free-page-reporting=on || die "no pair"
check "memory to watch" keeper_start a -a 64 -m verify || die "no memory to watch"
check "as long as it does not lie it is a host" balloon a 64
total=$(seen_value a total)
floor=$(guest_value a floor)

# An inflation without end would keep its worker from everything else that it does.
pings=$(guest_value a counters/ping_calls)
lie 2
check "with ranges without end it goes on saying who it is" wait_until 20 \
	"[ \"\$(guest_value a counters/ping_calls)\" -ge $((pings + 2)) ]"
check_range "it was given many (lists)" 100 "$(cat $knob/lists)" 100000000
check_equal "nothing was taken (MiB)" 64 $(($(guest_value a size) / MIB))
lie 0
check "it listens to what makes sense" balloon a 64

changes=0 most=0 last=0 started=$SECONDS
lie 1
check "the guest answers while it is lied to" under_lies $enough
check "its module can go" module_unload_guest a
check "and come back" module_load_guest a
check "it still answers" under_lies $((2 * enough))
lie 0
note "$(cat $knob/lies) lies, $(cat $knob/scribbles) wishes, $changes sizes, most $((most / MIB)) MiB"
check_range "it was lied to often" $((2 * enough)) "$(cat $knob/lies)" 100000000
check_range "and asked for anything" 200 "$(cat $knob/scribbles)" 100000000
check_range "what it handed over was written over (ranges)" 10 "$(cat $knob/overwritten)" 100000000
check_range "its reports, too (calls)" 1 "$(guest_value a counters/report_calls)" 100000000
check_range "it did what it could" 10 $changes 100000000
check_range "it kept its floor (MiB)" 32 $((most / MIB)) $(((total - floor) / MIB))
check_equal "nobody was killed in it" 0 "$(guest_run a "awk '/^oom_kill / { print \$2 }' /proc/vmstat")"
# It is registered and loses the host at most once a second.
check_range "its log (lines)" 0 "$(guest_run a 'dmesg | grep -c bellows_guest')" $((20 + 2 * (SECONDS - started)))
check "it is whole" keeper_good a

check_unload_host
host_load || die "the honest host cannot be loaded"
check "an honest host knows it" wait_until 30 '[ "$(seen_value a state)" = present ]'
check "and sizes it" balloon a 96
check "both ways" balloon a 0
check "it can use what it has" guest_run -t 180 a 'memkeeper -a 180 -m busy -t 2 -s 7'
check "it is still whole" keeper_good a
check "its module can go at the end" module_unload_guest a
guest_stop a
check_forgotten
check_unload_host
