# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the static checks share. Each prints what is wrong and exits with 1, or says why it cannot look
# and exits with 4. Not executable, so that it is no check itself.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top" || exit 1

# Kernel to check against.
KDIR=${KDIR:-$(find /usr/src -maxdepth 1 -name 'linux-headers-6.1.0-*-amd64' | sort -V | tail -n 1)}

skip()
{
	echo "1..0 # SKIP $*"
	exit 4
}

# need COMMAND PACKAGE
need()
{
	command -v "$1" >/dev/null || skip "no $1: install the package $2"
}

need_headers()
{
	[ -e "$KDIR/Makefile" ] || skip "no kernel headers: install linux-headers-6.1.0-*-amd64, or set KDIR"
}

# Our C files that match the names given, all when none are.
c_files()
{
	find guest host include tests/selftests/src tests/unit -name '*.[ch]' | sort
}

# kernel_script NAME - a script of the kernel's, wherever one is.
kernel_script()
{
	local tree

	for tree in "${KERNEL_SOURCE:-}" "$KDIR" "$KDIR-common" "${KDIR%-*}-common" /usr/src/linux-source-* \
		/usr/src/linux-headers-*-common /usr/lib/linux-kbuild-* "$top"/build/cache/linux*; do
		if [ -e "$tree/scripts/$1" ]; then
			echo "$tree/scripts/$1"
			return
		fi
	done
	return 1
}

# checkpatch.pl is in no other package than the kernel's source, as an archive.
unpack_checkpatch()
{
	local archive cache=build/cache/linux-scripts

	archive=$(find /usr/src -maxdepth 1 -name 'linux-source-*.tar.xz' | sort -V | tail -n 1)
	if [ -n "$archive" ] && [ ! -e $cache/scripts/checkpatch.pl ]; then
		mkdir -p $cache
		tar -xJf "$archive" -C $cache --strip-components=1 --wildcards '*/scripts/checkpatch.pl' \
			'*/scripts/spelling.txt' '*/scripts/const_structs.checkpatch'
	fi
}

# build NAME MAKE-VARIABLES... - the modules from scratch in a directory of their own; output on stdout.
build()
{
	local out=build/static/$1

	shift
	need_headers
	mkdir -p "$out"
	find "$out" -name '*.o' -delete
	scripts/sync-source "$out" && make -C "$KDIR" M="$top/$out" "$@" modules 2>&1
}
