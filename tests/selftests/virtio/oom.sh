#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A guest that runs out of memory under its VMM's target: with deflate-on-oom (libvirt's autodeflate) it helps itself
# and lives, and MemTotal shows all the while what can be had back; without, the target stands, and what needs more dies.
#
# timeout: 900

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../virtio-lib.sh"

hog='memkeeper -m verify -t 3 -s 5 -a'

oom_kills()
{
	guest_run a "awk '/^oom_kill / { print \$2 }' /proc/vmstat"
}

# lives MIB - what needs that much does its work. Looks at the sizes while it runs: soon afterwards the target counts again.
lives()
{
	local hog_pid

	guest_run -t 180 a "$hog $1" &
	hog_pid=$!
	watch_sizes $hog_pid
	wait $hog_pid
}

helps_itself()
{
	local way=$1 total most_actual least_size

	way_start "$way" -m 384 --balloon deflate-on-oom=on || die "$way: no guest"
	total=$(meminfo_mib a MemTotal)
	check "$way: down to 192 MiB" setmem a 192
	check_equal "$way: MemTotal goes on showing all" "$total" "$(meminfo_mib a MemTotal)"
	check "$way: what needs more than that lives" lives 200
	check_equal "$way: nobody was killed" 0 "$(oom_kills)"
	if [ "$way" != stock ]; then
		check_range "$way: the VMM sees what came back" 240 "$most_actual" 384
		check_range "$way: it came in steps of 64 MiB" 1 "$(guest_value a counters/reliefs)" 8
		# The target still counts: it is fulfilled when there is memory again.
		check "$way: and goes again when nobody needs it" wait_actual a 192 60
	fi
	check_qemu_quiet "$way"
	guest_stop a
}

# Without the feature the agent's part may come back, the VMM's not.
stands()
{
	local way=$1 most_actual least_size

	way_start "$way" -m 384 || die "$way: no guest"
	# Be killed rather than refused.
	guest_run a 'echo 1 >/proc/sys/vm/overcommit_memory'
	check "$way, not allowed: down to 256 MiB" setmem a 256
	if [ "$way" = pair ]; then
		check "$way, not allowed: the agent takes more" balloon a 192
		check "$way, not allowed: the agent's part comes back" lives 140
		check_equal "$way, not allowed: nobody was killed" 0 "$(oom_kills)"
		check_range "$way, not allowed: it holds less (MiB)" 128 "$least_size" 160
	fi
	# The kernel's report of what it does to the victim would be taken for trouble.
	guest_run a 'dmesg -n 1'
	check_fails "$way, not allowed: what needs more than that dies" guest_run -t 180 a "$hog 230"
	check_range "$way, not allowed: killed by the guest's kernel" 1 "$(oom_kills)" 1
	check_equal "$way, not allowed: the VMM's target stands" 256 "$(actual_mib a)"
	check_qemu_quiet "$way"
	guest_stop a
}

for way in "${VIRTIO_WAYS[@]}"; do
	helps_itself "$way"
	stands "$way"
done
