#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Free page hinting: a VMM that migrates a guest does not send what is free in it, and what is not free arrives.
# Who needs what is free while it asks gets it.
#
# timeout: 1000

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../virtio-lib.sh"

socket=/run/bellows/migration
iothread='-object iothread,id=io0'
slow=/sys/fs/cgroup/slow

hinted_mib()
{
	echo $(($(guest_value a counters/hinted_pages) / 256))
}

hints_are_there()
{
	[ "$(hinted_mib)" -ge 100 ]
}

# move WAY HINT MIB_LEAST MIB_MOST - what is sent of a guest that has used 190 MiB and freed it.
move()
{
	local way=$1 hint=$2 name="$1, hints $2" sent ours=

	way_start "$way" -m 384 --balloon "free-page-hint=$hint,iothread=io0" --qemu "$iothread" ||
		die "$name: no guest"
	check "$name: memory to watch" keeper_start a -a 24 -m busy || die "$name: no memory to watch"
	guest_run -t 180 a 'memkeeper -m idle -t 1 -s 3 -a 190' >/dev/null || not_ok "$name: the guest cannot use memory"
	guest_start b -m 384 --balloon "free-page-hint=$hint,iothread=io0" --no-wait \
		--qemu "$iothread -incoming unix:$socket" || die "$name: nobody to receive it"
	wait_until 20 "test -S $socket" || not_ok "$name: nobody listens"
	# On a busy machine hints may come after what they tell of was sent; stock's cannot be seen from here.
	[ "$hint$way" = onstock ] || [ "$hint" = off ] || ours=hints_are_there
	# shellcheck disable=SC2086 # none, or one
	sent=$(migrate_to a "unix:$socket" $ours) || { not_ok "$name: it does not migrate"; note "$sent"; }
	note "$sent MiB were sent"
	check_range "$name: MiB that were sent" "$3" "$sent" "$4"
	guest_kill9 a
	check "$name: it lives on" guest_wait b
	check "$name: with what it had" keeper_good b
	[ -z "$ours" ] ||
		check_range "$name: the guest counts them (MiB)" 100 $(($(guest_value b counters/hinted_pages) / 256)) 384
	check "$name: what is free can be used" guest_run -t 180 b 'memkeeper -m verify -t 3 -s 5 -a 150'
	check "$name: and its balloon" setmem b 300
	check "$name: all is intact" keeper_good b
	check_qemu_quiet "$name"
	guest_stop b
}

# throttle NAME - the thread that takes hints gets a hundredth of a CPU, so that a round lasts for long.
throttle()
{
	local threads

	threads=$(guest_qmp "$1" '{"execute":"query-iothreads"}') || return
	threads=${threads##*\"thread-id\": }
	mkdir $slow && echo threaded >$slow/cgroup.type && echo +cpu >/sys/fs/cgroup/cgroup.subtree_control &&
		echo "1000 100000" >$slow/cpu.max && echo "${threads%%[,\}]*}" >$slow/cgroup.threads
}

# A round takes nearly all free memory off the free lists. Who needs it meanwhile gets it.
needed()
{
	local before

	way_start alone -m 384 --balloon "free-page-hint=on,iothread=io0" --qemu "$iothread" || die "needed: no guest"
	check "needed: hints take their time" throttle a
	# By far too slow to end.
	migrate_at_most a 65536
	guest_qmp a '{"execute":"migrate","arguments":{"uri":"exec:cat >/dev/null"}}' >/dev/null
	check "needed: a round has begun" wait_until 60 '[ "$(hinted_mib)" -ge 64 ]'
	before=$(hinted_mib)
	note "$before MiB are hinted, $(meminfo_mib a MemFree) MiB are free"
	check "needed: what needs it lives" guest_run -t 180 a 'memkeeper -m verify -t 2 -s 5 -a 230'
	check_equal "needed: nobody was killed" 0 "$(guest_run a "awk '/^oom_kill / { print \$2 }' /proc/vmstat")"
	note "$(hinted_mib) MiB are hinted"
	echo max >$slow/cpu.max
	guest_qmp a '{"execute":"migrate_cancel"}' >/dev/null
	check "needed: all is free again" wait_until 30 '[ "$(meminfo_mib a MemFree)" -ge 270 ]'
	check "needed: the driver can go" module_unload_guest a
	check_qemu_quiet needed
	guest_stop a
	wait_until 10 'rmdir $slow 2>/dev/null'
}

# What the guest goes on writing meanwhile is sent once more. It is so little that QEMU does not need to go round often,
# however fast the two are.
move stock off 280 500
move stock on 40 270
move alone on 40 220
move pair on 40 220
needed
