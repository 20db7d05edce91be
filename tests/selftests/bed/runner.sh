#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# tests/run from outside, on tests of every outcome: verdicts, counts, and kernel reports that it must see.
#
# timeout: 1200
# vm: none

. "$(dirname "$0")/../lib.sh"

# run_fixtures GLOB... - leaves the output in $output, the last line in $closing and the exit code in $code.
run_fixtures()
{
	output=$("$BELLOWS_TOP/tests/run" --no-build --tests "$(dirname "$0")/fixtures" "$@" 2>/dev/null)
	code=$?
	closing=$(tail -n 1 <<<"$output")
}

has()
{
	grep -qxF -- "$1" <<<"$output"
}

run_fixtures 'fix/pass'
check_equal "a test that passes: count" "2 passed, 0 failed, 1 skipped" "$closing"
check_equal "and exit code" 0 "$code"
check "its cases are nested" has "  ok 3 third # SKIP no reason"
check "its verdict is not" has "ok 1 fix/pass"

run_fixtures 'fix/fail'
check_equal "a test that fails: count" "1 passed, 1 failed, 0 skipped" "$closing"
check_equal "and exit code" 1 "$code"
check "and verdict" has "not ok 1 fix/fail"

run_fixtures 'fix/skip'
check_equal "a test that is skipped" "0 passed, 0 failed, 1 skipped" "$closing"
run_fixtures 'fix/die'
check_equal "a script that ends half-way" "1 passed, 1 failed, 0 skipped" "$closing"
run_fixtures 'fix/hang'
check_equal "a test that hangs" "1 passed, 1 failed, 0 skipped" "$closing"
check "is told apart" has "  not ok 2 time-out"
run_fixtures 'fix/nothing'
check_equal "nothing to run" "0 passed, 0 failed, 0 skipped" "$closing"
check_equal "is a failure" 1 "$code"
run_fixtures 'fix/[ps]*'
check_equal "several tests" "2 passed, 0 failed, 2 skipped" "$closing"

# The second time is begun although nothing else is any more.
run_fixtures --within 1 'fix/late'
check_equal "a test that fails only the first time: count" "2 passed, 0 failed, 0 skipped" "$closing"
check "is named" has "# passed only the second time: fix/late"
run_fixtures --once 'fix/unsteady'
check_equal "when there is no second time: count" "1 passed, 1 failed, 0 skipped" "$closing"

run_fixtures --within 0 'fix/pass'
check_equal "when time is over before a test begins: count" "0 passed, 0 failed, 1 skipped" "$closing"
check "why is said" grep -q '# SKIP not begun within 0 minutes' <<<"$output"
run_fixtures --within 5 'fix/pass'
check_equal "when it is not" "2 passed, 0 failed, 1 skipped" "$closing"
run_fixtures --within soon 'fix/pass'
check_equal "a time that is none runs nothing" "1:" "$code:$closing"

run_fixtures 'fix/report'
check_equal "kernel reports: count" "1 passed, 1 failed, 0 skipped" "$closing"
check "that of the host is shown" grep -q '# build/check/fix-report/host.log:.*WARNING: provoked in the host' <<<"$output"
check "that of a guest is shown" grep -q '# build/check/fix-report/guest-a.log:.*BUG: provoked in the guest' <<<"$output"
check_fails "what a kernel reports is not excused by a second run" grep -q 'once more' <<<"$output"
run_fixtures 'fix/host-report'
check_equal "one of the host, where there is no guest: count" "1 passed, 1 failed, 0 skipped" "$closing"
