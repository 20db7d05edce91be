#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/vm from outside: exit codes, output, time-outs, and that nothing is left running.
#
# timeout: 1800
# vm: none

# Meant for the VM's shell, and for wait_until.
# shellcheck disable=SC2016

. "$(dirname "$0")/../lib.sh"

run_dir=$BELLOWS_BUILD/check/bed-vm/inner
vm=$BELLOWS_TOP/scripts/vm

run_vm()
{
	"$vm" run -q -m 1024 -o "$run_dir" "$@"
}

# The lock of the run directory is held by QEMU itself.
nothing_runs()
{
	flock -n "$run_dir/lock" true
}

check_equal "stdout alone" "a  b" "$(run_vm sh -c 'echo "$1"; echo err >&2' sh 'a  b' 2>/dev/null)"
check "and the log has both" grep -qx err "$run_dir/output.log"
run_vm sh -c 'echo kept >$BELLOWS_RUN/file; exit 213'
check_equal "exit code" 213 $?
check_equal "a file in the run directory is kept" kept "$(cat "$run_dir/file")"
check "nothing runs any more" nothing_runs

run_vm -t 30 sleep 1000 2>/dev/null
check_equal "exit code of a time-out" 124 $?
check "nothing runs after it" nothing_runs

run_vm sh -c 'echo c >/proc/sysrq-trigger' 2>/dev/null
check_equal "exit code of a panic" 125 $?
check "the console tells why" grep -q "Kernel panic" "$run_dir/host.log"

# Of the run before.
rm "$run_dir/up"
# Not by the function: the signal has to reach the script and not a subshell.
"$vm" run -q -m 1024 -o "$run_dir" sleep 1000 2>/dev/null &
runner=$!
check "an interrupted run: booted" wait_until 900 'test -s $run_dir/up'
check_fails "a run directory is not used twice" run_vm true
kill -TERM $runner
wait $runner
check_equal "exit code" 143 $?
check "nothing runs after it" wait_until 10 nothing_runs

