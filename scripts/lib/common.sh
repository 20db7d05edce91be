# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What every script of the test bed shares: where things are, how to speak, how to fail.

if [ -z "${BELLOWS_TOP:-}" ]; then
	BELLOWS_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
fi
BELLOWS_BUILD=$BELLOWS_TOP/build
# Outside the tree, so that "make clean" and a fresh clone need no second download.
BELLOWS_CACHE=${BELLOWS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bellows}
# depmod and modprobe are not on the path of everyone who may use them.
PATH=$PATH:/usr/sbin:/sbin
export BELLOWS_TOP BELLOWS_BUILD BELLOWS_CACHE

# Progress goes to stderr: stdout belongs to results that other programs read.
say()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die()
{
	say "$*"
	exit 1
}

# usage FILE - the comment block at the head of a script is its help text.
usage()
{
	sed -n '/^# Usage:/,/^[^#]/{/^#/!d;s/^# \{0,1\}//;p}' "$1"
}
