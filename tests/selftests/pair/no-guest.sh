#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A host with no guest, and with a guest that does not speak to it.
#
# timeout: 240

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"

check "the host's module loads" module_load_host
check_equal "its agent is on" on "$(host_value agent)"
check_equal "it knows nobody" "" "$(ls $HOST/guests)"
check_range "free memory" 1 "$(host_value free)" "$(host_value total)"
check_range "reserve is 20 %" $(($(host_value total) * 19 / 100)) "$(host_value reserve)" \
	$(($(host_value total) * 21 / 100))
for node in "$HOST"/nodes/node*; do
	check_range "${node##*/} has free memory" 1 "$(cat "$node/free")" "$(cat "$node/total")"
done
check_equal "a node for each of the host's" "$(ls -d /sys/devices/system/node/node* | wc -l)" \
	"$(ls "$HOST/nodes" | wc -l)"

for file in agent reserve give_back step poll_min_ms poll_max_ms; do
	before=$(host_value $file)
	for value in "" nonsense -1 101% 99999999999999999999G; do
		check_fails "$file refuses '$value'" host_set $file "$value"
	done
	check_equal "$file keeps its value" "$before" "$(host_value $file)"
done
check "reserve takes a suffix" host_set reserve 300M
check_equal "and has it in bytes" $((300 * MIB)) "$(host_value reserve)"
check "reserve takes a percentage" host_set reserve 20%

guest_start a || die "no guest"
sleep 3
check_equal "a guest without our module is not known" "" "$(ls $HOST/guests)"
check_equal "and has lost nothing" 0 "$(host_value released)"
check "our module goes while it runs" module_unload_host
check "the guest goes on" guest_run a true
guest_stop a

for _ in 1 2 3 4 5; do
	module_load_host && module_unload_host || not_ok "loading and unloading"
done
check "no directory is left" test ! -e $HOST
