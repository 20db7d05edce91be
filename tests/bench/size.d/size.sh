# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the benchmarks of a balloon's size share, on this machine. They measure in the same way:
#
# The host VM (3 GiB) runs with one CPU on which a nanosecond is one instruction (scripts/vm run --icount), so its clocks count
# instructions, the same however busy this machine is. Counted are those of the guest's QEMU process (the guest has 1.5 GiB),
# that is guest code, KVM and QEMU together, from the order until the balloon is done. Exits are KVM's count. Not counted: what
# the order itself costs its writer, and the hardware's own price of a world switch, which emulation takes for one
# instruction: hence the exits beside it. Memory that came back is what the host has more free. Ours is measured in several
# runs, stock in one, as its many exits take minutes here.

# shellcheck source=tests/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

SIZE_PARTS=$BELLOWS_TOP/tests/bench/size.d

# The modules under test are built already: see scripts/bench.
size_build()
{
	local program

	for program in watch touch; do
		gcc -O2 -Wall -static -o "$BENCH/$program" "$SIZE_PARTS/$program.c"
	done
	: >"$BENCH/$NAME.raw"
}

# phase SECONDS PROGRAM ARGUMENT... - in a VM of its own, so that one that gets nowhere costs the others
# nothing. On a busy machine that happens: while the VM waits for the machine its clock jumps ahead, and its time-outs
# come too early. What was measured until then counts.
phase()
{
	local seconds=$1 program=$2 attempt ended

	shift 2
	for attempt in 1 2; do
		say "$* ($seconds s at most; attempt $attempt of 2)"
		"$BELLOWS_TOP/scripts/vm" run -q -K "$k" -m 3072 --icount -t "$seconds" -o "$BENCH/$NAME.vm" \
			"$program" "$@" </dev/null >"$BENCH/$NAME.phase" && ended=yes || ended=no
		if grep -qE "^(ours|stock)	" "$BENCH/$NAME.phase"; then
			cat "$BENCH/$NAME.phase" >>"$BENCH/$NAME.raw"
			[ "$ended" = yes ] || say "$* came to no end; its other cells stay empty"
			return
		fi
	done
	say "$* came to nothing; its cells stay empty"
}

# both_sides BACKING INIT_ON_ALLOC [STEP...] - as size.d/inside has them.
both_sides()
{
	# shellcheck disable=SC2154 # set by bench_options
	phase 400 "$SIZE_PARTS/inside" ours "$1" "$2" "$runs" "${@:3}"
	phase 900 "$SIZE_PARTS/inside" stock "$1" "$2" 1 "${@:3}"
}

# keep REGEX - only cases that match are this benchmark's.
keep()
{
	awk -F '\t' -v wanted="$1" '$2 ~ wanted' "$BENCH/$NAME.raw" >"$BENCH/$NAME.phase"
	mv "$BENCH/$NAME.phase" "$BENCH/$NAME.raw"
	[ -s "$BENCH/$NAME.raw" ] || die "nothing was measured"
}
