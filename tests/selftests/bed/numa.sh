#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A host with NUMA nodes, and a guest bound to one of them.
#
# vm: -m 2048 --nodes 2

. "$(dirname "$0")/../lib.sh"

check_equal "two nodes" 0-1 "$(cat /sys/devices/system/node/online)"
before=$(node_free_kib 1)
guest_start a -m 300 --node 1 --prealloc || die "no guest"
check_range "MiB taken from node 1" 290 $(((before - $(node_free_kib 1)) / 1024)) 400
