# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Inflate and deflate a guest whose memory is of one kind: discard KIND FREE, where FREE names the
# function that prints what the host has free of that kind, in KiB.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"

guest_mib=512
inflate_mib=256
keep_mib=96
# What the guest had not touched, page tables, and what else a host does meanwhile.
slack_kib=$((36 * 1024))

huge_free_kib()
{
	awk '/^HugePages_Free:/ { pages = $2 } /^Hugepagesize:/ { print pages * $2 }' /proc/meminfo
}

discard()
{
	local kind=$1 free=$2 inflate_kib=$((inflate_mib * 1024))
	local free_before free_inflated free_after rss_before rss_inflated checksum i

	host_load || die "the host's module cannot be loaded"
	pair_start a -m $guest_mib --backing "$kind" || die "no pair"
	check "memory to watch" keeper_start a -a $keep_mib -m verify || die "no memory to watch"
	# All of the guest's memory is touched, so that there is something to free.
	guest_touch a || not_ok "the guest cannot touch its memory"
	checksum=$(keeper_checksum a)
	sleep 1
	free_before=$($free)
	rss_before=$(guest_rss_kib a)

	check "inflate to $inflate_mib MiB" balloon a $inflate_mib 90
	free_inflated=$($free)
	rss_inflated=$(guest_rss_kib a)
	check_range "the host has the memory (KiB)" $((inflate_kib - slack_kib)) $((free_inflated - free_before)) \
		$((inflate_kib + slack_kib))
	check_range "the VM is smaller (KiB)" $((inflate_kib - slack_kib)) $((rss_before - rss_inflated)) \
		$((inflate_kib + slack_kib))
	check_equal "nothing was refused" 0 "$(seen_value a refused_ranges)"
	check "what the guest kept is intact" keeper_good a
	check_equal "to the last bit" "$checksum" "$(keeper_checksum a)"

	check "deflate" balloon a 0
	# Right away, and all of it: what was given back is zero or ours, and can be written.
	check "the guest can use what it got back" guest_run a \
		"memkeeper -a $((inflate_mib - 32)) -m busy -t 5 -s 7"
	check "what it kept is intact" keeper_good a
	guest_touch a || not_ok "the guest cannot touch its memory"
	sleep 1
	free_after=$($free)
	check_range "the host gave it back (KiB)" $((free_before - slack_kib)) "$free_after" \
		$((free_before + slack_kib))

	for i in 1 2 3; do
		balloon a $inflate_mib 90 >/dev/null && balloon a $((32 * i)) >/dev/null || break
	done
	check_equal "three times more" 3 "$i"
	check "all is intact" keeper_good a
	check_equal "to the last bit, still" "$checksum" "$(keeper_checksum a)"

	guest_stop a
	check_forgotten
	check_unload_host
}
