# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the selftests of the pair share: values of both modules' sysfs, balloons, memory that is watched,
# and the count of what must not be left behind. Sourced after lib.sh.

# Read by the tests.
# shellcheck disable=SC2034
MIB=$((1024 * 1024))
HOST=/sys/kernel/bellows_host
GUEST=/sys/kernel/bellows_guest
FLAT=$BELLOWS_BUILD/tests/flat

# ---- values ----

# host_value FILE
host_value()
{
	cat "$HOST/$1" 2>/dev/null
}

# host_set FILE VALUE
host_set()
{
	echo "$2" >"$HOST/$1"
}

# guest_value NAME FILE - of the guest's own sysfs.
guest_value()
{
	guest_run -t 20 "$1" "cat $GUEST/$2" 2>/dev/null
}

# guest_set NAME FILE VALUE
guest_set()
{
	guest_run -t 20 "$1" "echo '$3' >$GUEST/$2"
}

# seen_value NAME FILE - of the host's directory for that guest.
seen_value()
{
	host_value "guests/$(guest_pid "$1")/$2"
}

# seen_set NAME FILE VALUE
seen_set()
{
	host_set "guests/$(guest_pid "$1")/$2" "$3"
}

# ---- the pair ----

# Loads the host's module with the agent off: a test sets targets itself.
host_load()
{
	module_load_host && host_set agent off
}

# pair_start NAME [OPTION...] - a guest of guest_start, with its module loaded and registered.
pair_start()
{
	guest_start "$@" && pair_join "$1"
}

# pair_join NAME
pair_join()
{
	module_load_guest "$1" && wait_until 30 "[ \"\$(seen_value $1 state)\" = present ]"
}

# wait_size NAME MIB [SECONDS] - until both sides say that the balloon has that size, to a block.
wait_size()
{
	local least=$((($2 - 2) * MIB)) most=$((($2 + 2) * MIB))

	wait_until "${3:-60}" "size=\$(seen_value $1 size) && [ \$size -ge $least ] && [ \$size -le $most ]" &&
		wait_until 10 "[ \"\$(guest_value $1 size)\" = \"\$(seen_value $1 size)\" ]" && return
	echo "the balloon of $1: host says $(seen_value "$1" size), guest says $(guest_value "$1" size), wanted $2 MiB;" \
		"guest $(guest_value "$1" host_state), target $(guest_value "$1" target)" \
		"refused $(guest_value "$1" counters/refused_ranges) last $(guest_value "$1" counters/last_refusal)"
	return 1
}

# balloon NAME MIB [SECONDS] - sets the target by hand and waits for it.
balloon()
{
	seen_set "$1" target "$2M" && wait_size "$@"
}

# ---- watched memory ----

# guest_touch NAME - has a guest use nearly all of its free memory for a moment, so that its host has spent it. What the kernel
# keeps for itself counts as free, and grows with the guest.
guest_touch()
{
	guest_run -t 180 "$1" 'memkeeper -m idle -t 1 -s 3 -a \
		$(awk -v kept=$(cat /proc/sys/vm/min_free_kbytes) \
		"/^MemFree:/ { print int((\$2 - kept) / 1024 * 63 / 64) - 10 }" /proc/meminfo) >/dev/null'
}

# keeper_start NAME ARGS... - memkeeper in a guest; returns when all is filled.
keeper_start()
{
	local name=$1

	shift
	guest_run -t 20 "$name" "rm -f /tmp/report; memkeeper -r /tmp/report $* >/tmp/keeper.log 2>&1 </dev/null &" &&
		wait_until 60 "guest_run -t 10 $name 'test -e /tmp/report' 2>/dev/null"
}

# keeper_good NAME - has it verify everything now; fails when a page was ever bad.
keeper_good()
{
	local report

	guest_run -t 20 "$1" 'rm -f /tmp/report; kill -USR1 $(pidof memkeeper)' || return
	wait_until 60 "guest_run -t 10 $1 'test -e /tmp/report' 2>/dev/null" || { echo "no report"; return 1; }
	report=$(guest_run -t 10 "$1" 'cat /tmp/report')
	echo "$report"
	[[ $report == state=ok* ]] || { guest_run "$1" 'cat /tmp/keeper.log'; return 1; }
}

# keeper_checksum NAME - of all that it keeps; changes only with what it writes.
keeper_checksum()
{
	keeper_good "$1" | sed -n 's/.*checksum=\([0-9a-f]*\).*/\1/p'
}

# keeper_stop NAME
keeper_stop()
{
	guest_run -t 20 "$1" 'kill $(pidof memkeeper)'
}

# ---- what is left ----

# Nothing of any guest is left in the host's module.
is_forgotten()
{
	[ "$(host_value counters/guests)" = 0 ] && [ "$(host_value counters/pinned_pages)" = 0 ] &&
		[ "$(host_value counters/active_calls)" = 0 ] && [ "$(host_value released)" = 0 ] &&
		[ -z "$(ls "$HOST/guests")" ]
}

check_forgotten()
{
	check "${1:-nothing is left of the guest}" wait_until 30 is_forgotten ||
		grep -H . "$HOST"/counters/{guests,pinned_pages,active_calls} "$HOST/released" | sed 's/^/# /'
}

# Pages that the host's kernel holds pinned, whoever did it. A CPU adds what it counted once a second, and a page may be
# pinned on one and unpinned on another: so the CPUs are asked to do so first.
pinned_pages()
{
	cat /proc/sys/vm/stat_refresh
	awk '/^nr_foll_pin_acquired/ { sum += $2 } /^nr_foll_pin_released/ { sum -= $2 } END { print sum }' /proc/vmstat
}

# meminfo_mib NAME FIELD - of a guest's memory.
meminfo_mib()
{
	echo $(($(guest_run -t 20 "$1" "awk '/^$2:/ { print \$2 }' /proc/meminfo") / 1024))
}

# module_references MODULE
module_references()
{
	cat "/sys/module/$1/refcnt"
}

# The host module can go, which it cannot while somebody uses it, and leaves no directory.
check_unload_host()
{
	check "the host's module can be unloaded" module_unload_host
	check "its directory is gone" test ! -e "$HOST"
}

# ---- programs on flat machines ----

# run_flat PROGRAM [CASE...] - runs one of tests/selftests/src/flat_*.c; its cases become ours.
run_flat()
{
	local line output code failures=0

	output=$(mktemp)
	"$FLAT/flat_anchor" "$FLAT/$1" "${@:2}" >"$output" 2>&1
	code=$?
	while read -r line; do
		case $line in
		"not ok "*)	line=${line#not ok }; not_ok "${line#* }"; failures=$((failures + 1)) ;;
		"ok "*)		line=${line#ok }; ok "${line#* }" ;;
		"Bail out!"*)	not_ok "$line"; failures=$((failures + 1)) ;;
		KTAP*|1..*)	;;
		*)		echo "# ${line#\# }" ;;
		esac
	done <"$output"
	rm -f "$output"
	case $code in
	0|4)	;;	# 4: all were skipped
	1)	[ $failures -gt 0 ] || not_ok "$1 failed without a failed case" ;;
	*)	not_ok "$1 ended with exit code $code" ;;
	esac
}

# flat_test PROGRAM - a whole selftest made of one program.
flat_test()
{
	host_load || die "the host's module cannot be loaded"
	run_flat "$@"
	check_forgotten "nothing is left of the machines"
	check_unload_host
}
