# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the parts of the benchmark "reaction" that run in the host VM share: one guest of the pair, whose agent is watched by
# tracepoints.

# shellcheck source=scripts/vm.d/guests.sh
. "$BELLOWS_TOP/scripts/vm.d/guests.sh"

HOST=/sys/kernel/bellows_host
TRACE=/sys/kernel/tracing
# Read by the parts.
# shellcheck disable=SC2034
MIB=$((1024 * 1024))

# For awk: "now", in ns, of a line of the trace, and the value of a field of it.
# shellcheck disable=SC2034
TRACE_AWK='
	{
		for (i = 1; i <= NF; i++)
			if ($i ~ /^[0-9]+\.[0-9]+:$/)
				now = $i * 1e9
	}
	function field(name,    i) {
		for (i = 1; i <= NF; i++)
			if (index($i, name "=") == 1)
				return substr($i, length(name) + 2) + 0
	}'

give_up()
{
	echo "bench: $*" >&2
	exit 1
}

# wait_for SECONDS 'CONDITION'
wait_for()
{
	local deadline=$((SECONDS + $1))

	until eval "$2"; do
		((SECONDS < deadline)) || return
		sleep 0.05
	done
}

# guest_dir - of guest a on the host.
guest_dir()
{
	echo "$HOST/guests/$(guest_pid a)"
}

# pair_start MIB [OPTION...] - guest a with its balloon, and the agent off. The guest is started once more if need be: see
# Documentation/testing.rst for what emulation does to guests.
pair_start()
{
	local attempt

	# shellcheck disable=SC2119
	module_load_host || give_up "the host module does not load"
	echo off >$HOST/agent
	for attempt in 1 2 3 4 5; do
		guest_start a -m "$1" --append "tsc=reliable quiet" --no-wait "${@:2}" || give_up "QEMU does not start"
		guest_wait a && break
		echo "bench: the guest does not boot, attempt $attempt" >&2
		guest_kill9 a
	done
	guest_alive a || give_up "the guest does not boot"
	module_load_guest a || give_up "the guest module does not load"
	wait_for 60 '[ "$(cat "$(guest_dir)/state" 2>/dev/null)" = present ]' || give_up "the guest does not register"
}

# trace_events EVENT...
trace_events()
{
	local event

	echo mono >$TRACE/trace_clock
	for event; do
		echo 1 >"$TRACE/events/$event/enable"
	done
}

trace_start()
{
	echo 0 >$TRACE/tracing_on
	echo >$TRACE/trace
	echo 1 >$TRACE/tracing_on
}

trace_stop()
{
	echo 0 >$TRACE/tracing_on
}
