#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Four squeezed guests reach their peaks at the same time, and their host is short: what they swap stays within the
# budget, as who begins to swap gets memory back; nobody is killed, and after the peak all balloons are gone.
#
# timeout: 600
# vm: -m 3584

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../agent-lib.sh"

PEAK_SECONDS=20
PEAK_MIB=250
BUDGET_MIB=1
guests=(one two three four)

# swap_io_mib - what all guests swapped in and out so far.
swap_io_mib()
{
	local guest pages=0

	for guest in "${guests[@]}"; do
		pages=$((pages + $(guest_run -t 60 $guest "awk '/^pswp(in|out)/ { n += \$2 } END { print n }' /proc/vmstat")))
	done
	echo $((pages / 256))
}

# sizes - of all balloons, in MiB.
sizes()
{
	local guest

	for guest in "${guests[@]}"; do
		echo -n "$(size_mib $guest) "
	done
}

# sum NUMBER...
sum()
{
	local number all=0

	for number; do
		all=$((all + number))
	done
	echo $all
}

agent_start || die "the host's module cannot be loaded"
# Swapping is slow here, and so is all that follows from it.
host_set policy/relief_trust_ms 120000
host_set policy/swap_budget ${BUDGET_MIB}M || die "no budget"
for guest in "${guests[@]}"; do
	truncate -s 256M "$BELLOWS_RUN/swap-$guest"
	pair_start $guest -m 384 --disk "$BELLOWS_RUN/swap-$guest" || die "no guest '$guest'"
	guest_run $guest 'modprobe virtio_blk && mkswap /dev/vda >/dev/null && swapon /dev/vda' || die "no swap"
	guest_touch $guest
done

before=$(swap_io_mib)
press 400
# shellcheck disable=SC2046
check "all give" wait_until 60 '[ $(sum $(sizes)) -ge 380 ]'
sleep 2
note "balloons of $(sizes)MiB; swapped $(($(swap_io_mib) - before)) MiB"

# More than they have left.
peak=$SECONDS
for guest in "${guests[@]}"; do
	keeper_start $guest -a $PEAK_MIB -m verify &
done
wait
note "at the peak, after $((SECONDS - peak)) seconds: balloons of $(sizes)MiB"
sleep $((peak + PEAK_SECONDS > SECONDS ? peak + PEAK_SECONDS - SECONDS : 0))
after=$(swap_io_mib)
lasted=$((SECONDS - peak))
note "balloons of $(sizes)MiB; swapped $((after - before)) MiB in $lasted seconds"
note "$(for guest in "${guests[@]}"; do echo "$(seen_value $guest reason)/$(seen_value $guest bound)"; done | tr '\n' ' ')"
check_range "what they swapped is in the budget (MiB)" 0 $((after - before)) $((BUDGET_MIB * lasted))
for guest in "${guests[@]}"; do
	check "no data of $guest is damaged" keeper_good $guest
	check_equal "nobody was killed in it" 0 "$(seen_value $guest oom_kills)"
done

ease
for guest in "${guests[@]}"; do
	check "after the peak $guest has its memory back" wait_until 60 "[ \"\$(seen_value $guest size)\" = 0 ]"
	guest_stop $guest
done
check_forgotten
check_unload_host
