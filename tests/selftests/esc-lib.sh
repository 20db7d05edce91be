# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the selftests of Enhanced Second-Chance share: guests with a disk and with swap, memory whose use is known, and
# the guest's own counts. Sourced after pair-lib.sh.

# esc_disk FILE MIB - an image with a file system, in the host's memory.
esc_disk()
{
	rm -f "$1"
	truncate -s "$2M" "$1" && mkfs.ext4 -q -O ^has_journal "$1"
}

# esc_guest NAME [OPTION...] - a guest with a disk of 1 GiB at /disk, the module loaded and registered. Nothing is
# written to the disk unless somebody says so.
esc_guest()
{
	local name=$1 disk=/run/disk-$1

	esc_disk "$disk" 1024 || return
	shift
	guest_start "$name" --qemu "-drive file=$disk,format=raw,if=virtio,cache=unsafe" "$@" || return
	guest_run "$name" 'modprobe -a virtio_blk ext4 && mkdir -p /disk && mount -t ext4 /dev/vda /disk &&
		cd /proc/sys/vm && echo 0 >dirty_writeback_centisecs && echo 90 >dirty_ratio &&
		echo 80 >dirty_background_ratio' || return
	pair_join "$name"
}

# esc_mglru NAME y|n
esc_mglru()
{
	guest_run "$1" "echo $2 >/sys/kernel/mm/lru_gen/enabled"
}

# esc_zram NAME MIB - compressed swap in the guest's own memory.
esc_zram()
{
	guest_run "$1" "modprobe zram && echo $2M >/sys/block/zram0/disksize && mkswap /dev/zram0 >/dev/null &&
		swapon /dev/zram0"
}

# esc_sweep NAME [PERCENT [GAP_MS]] - has it sweep all the time, as fast as told.
esc_sweep()
{
	guest_run "$1" "cd $GUEST/esc && echo ${2:-50} >sweep_percent && echo ${2:-50} >sweep_urgent_percent &&
		echo ${3:-200} >sweep_gap_ms && echo ${3:-200} >sweep_gap_max_ms && echo 1 >sweep_always"
}

# esc_wait_sweeps NAME NUMBER - until there were that many more.
esc_wait_sweeps()
{
	local wanted

	wanted=$(($(guest_value "$1" counters/sweeps) + $2))
	wait_until 120 "[ \"\$(guest_value $1 counters/sweeps)\" -ge $wanted ]"
}

# regions_start NAME ARGS... - the program "regions" in a guest; returns when all is filled.
regions_start()
{
	local name=$1

	shift
	guest_run -t 20 "$name" "rm -f /tmp/regions; regions $* >>/tmp/regions 2>&1 </dev/null &" &&
		wait_until 60 "guest_run -t 10 $name 'grep -q ready /tmp/regions' 2>/dev/null"
}

# regions_report NAME - what it says at the moment.
regions_report()
{
	guest_run -t 20 "$1" 'echo ready >/tmp/regions; kill -USR1 $(pidof regions)' &&
		wait_until 60 "guest_run -t 10 $1 'grep -q ^end /tmp/regions' 2>/dev/null" &&
		guest_run "$1" 'cat /tmp/regions' | grep pages=
}

# regions_use_cold NAME - uses what is cold once.
regions_use_cold()
{
	guest_run -t 20 "$1" 'echo ready >/tmp/regions; kill -USR2 $(pidof regions)' &&
		wait_until 60 "guest_run -t 10 $1 'grep -q ^used /tmp/regions' 2>/dev/null"
}

# regions_end NAME - ends it, with a last report that verifies the content.
regions_end()
{
	guest_run -t 20 "$1" 'echo ready >/tmp/regions; kill $(pidof regions)' &&
		wait_until 120 "guest_run -t 10 $1 'grep -q ^end /tmp/regions' 2>/dev/null" &&
		guest_run "$1" 'cat /tmp/regions' | grep pages=
}

# field LINE KEY
field()
{
	local value=${1##*" $2="}

	echo "${value%% *}"
}

# guest_vmstat NAME KEY
guest_vmstat()
{
	guest_run -t 20 "$1" "awk '\$1 == \"$2\" { print \$2 }' /proc/vmstat"
}

# check_none_isolated NAME WHAT - pages that somebody took off the kernel's lists are back; its own reclaim may be about to.
check_none_isolated()
{
	check "$2" wait_until 10 "guest_run -t 20 $1 '! grep -E \"^nr_isolated_(anon|file) [^0]\" /proc/vmstat'"
}
