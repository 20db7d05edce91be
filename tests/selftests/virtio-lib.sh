# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the tests of the virtio device share. Each runs the same steps several ways: "stock" is the kernel's own
# driver, the yardstick that shows the test itself to be right; "alone" is the guest's module on a host
# without ours; "pair" is both. Sourced after lib.sh and pair-lib.sh.

# shellcheck disable=SC2034
VIRTIO_WAYS=(stock alone pair)

# way_start WAY [OPTION...] - a guest "a" of guest_start whose balloon device is driven that way.
way_start()
{
	local way=$1

	shift
	way_host "$way" || return
	guest_start a "$@" --qemu '-d guest_errors' && way_drive "$way"
}

# way_host WAY - the host's module, with its agent off, for a pair, and only for one.
way_host()
{
	case $1 in
	pair)	[ -e "$HOST" ] || host_load ;;
	*)	[ ! -e "$HOST" ] || module_unload_host ;;
	esac
}

# way_drive WAY - loads the driver into guest "a".
way_drive()
{
	case $1 in
	stock)	guest_run a 'modprobe virtio_balloon' ;;
	alone)	module_load_guest a ;;
	pair)	pair_join a ;;
	esac
}

# way_undrive WAY - unloads it.
way_undrive()
{
	case $1 in
	stock)	guest_run a 'rmmod virtio_balloon' ;;
	*)	module_unload_guest a ;;
	esac
}

# ---- what the VMM knows ----

# actual_mib NAME - the memory that a guest has, by what its driver says.
actual_mib()
{
	local answer

	answer=$(guest_qmp "$1" '{"execute":"query-balloon"}') || return
	answer=${answer##*\"actual\": }
	echo $((${answer%%\}*} >> 20))
}

# wait_actual NAME MIB [SECONDS] - within one per cent.
wait_actual()
{
	wait_until "${3:-60}" "actual=\$(actual_mib $1) && [ \$((actual * 100)) -ge $(($2 * 99)) ] &&
		[ \$((actual * 100)) -le $(($2 * 101)) ]" && return
	echo "the guest has $(actual_mib "$1") MiB, wanted $2"
	return 1
}

# setmem NAME MIB [SECONDS] - what "virsh setmem" does, until it is done.
setmem()
{
	guest_balloon "$1" "$2" && wait_actual "$@"
}

# shrunk NAME MIB - free page reporting has brought a guest of so many MiB, which has just touched nearly all of them, down to
# what it uses, some of QEMU's own, and pieces that are too small to be told of. Nothing is compared with what was before: some
# may be gone before one looks.
shrunk()
{
	local most=$(($2 - $(meminfo_mib "$1" MemFree) + 170))

	wait_until 60 "[ \$((\$(guest_rss_kib $1) / 1024)) -le $most ]"
	echo "resident $(($(guest_rss_kib "$1") / 1024)) MiB, free in the guest $(meminfo_mib "$1" MemFree) of $2 MiB, wanted at most $most"
	[ $(($(guest_rss_kib "$1") / 1024)) -le $most ]
}

# device_get NAME PROPERTY - of the balloon device, as QEMU prints it.
device_get()
{
	guest_qmp "$1" "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"/machine/peripheral/balloon0\",\"property\":\"$2\"}}"
}

# device_set NAME PROPERTY VALUE
device_set()
{
	guest_qmp "$1" "{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"/machine/peripheral/balloon0\",\"property\":\"$2\",
		\"value\":$3}}" >/dev/null
}

# stat_of STATS TAG - one figure out of what device_get NAME guest-stats prints.
stat_of()
{
	local value=${1##*\"stat-$2\": }

	[ "$value" != "$1" ] && echo "${value%%[,\}]*}"
}

# ---- migration and snapshots, by QEMU's own means ----

# migrate_to NAME URI [CONDITION] - until all is sent; the source is paused then. Next to nothing is sent before CONDITION holds.
# Prints how many MiB went.
migrate_to()
{
	local info

	[ $# -lt 3 ] || migrate_at_most "$1" 65536 || return
	guest_qmp "$1" "{\"execute\":\"migrate\",\"arguments\":{\"uri\":\"$2\"}}" >/dev/null || return
	[ $# -lt 3 ] || { wait_until 60 "$3" && migrate_at_most "$1" 0; } || return
	wait_until 90 "info=\$(guest_qmp $1 '{\"execute\":\"query-migrate\"}') && [[ \$info == *'\"status\": \"completed\"'* ]]" ||
		{ echo "$info"; return 1; }
	info=${info##*\"transferred\": }
	echo $((${info%%,*} >> 20))
}

# migrate_at_most NAME BYTES - in a second; 0 for no limit.
migrate_at_most()
{
	guest_qmp "$1" "{\"execute\":\"migrate-set-parameters\",\"arguments\":{\"max-bandwidth\":$2}}" >/dev/null
}

# arrive FROM TO BETWEEN [OPTION...] - a live migration of a guest of 384 MiB, whose new QEMU is started with these options. The
# two are on the same host; BETWEEN makes that another one while neither of them runs.
arrive()
{
	local from=$1 to=$2 between=$3 socket=/run/bellows/migration

	shift 3
	guest_start "$to" -m 384 --no-wait --qemu "-S -incoming unix:$socket" "$@" && wait_until 20 "test -S $socket" &&
		migrate_to "$from" "unix:$socket" && guest_kill9 "$from" || return
	rm -f $socket
	eval "$between"
	guest_qmp "$to" '{"execute":"cont"}' && guest_wait "$to"
}

# check_qemu_quiet WAY [PATTERN] - what QEMU says goes into a log of the guest's; it has nothing to say unless a driver
# errs, but for what matches the pattern.
check_qemu_quiet()
{
	check_fails "$1: QEMU has nothing to complain of" grep -vE "^QEMU ended with exit code|^launch: .* Killed ${2:+|$2}" \
		"$BELLOWS_RUN/guest-a.qemu"
}

# ---- what the guest knows ----

# guest_holds NAME MIB - the balloon has that size, to the page.
guest_holds()
{
	[ "$(guest_value "$1" size)" = $(($2 * MIB)) ]
}

# watch_sizes PID [SECONDS] - until the process ends, or the time is over. Sets most_actual and least_size to what the VMM
# and the host, in MiB, saw of guest "a" meanwhile.
watch_sizes()
{
	local value end=$((SECONDS + ${2:-100000}))

	most_actual=0
	least_size=1000000
	while ((SECONDS < end)) && kill -0 "$1" 2>/dev/null; do
		value=$(actual_mib a)
		((value <= most_actual)) || most_actual=$value
		value=$(seen_value a size)
		value=$((${value:-0} / MIB))
		((value >= least_size)) || least_size=$value
		sleep 0.2
	done
}
