#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A host with two NUMA nodes of which one is short, while the host as a whole has plenty: memory is taken from where it is
# short, be it from a guest whose memory lies on both nodes page by page, or from one whose nodes lie on one each. Without
# looking where a guest's memory lies, about half of it comes from the wrong node (B13).
#
# timeout: 900
# vm: -m 3072 --nodes 2

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"

HOG=/run/hog

# resident_mib GUEST NODE - what of a guest's QEMU lies on a node.
resident_mib()
{
	awk -v key="N$2=" '{ for (i = 2; i <= NF; i++) if (index($i, key) == 1) pages += substr($i, length(key) + 1) }
		END { print int(pages / 256) }' "/proc/$(guest_pid "$1")/numa_maps"
}

node_mib()
{
	echo $(($(host_value "nodes/node$1/$2") / MIB))
}

# lack MIB - takes so much of node 1 that it lacks that to its reserve.
lack()
{
	local mib=$(($(node_mib 1 free) - $(node_mib 1 reserve) + $1))

	note "node 1 has $(node_mib 1 free) MiB free, its reserve is $(node_mib 1 reserve): $mib are taken"
	dd if=/dev/zero of=$HOG/hog bs=1M count=$mib 2>/dev/null
}

# squeeze GUEST MIB - makes node 1 short and sets taken_0 and taken_1 to what the guest gave of each node.
squeeze()
{
	local before_0 before_1

	before_0=$(resident_mib "$1" 0)
	before_1=$(resident_mib "$1" 1)
	lack "$2"
	check "$1: node 1 is above its reserve again" \
		wait_until 60 '[ "$(node_mib 1 free)" -ge $(($(node_mib 1 reserve) - 4)) ]'
	# It goes on to the end of the dead band.
	sleep 5
	taken_0=$((before_0 - $(resident_mib "$1" 0)))
	taken_1=$((before_1 - $(resident_mib "$1" 1)))
	# It goes on working, and may have grown meanwhile.
	((taken_0 >= 0)) || taken_0=0
	note "$1 gave $taken_0 MiB of node 0 and $taken_1 MiB of node 1; balloon $(($(seen_value "$1" size) / MIB)) MiB," \
		"node 0 has $(node_mib 0 free), node 1 $(node_mib 1 free) MiB free"
}

# ease GUEST
ease()
{
	rm $HOG/hog
	check "$1: when it is over, memory is given back" wait_until 90 '[ "$(seen_value '"$1"' size)" -le $((32 * MIB)) ]'
}

# of_node_1 - percentage.
of_node_1()
{
	echo $((taken_1 * 100 / (taken_0 + taken_1)))
}

module_load_host || die "the host's module cannot be loaded"
mkdir $HOG && mount -t tmpfs -o mpol=bind:1,size=1500M none $HOG || die "no memory of one node"
host_set reserve 600M || die "the reserve cannot be set"
# As agent_start() has it: a guest that is alone and slow is asked for all that it has.
host_set policy/doubt_ms 2000 || die "the knob cannot be set"

pair_start spread -m 768 --interleave 0-1 || die "no guest"
guest_touch spread
keeper_start spread -a 64 -m verify || die "no memory to watch"
check_range "its memory lies on node 0 (MiB)" 300 "$(resident_mib spread 0)" 500
check_range "and on node 1 (MiB)" 300 "$(resident_mib spread 1)" 500
sleep 5
check_equal "the agent knows" any "$(seen_value spread host_nodes)"
check_equal "nothing is asked while both nodes have enough" 0 "$(seen_value spread size)"

squeeze spread 180
check_range "memory came (MiB)" 150 $((taken_0 + taken_1)) 320
check_range "from the node that is short (%)" 95 "$(of_node_1)" 100
check_range "the agent saw it arrive (%)" 80 $(($(seen_value spread arrived) * 100 / $(seen_value spread given))) 100
check_range "and stays in the balloon while there is no more than that (MiB)" 150 $(($(seen_value spread size) / MIB)) 320
check "no data is damaged" keeper_good spread
ease spread

# The same, without looking where it lies.
host_set residence_ms 0 || die "the knob cannot be set"
guest_run -t 60 spread 'memkeeper -m idle -t 1 -s 3 -a 400 >/dev/null'
squeeze spread 180
check_range "blindly, about half of it is from the wrong node (%)" 30 "$(of_node_1)" 70
check "no data is damaged" keeper_good spread
ease spread
host_set residence_ms 1000 || die "the knob cannot be set"
check_fails "nonsense is refused" host_set residence_ms -1
check_fails "and so is this" host_set residence_ms 3600001
check_equal "and leaves the old value" 1000 "$(host_value residence_ms)"
guest_stop spread

pair_start bound -m 768 --nodes 2 || die "no guest with two nodes"
guest_touch bound
keeper_start bound -a 64 -m verify || die "no memory to watch"
check "the agent finds the node behind each of the guest's" wait_until 20 '[ "$(seen_value bound host_nodes)" = "0 1" ]'
squeeze bound 180
check_range "memory came (MiB)" 150 $((taken_0 + taken_1)) 320
check_range "from the node that is short (%)" 95 "$(of_node_1)" 100
check "no data is damaged" keeper_good bound
check_equal "nobody was killed" 0 "$(seen_value bound oom_kills)"
ease bound

guest_stop bound
check_forgotten "nothing is left of the guests"
check_unload_host
