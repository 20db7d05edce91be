# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the selftests of the agent share. Sourced after pair-lib.sh.

# agent_start - loads the host's module, with the agent at work but a host that is never short. Under emulation guests
# deliver some fifty times slower than elsewhere; that shall not look like guests that do not deliver.
agent_start()
{
	module_load_host && ease && host_set policy/doubt_ms 2000
}

# press MIB - has the host lack so much, by a reserve that is so much more than what is free. It gives back when it has
# as much as by default between the two.
press()
{
	local free reserve

	free=$(($(host_value free) / MIB))
	reserve=$((free + $1))
	note "$free MiB are free; the reserve is $reserve MiB from now on"
	host_set reserve ${reserve}M && host_set give_back $((reserve + $(host_value total) / MIB / 20))M
}

# ease - the host has enough again.
ease()
{
	host_set minimum 0 && host_set reserve 0 && host_set give_back 96M
}

# size_mib NAME
size_mib()
{
	echo $(($(seen_value "$1" size) / MIB))
}

# uevents_start FILE - keeps what the kernel announces in a file, until uevents_stop.
uevents_start()
{
	: >"$1"
	# A socket of NETLINK_KOBJECT_UEVENT, bound to the kernel's group: padding, port 0, group 1.
	socat -u SOCKET-RECV:16:3:15:x0000x00000000x01000000 "OPEN:$1,append" &
	uevents_pid=$!
	uevents_file=$1
}

# uevents - what was announced so far, one variable in a line.
uevents()
{
	tr '\0' '\n' <"$uevents_file"
}

uevents_stop()
{
	kill "$uevents_pid"
}
