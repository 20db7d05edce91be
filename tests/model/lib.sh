# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the tests of the protocol's model share: each runs spin on bellows.pml with some macros defined and
# reports in KTAP. What a run left behind is in build/model/TEST/NUMBER/: pan.out, and trail.txt when there
# was a counterexample, with every step and, at its end, all variables and where each process stands.
#
#   holds WHAT MACROS...			no error in the whole state space
#   lives WHAT MACROS...			the same for progress (an LTL formula, weakly fair scheduling)
#   deadlocks WHAT FINDS MACROS...	an invalid end state is found,
#   violates WHAT FINDS MACROS...	a failed assertion is found,
#   stalls WHAT FINDS MACROS...		an acceptance cycle is found, and FINDS (extended regular expressions,
#					one a line) are all in the report or the end of the trail
#   finish				the plan; exits

set -uo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname "$0")/../../scripts/lib/common.sh"
# shellcheck source=scripts/lib/packages.sh
. "$BELLOWS_TOP/scripts/lib/packages.sh"

readonly EXIT_SKIP=4
readonly SECONDS_MAX=180 MEGABYTES_MAX=2000 DEPTH_MAX=1000000
# A run that verifies a property of next to nothing has a mistake in its macros.
readonly STATES_MIN=10000

model=$BELLOWS_TOP/tests/model/bellows.pml
work=$BELLOWS_BUILD/model/${0##*/}
number=0
failures=0

# An apt that cannot deliver is a reason to skip, not to fail.
find_tools()
{
	command -v spin >/dev/null && command -v gcc >/dev/null && return
	(need_packages spin gcc libc6-dev) && command -v spin >/dev/null && return
	echo "1..0 # SKIP spin and gcc are needed (Debian: apt-get install spin gcc)"
	exit $EXIT_SKIP
}

result()
{
	local verdict=$1

	shift
	[ "$verdict" = ok ] || failures=$((failures + 1))
	echo "$verdict $number - $*"
}

# explore COMPILER-OPTIONS PAN-OPTIONS MACROS... - makes and runs the verifier. Its report is in pan.out.
explore()
{
	local options=$1 flags=$2 started

	shift 2
	number=$((number + 1))
	dir=$work/$number
	rm -rf "$dir"
	mkdir -p "$dir" && cd "$dir" || exit
	printf '%s\n' "$*" >macros

	spin -a "$@" "$model" >spin.out 2>&1 || return
	# Spin's own code is not free of warnings.
	# shellcheck disable=SC2086
	gcc -O2 -w -DCOLLAPSE -DNFAIR=3 -DMEMLIM=$MEGABYTES_MAX $options -o pan pan.c 2>gcc.out || return
	started=$(date +%s%N)
	# shellcheck disable=SC2086
	timeout $SECONDS_MAX ./pan -m$DEPTH_MAX $flags >pan.out 2>&1
	took=$((($(date +%s%N) - started) / 10000000))
	took=$((took / 100)).$(printf %02d $((took % 100)))
	rm -f pan pan.[bchmpt]
}

# Of the last run: "N states, depth N, N s".
figures()
{
	sed -nE "s/^ *([0-9.e+]+) states, stored.*/\1/p; s/.*depth reached ([0-9]+).*/\1/p" pan.out |
		paste -sd' ' | awk -v took="$took" '{ printf "%d states, depth %d, %s s", $2, $1, took }'
}

complete()
{
	local states

	! grep -qE 'Search not completed|MEMLIM|too small|too many|resource temporarily' pan.out &&
		grep -q 'errors: 0$' pan.out || return
	states=$(figures)
	[ "${states%% *}" -ge $STATES_MIN ]
}

explain()
{
	cat spin.out gcc.out pan.out 2>/dev/null | grep -v '^$' | head -n 20 | sed 's/^/# /'
}

expect_none()
{
	local what=$1

	if complete; then
		result ok "$what ($(figures))"
		return
	fi
	result "not ok" "$what"
	explain
	keep_trail
	echo "# counterexample, if there is one: ${dir#"$BELLOWS_TOP"/}/trail.txt"
}

keep_trail()
{
	[ -e bellows.pml.trail ] || return
	# shellcheck disable=SC2046
	spin -k bellows.pml.trail -p $(cat macros) "$model" 2>&1 | sed -E 's|[^ ]*/bellows.pml|bellows.pml|' >trail.txt
}

# Where everything stands when the trail ends.
end_of_trail()
{
	sed -n '/^spin: trail ends/,$p' trail.txt
}

# expect_error WHAT KIND FINDS - the search found an error of that kind, and it is the one meant.
expect_error()
{
	local what=$1 kind=$2 finds=$3 pattern lacking='' report

	if ! grep -qE "^pan:[0-9]+: $kind" pan.out; then
		result "not ok" "$what: no $kind was found"
		explain
		return
	fi
	keep_trail
	report=$(grep '^pan:' pan.out; end_of_trail)
	while read -r pattern; do
		[ -n "$pattern" ] || continue
		grep -qE -- "$pattern" <<<"$report" || lacking+=" '$pattern'"
	done <<<"$finds"
	if [ -n "$lacking" ]; then
		result "not ok" "$what: found another $kind, without$lacking"
		explain
		return
	fi
	result ok "$what ($(grep -c '^ *[0-9]*:.*proc' trail.txt) steps, $(figures))"
	echo "# ${dir#"$BELLOWS_TOP"/}/trail.txt"
}

holds()
{
	local what=$1

	shift
	explore -DSAFETY "" "$@"
	expect_none "$what"
}

lives()
{
	local what=$1

	shift
	explore "" "-a -f" -DLIVE "$@"
	expect_none "$what"
}

# Breadth first finds the shortest way into trouble.
deadlocks()
{
	local what=$1 finds=$2

	shift 2
	explore "-DSAFETY -DBFS" "" "$@"
	expect_error "$what" "invalid end state" "$finds"
}

violates()
{
	local what=$1 finds=$2

	shift 2
	explore "-DSAFETY -DBFS" "" "$@"
	expect_error "$what" "assertion violated" "$finds"
}

stalls()
{
	local what=$1 finds=$2

	shift 2
	explore "" "-a -f" -DLIVE "$@"
	expect_error "$what" "acceptance cycle" "$finds"
}

finish()
{
	echo "1..$number"
	[ $failures -eq 0 ]
	exit
}

find_tools
echo "KTAP version 1"
