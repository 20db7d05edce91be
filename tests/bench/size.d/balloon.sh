# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Set, or read, by who sources it.
# shellcheck disable=SC2034,SC2154
#
# Guests with one balloon each in the host VM, as the benchmarks of a balloon's size have them. Sourced with $side (ours or
# stock), $backing (as guest_start has it, or "huge-memfd", for which the host takes transparent huge pages) and $init
# (init_on_alloc) set.

# shellcheck source=scripts/vm.d/guests.sh
. "$BELLOWS_TOP/scripts/vm.d/guests.sh"

HOST=/sys/kernel/bellows_host
BENCH=$BELLOWS_BUILD/bench
GUEST_MIB=1536
BALLOON_MIB=1024
# More than the balloon takes: what it takes shall be backed by the host.
DIRTY_MIB=1200
# Options of the virtio device.
balloon=

give_up()
{
	echo "bench: $*" >&2
	exit 1
}

# boot_guest NAME [OPTION...] - and does not wait for it.
boot_guest()
{
	[ "$backing" != huge-memfd ] || echo always >/sys/kernel/mm/transparent_hugepage/shmem_enabled
	guest_start "$1" -m $GUEST_MIB --backing "${backing#huge-}" --balloon "$balloon" \
		--append "init_on_alloc=$init tsc=reliable quiet" --no-wait "${@:2}" || give_up "QEMU does not start"
}

# equip_guest NAME - with its balloon, when it has booted.
equip_guest()
{
	guest_wait "$1" 600 || give_up "the guest does not boot"
	guest_put "$1" "$BENCH/touch" /bin/touch-memory || give_up "no program in the guest"
	if [ "$side" = ours ]; then
		module_load_guest "$1" || give_up "the guest module does not load"
	else
		guest_run "$1" 'modprobe virtio_balloon' || give_up "virtio_balloon does not load"
	fi
}

# dirty NAME - the host backs what the guest has written to, also when it is free again.
dirty()
{
	guest_run -t 600 "$1" "touch-memory $DIRTY_MIB && sleep 2" || give_up "the guest cannot write $DIRTY_MIB MiB"
}

# set_target NAME MIB - orders it, and does not wait.
set_target()
{
	if [ "$side" = ours ]; then
		echo $(($2 << 20)) >"$HOST/guests/$(guest_pid "$1")/target"
	else
		guest_balloon "$1" $((GUEST_MIB - $2))
	fi
}

# order NAME MIB - has its balloon be that large, and measures.
order()
{
	local pid command

	pid=$(guest_pid "$1")
	if [ "$side" = ours ]; then
		"$BENCH/watch" "$pid" file "$HOST/guests/$pid/target" $(($2 << 20))
	else
		printf -v command '{"execute":"balloon","arguments":{"value":%d}}\n' $(((GUEST_MIB - $2) << 20))
		"$BENCH/watch" "$pid" qmp "$GUESTS_DIR/guest/$1/qmp" "$command"
	fi
}

# size NAME - of the balloon in MiB: what is reported is of no worth when it is not what was asked.
size()
{
	local answer

	if [ "$side" = ours ]; then
		echo $(($(<"$HOST/guests/$(guest_pid "$1")/size") >> 20))
	else
		answer=$(guest_qmp "$1" '{"execute":"query-balloon"}')
		answer=${answer##*\"actual\": }
		echo $((GUEST_MIB - (${answer%%\}*} >> 20)))
	fi
}
