# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The workload of esc.d/load.c, for benchmarks that have it in a guest.

# shellcheck source=scripts/lib/packages.sh
. "$BELLOWS_TOP/scripts/lib/packages.sh"

# build_load - as build/bench/load, which needs no libraries.
build_load()
{
	need_packages libsqlite3-dev
	# The linker warns of what SQLite can do with shared libraries only; it is not asked to.
	gcc -O2 -Wall -static -o "$BENCH/load" "$BELLOWS_TOP/tests/bench/esc.d"/{load,compile,database,gaps}.c -lsqlite3 -lm \
		2>"$BENCH/gcc.log" || { cat "$BENCH/gcc.log" >&2; die "the workload does not build"; }
}
