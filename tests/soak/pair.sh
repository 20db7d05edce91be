#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Usage: tests/soak/pair.sh MINUTES SEED - in a host VM; see scripts/soak.
#
# In each cycle something happens to one of two guests, or to the host's module. Both keep data that is verified every few
# cycles, and what uses memory for a moment verifies its own. After each cycle host and guests must agree on every balloon, to
# the page.

# shellcheck source=tests/selftests/lib.sh
. "$(dirname "$0")/../selftests/lib.sh"
# shellcheck source=tests/selftests/pair-lib.sh
. "$(dirname "$0")/../selftests/pair-lib.sh"
# shellcheck source=tests/selftests/virtio-lib.sh
. "$(dirname "$0")/../selftests/virtio-lib.sh"

minutes=$1
RANDOM=$2

GUEST_MIB=288
KEPT_MIB=32
# The largest target, with room for the largest load.
MOST_MIB=96
LOAD_MIB=40
# The data of a guest are verified every so many cycles. All the time would leave the emulated CPU nothing else to do.
LOOK_CYCLES=4

# What happens in twenty cycles. In an order of chance, so that even a short soak has a kill and a migration in it.
EVENTS=(kill reload_guest reload_guest reload_host migrate load load load load load
	target target target target target target target target target target)
events=()

# Names of the guests that run: a new one each time that one is started, or arrives.
names=()
generation=0
cycles=0 errors=0 bad_pages=0 lost_pages=0 given_pages=0 taken_pages=0 verified_mib=0
declare -A done_so_far

# error TEXT - counts it; what led to it is on the consoles.
error()
{
	errors=$((errors + 1))
	note "error in cycle $cycles: $*"
}

# count WHAT
count()
{
	done_so_far[$1]=$((${done_so_far[$1]:-0} + 1))
}

# pause - for less than a second.
pause()
{
	sleep "0.$((RANDOM % 10))"
}

# ---- what is counted ----

# take_report REPORT - of a memkeeper that has come to an end, or will be asked no more.
take_report()
{
	local word state=none bad=0 passes=0 mib=0

	for word in $1; do
		case $word in
		state=*|bad=*|passes=*|mib=*)	declare "$word" ;;
		esac
	done
	verified_mib=$((verified_mib + passes * mib))
	bad_pages=$((bad_pages + bad))
	[ "$state" = ok ] || error "data of a guest: $1"
}

# look NAME [last] - has all of a guest's data verified. The last time what it has verified in its life is counted.
look()
{
	local report

	report=$(keeper_good "$1") || error "data of $1: $report"
	[ "${2:-}" != last ] || take_report "$report"
}

# The host's counters begin anew with its module.
count_moved()
{
	given_pages=$((given_pages + $(host_value counters/released_pages)))
	taken_pages=$((taken_pages + $(host_value counters/granted_pages)))
}

# agree NAME - both sides come to say the same, to the page; otherwise the difference is lost.
agree()
{
	local guest host

	wait_until 20 "[ \"\$(guest_value $1 size)\" = \"\$(seen_value $1 size)\" ]" && return
	guest=$(guest_value "$1" size) host=$(seen_value "$1" size)
	guest=$((${guest:-0} / 4096)) host=$((${host:-0} / 4096))
	lost_pages=$((lost_pages + (guest > host ? guest - host : host - guest)))
	error "$1 has $guest pages in its balloon, the host counts $host"
}

# ---- what happens ----

# start SLOT
start()
{
	local name=g$((++generation))

	names[$1]=$name
	pair_start "$name" -m $GUEST_MIB || { error "$name does not start"; return 1; }
	keeper_start "$name" -a $KEPT_MIB -m idle -s $RANDOM || error "$name has no memory to watch"
}

# target NAME - any.
target()
{
	wanted=$((RANDOM % (MOST_MIB + 1)))
	seen_set "$1" target ${wanted}M || error "$1 takes no target"
}

# Often another one follows before it is reached.
do_target()
{
	target "${names[$1]}"
	pause
	((RANDOM % 2)) || wait_size "${names[$1]}" $wanted >/dev/null || error "$(wait_size "${names[$1]}" $wanted 1)"
}

do_load()
{
	local report

	target "${names[$1]}"
	report=$(guest_run -t 180 "${names[$1]}" "memkeeper -a $((RANDOM % LOAD_MIB + 1)) -m busy -t 2 -s $RANDOM") ||
		error "a load in ${names[$1]} ended with $?"
	take_report "$report"
}

do_kill()
{
	local pid

	look "${names[$1]}" last
	pid=$(guest_pid "${names[$1]}")
	target "${names[$1]}"
	pause
	guest_kill9 "${names[$1]}" || error "${names[$1]} does not die"
	wait_until 30 "[ ! -e $HOST/guests/$pid ]" || error "the host does not forget ${names[$1]}"
	start "$1"
}

do_reload_guest()
{
	local name=${names[$1]}

	target "$name"
	pause
	module_unload_guest "$name" || { error "the module of $name does not go"; return; }
	[ "$(seen_value "$name" size)" = 0 ] || error "$name left a balloon of $(seen_value "$name" size) bytes"
	pair_join "$name" || error "the module of $name does not come back"
}

do_reload_host()
{
	local name

	for name in "${names[@]}"; do
		target "$name"
	done
	pause
	count_moved
	module_unload_host || { error "the host's module does not go"; return; }
	pause
	host_load || { error "the host's module does not come back"; return; }
	for name in "${names[@]}"; do
		wait_until 30 "[ \"\$(seen_value $name state)\" = present ]" || error "$name does not come back to the host"
	done
}

do_migrate()
{
	local from=${names[$1]} to=g$((++generation))

	target "$from"
	arrive "$from" "$to" : -m $GUEST_MIB >/dev/null || error "$from does not arrive as $to"
	names[$1]=$to
	wait_until 30 "[ \"\$(seen_value $to state)\" = present ]" || error "the host does not know $to"
}

# draw - takes one of the events that are left, into "what"; when there is none, all begin again.
draw()
{
	local number

	((${#events[@]})) || events=("${EVENTS[@]}")
	number=$((RANDOM % ${#events[@]}))
	what=${events[number]}
	events=("${events[@]:0:number}" "${events[@]:number+1}")
}

# cycle - one thing that happens, and what has to be true afterwards.
cycle()
{
	local slot=$((RANDOM % ${#names[@]})) what name

	draw
	cycles=$((cycles + 1))
	count $what
	do_$what $slot
	for name in "${names[@]}"; do
		agree "$name"
	done
	((cycles % LOOK_CYCLES)) || look "${names[slot]}"
}

# ---- from the beginning to the end ----

# counts - in one line.
counts()
{
	local what text=''

	for what in target load kill reload_guest reload_host migrate; do
		text+="${text:+, }${done_so_far[$what]:-0} $what"
	done
	echo "$cycles cycles ($text), $errors errors"
}

# Memory that nobody knows any more, on kernels that look for it.
leaks()
{
	local file=/sys/kernel/debug/kmemleak

	[ -e $file ] || { echo "not looked for by this kernel"; return; }
	echo scan >$file
	sleep 6
	echo scan >$file
	grep -c '^unreferenced' $file
}

finish()
{
	local name

	for name in "${names[@]}"; do
		balloon "$name" 0 || error "$name keeps a balloon"
		look "$name" last
		guest_stop "$name"
	done
	count_moved
}

note "seed $2, $minutes minutes"
host_load || die "the host's module cannot be loaded"
pins=$(pinned_pages)
start 0 && start 1 || die "no guests"
# To boot takes a minute or two.
started=$SECONDS
shown=0
while ((SECONDS - started < minutes * 60)) && ((errors < 20)); do
	cycle
	if (((SECONDS - started) / 30 > shown)); then
		shown=$(((SECONDS - started) / 30))
		note "$(((SECONDS - started) / 60)) of $minutes minutes: $(counts)"
	fi
done
finish
note "$(counts)"
note "$((given_pages / 256)) MiB given, $((taken_pages / 256)) MiB granted back, $verified_mib MiB of data verified"
note "leaks: $(leaks)"
check_range "cycles" 1 $cycles 1000000000
check_equal "errors" 0 $errors
check_equal "damaged pages" 0 $bad_pages
check_equal "pages lost between the accounts of guests and host" 0 $lost_pages
check_forgotten "nothing is left of the guests"
# A guest that is gone is taken apart a moment later.
check_equal "pages that are still pinned" 0 $(($(pinned_pages) - pins))
check_unload_host
