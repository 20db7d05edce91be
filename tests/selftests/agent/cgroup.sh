#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A VM in a memory cgroup of the host: it is asked before it is stopped or killed there, however much the host
# has, and gets its memory back when the limit is gone (B14).
#
# timeout: 900
# vm: -m 3072

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"

CGROUP=/sys/fs/cgroup/vm

# cgroup_mib FILE
cgroup_mib()
{
	echo $(($(cat "$CGROUP/$1") / MIB))
}

# cgroup_event FILE EVENT - how often that happened.
cgroup_event()
{
	sed -n "s/^$2 //p" "$CGROUP/$1"
}

# Its memory is charged to the cgroup that its QEMU is started in. The disk is as large as it wants to be, and is
# read into the guest's page cache at the guest's own speed.
start_limited()
(
	echo "$BASHPID" >"$CGROUP/cgroup.procs" &&
		pair_start limited -m 768 --qemu "-drive driver=null-co,size=2G,read-zeroes=on,if=virtio"
)

# read_disk MIB [SECONDS] - fills so much of the guest's memory with page cache, some MiB at a time. Who holds the disk open keeps
# the cache.
read_disk()
{
	guest_run -t "${2:-200}" limited "sleep 1000 </dev/vda >/dev/null 2>&1 & for i in \$(seq 0 8 $(($1 - 8))); do
		dd if=/dev/vda of=/dev/null bs=1M count=8 skip=\$i 2>/dev/null || exit
		usleep 50000
	done"
}

# note_state - what the agent wants of the guest and why, and what is used, again and again.
states=$(mktemp)
note_state()
{
	while sleep 0.05; do
		echo "$(seen_value limited reason) $(seen_value limited bound) $(size_of target) of $(size_of size)" \
			"usage $(size_of cgroup_usage) free $(size_of available)" >>"$states"
	done
}

# note_reasons - each reason that the agent has, in turn. Without a process for each look: it may last for moments only.
reasons=$(mktemp)
note_reasons()
{
	local file now='' before='' never

	file=$HOST/guests/$(guest_pid limited)/reason
	exec {never}<> <(:)
	while read -r now <"$file"; do
		[ "$now" = "$before" ] || echo "$now" >>"$reasons"
		before=$now
		read -rt 0.01 -u "$never" || true
	done
}

size_of()
{
	echo $(($(seen_value limited "$1") / MIB))
}

module_load_host || die "the host's module cannot be loaded"
# The host is never short: it would like to give back all the time.
host_set minimum 0 && host_set reserve 0 && host_set give_back 64M || die "the host's knobs cannot be set"
echo +memory >/sys/fs/cgroup/cgroup.subtree_control && mkdir "$CGROUP" || die "no memory cgroup"
start_limited || die "no guest"
guest_run limited 'modprobe virtio_blk && test -b /dev/vda' || die "no disk"
keeper_start limited -a 64 -m verify || die "no memory to watch"
# The guest's kernel and image, which QEMU has read and does not need any more: page cache goes first, and going counts
# as an event.
echo 128M >"$CGROUP/memory.reclaim" 2>/dev/null
sleep 5

limit_it()
{
	echo ${1}M >"$CGROUP/memory.high"
	echo $(($1 + 64))M >"$CGROUP/memory.max"
}

limit_no_more()
{
	echo max >"$CGROUP/memory.max"
	echo max >"$CGROUP/memory.high"
}

is_back()
{
	wait_until 60 '[ "$(seen_value limited size)" -le $((32 * MIB)) ]'
}

high=$(($(cgroup_mib memory.current) + 150))
note_state &
noter=$!
note_reasons &
reasoner=$!
limit_it $high
note "the cgroup uses $(cgroup_mib memory.current) MiB and has a limit of $high MiB"
sleep 3
check_equal "the agent sees the limit (MiB)" "$high" $(($(seen_value limited cgroup_limit) / MIB))
check_range "and the usage (MiB)" $((high - 200)) $(($(seen_value limited cgroup_usage) / MIB)) $((high - 100))
check "what it can never use is asked for at once" wait_until 20 '[ "$(seen_value limited size)" -ge $((200 * MIB)) ]'

check "the guest reads more than its cgroup holds" read_disk 600
sleep 2
note "usage $(cgroup_mib memory.current) MiB, balloon $(($(seen_value limited size) / MIB)) MiB," \
	"host free $(($(host_value free) / MIB)) of $(($(host_value total) / MIB)) MiB"
kill "$noter" "$reasoner"
uniq "$states" | awk 'NR % 20 == 1' | head -n 60 | sed 's/^/# /'
sed 's/^/# /' "$CGROUP/memory.events"
check "the agent says why" grep -qx cgroup "$reasons"
throttled=$(cgroup_event memory.events high)
check_equal "it was never stopped at the limit" 0 "$(cgroup_event memory.events max)"
check_equal "nor killed" 0 "$(cgroup_event memory.events oom_kill)"
check_range "the cgroup has room left (MiB)" -32 $((high - $(cgroup_mib memory.current))) 100
check "no data is damaged" keeper_good limited
check_equal "nobody was killed in the guest" 0 "$(seen_value limited oom_kills)"

limit_no_more
check "without the limit it gets its memory back" is_back

# The same without the agent: this is what it keeps from the VM.
host_set agent off
guest_run limited 'kill $(pidof sleep); echo 3 >/proc/sys/vm/drop_caches'
limit_it $(($(cgroup_mib memory.current) + 50))
read_disk 300 20
sed 's/^/# /' "$CGROUP/memory.events"
without=$(($(cgroup_event memory.events high) - throttled))
check_range "without it the VM is throttled (times)" 20 $without 1000000000
# Only noted: under emulation, beside other work, the guest may be quicker than the agent for as long as it reads.
note "with it $throttled times"
limit_no_more

check_fails "nonsense is refused" host_set policy/cgroup_margin_permille 1000
check_fails "and so is this" host_set policy/cgroup_margin_permille five
check_equal "and leaves the old value" 50 "$(host_value policy/cgroup_margin_permille)"

guest_stop limited
check_forgotten "nothing is left of the guest"
check_unload_host
