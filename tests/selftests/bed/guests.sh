#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The test bed itself: two KVM guests at a time, commands in them, and their end.
#

. "$(dirname "$0")/../lib.sh"

check_equal "nested paging is on" Y "$(cat /sys/module/kvm_amd/parameters/npt)"
check_equal "transparent huge pages are on" "[always]" \
	"$(grep -o '\[.*\]' /sys/kernel/mm/transparent_hugepage/enabled)"

guest_start a --no-wait
guest_start b --no-wait --backing memfd -m 300
guest_wait a || die "guest a did not boot"
guest_wait b || die "guest b did not boot"
check_equal "both guests run" "a b" "$(guests | xargs)"

guest_run a 'exit 42'
check_equal "exit code" 42 $?
guest_run a 'kill -9 $$'
check_equal "exit code after a signal" 137 $?
check_equal "stdout alone" out "$(guest_run a 'echo out; echo err >&2' 2>/dev/null)"
check_equal "stderr alone" err "$(guest_run a 'echo out; echo err >&2' 2>&1 >/dev/null)"
check_equal "much output" 1000000 "$(guest_run a 'head -c 1000000 /dev/zero' | wc -c)"

guest_run a 'sleep 2; exit 3' & first=$!
guest_run b 'sleep 2; exit 4' & second=$!
wait $first
check_equal "in the background: one guest" 3 $?
wait $second
check_equal "in the background: the other" 4 $?

guest_run -t 2 a 'exec sleep 1000'
check_equal "time-out of a command" 124 $?
check "it ends the command" wait_until 10 '! guest_run a "pidof sleep"'
check_equal "what is left in the background does not hold the command up" started \
	"$(guest_run -t 20 a 'sleep 100 & echo started')"

check "a file is put into a guest" guest_put b "$0" /tmp/copy
check_equal "and is the same" "$(md5sum <"$0")" "$(guest_run b 'md5sum </tmp/copy')"
guest_run missing true 2>/dev/null
check_equal "no such guest" 125 $?

check_range "exits are counted" 1000 "$(guest_exits a)" 100000000
check_range "resident size in KiB" 50000 "$(guest_rss_kib a)" 700000
check_range "of which huge pages" 2048 "$(guest_anon_huge_kib a)" 524288

pid=$(guest_pid b)
guest_kill9 b
check "a killed guest is gone" test ! -e "/proc/$pid"
check "nothing of it is left in KVM" wait_until 10 "! ls /sys/kernel/debug/kvm/$pid-* 2>/dev/null"
check "its name can be used again" guest_start b -m 300
guest_stop a
check_equal "a stopped guest is gone" b "$(guests)"
