# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What every selftest sources: KTAP output, waiting, the host's memory, and the guest_* functions of
# scripts/vm.d/guests.sh. A selftest is a bash script that runs as root in a host VM of its own:
#
#	#!/bin/bash
#	# SPDX-License-Identifier: GPL-2.0
#	#
#	# What it tests, in a sentence.
#	#
#	# timeout: 300		seconds, default 240
#	# skip: REASON		not run for now, and reported as skipped
#	# reports: provoked	what a kernel reports is no failure: it is what is tested
#	# vm: -m 3072 --nodes 2	options for scripts/vm; "none": on this machine, without a VM
#
#	. "$(dirname "$0")/../lib.sh"
#
#	guest_start a || die "no guest"
#	check "the guest runs" guest_run a true
#
# The plan is printed at the end, so nobody has to count. Output that is no KTAP becomes a comment.

if [ -z "${BELLOWS_TOP:-}" ]; then
	# shellcheck source=scripts/lib/common.sh
	. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/common.sh"
fi
# shellcheck source=scripts/vm.d/guests.sh
. "$BELLOWS_TOP/scripts/vm.d/guests.sh"

# The exit code that means "could not be tested here", as in kselftest.
KSFT_SKIP=4

ktap_cases=0
ktap_failed=0
_ktap_dir=$(mktemp -d)

ok()
{
	ktap_cases=$((ktap_cases + 1))
	echo "ok $ktap_cases $*"
}

not_ok()
{
	ktap_cases=$((ktap_cases + 1))
	ktap_failed=$((ktap_failed + 1))
	echo "not ok $ktap_cases $*"
}

# skip NAME REASON - one case that cannot be tested here.
skip()
{
	ktap_cases=$((ktap_cases + 1))
	echo "ok $ktap_cases $1 # SKIP $2"
}

# skip_all REASON - ends the test.
skip_all()
{
	echo "1..0 # SKIP $*"
	trap - EXIT
	rm -rf "$_ktap_dir"
	exit $KSFT_SKIP
}

note()
{
	echo "# $*"
}

# die MESSAGE - the test cannot go on.
die()
{
	not_ok "$*"
	exit 1
}

# check NAME COMMAND... - a case that passes when the command succeeds. Its output is shown as comments.
check()
{
	local _name=$1

	shift
	if _quoted "$@"; then
		ok "$_name"
	else
		note "exit code $? of: $*"
		not_ok "$_name"
		return 1
	fi
}

# check_fails NAME COMMAND... - a case that passes when the command fails.
check_fails()
{
	local _name=$1

	shift
	if _quoted "$@"; then
		note "unexpected success of: $*"
		not_ok "$_name"
		return 1
	else
		ok "$_name"
	fi
}

# check_equal NAME WANTED GOT
check_equal()
{
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		note "wanted '$2', got '$3'"
		not_ok "$1"
		return 1
	fi
}

# check_range NAME LOW VALUE HIGH - of integers, both ends included.
check_range()
{
	if [ "$3" -ge "$2" ] && [ "$3" -le "$4" ]; then
		ok "$1"
	else
		note "wanted $2 to $4, got '$3'"
		not_ok "$1"
		return 1
	fi
}

# By way of a file: a command that leaves something running would keep a pipe open, and a subshell would
# lose the variables that a function sets. What is checked may check something itself.
_quoted()
{
	# The command sees these names, too.
	local _code=0 _depth=$((${_depth:-0} + 1)) _line
	local _file=$_ktap_dir/$BASHPID.$_depth

	"$@" >"$_file" 2>&1 || _code=$?
	while IFS= read -r _line || [ -n "$_line" ]; do
		printf '# %s\n' "$_line"
	done <"$_file"
	rm -f "$_file"
	return $_code
}

# wait_until SECONDS 'CONDITION' - evaluates the condition until it holds; fails when time is out. The seconds are what it may
# take on a machine that is fit for development; a slower or busier one has three times as many, and with a
# debug kernel that SLOWNESS times. To evaluate it takes no more than a third of the CPU, which is the one that what is waited
# for needs, too.
wait_until()
{
	local _deadline=$((SECONDS + 3 * $1 * SLOWNESS)) _began _pause

	while :; do
		_began=${EPOCHREALTIME/[.,]/}
		! eval "$2" || return 0
		[ $SECONDS -lt $_deadline ] || return 1
		_pause=$((2 * (${EPOCHREALTIME/[.,]/} - _began)))
		_pause=$((_pause < 100000 ? 100000 : _pause > 1000000 ? 1000000 : _pause))
		printf -v _pause '%d.%06d' $((_pause / 1000000)) $((_pause % 1000000))
		sleep "$_pause"
	done
}

# At the end of a test, of the guests that still run, and of the host. Where nothing failed: a test that failed is looked into
# anyway, and its guests may not answer.
_report_leaks()
{
	local guest

	[ "$ktap_failed" -eq 0 ] && [ -n "${BELLOWS_RUN:-}" ] || return 0
	for guest in $(guests); do
		guest_leaks_report "$guest"
	done
	leaks_report
}

_ktap_finish()
{
	local code=$?

	[ "$code" -eq 0 ] || [ "$ktap_failed" -gt 0 ] || not_ok "the script ended with exit code $code"
	_report_leaks
	echo "1..$ktap_cases"
	rm -rf "$_ktap_dir"
	if [ "$ktap_failed" -gt 0 ] || [ "$ktap_cases" -eq 0 ]; then
		exit 1
	fi
	exit 0
}

# ---- the host's memory ----

host_free_kib()
{
	awk '/^MemFree:/ { print $2 }' /proc/meminfo
}

# node_free_kib NODE
node_free_kib()
{
	awk '/MemFree:/ { print $4 }' "/sys/devices/system/node/node$1/meminfo"
}

trap _ktap_finish EXIT
echo "KTAP version 1"
