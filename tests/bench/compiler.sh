# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A C compiler in a guest, for benchmarks that compile there. Sourced in the host VM.

# compiler_tree DIR - this machine's gcc, what it is linked with, and a preprocessed source of about 60 KiB, in DIR. With
# that for its root, "gcc -O2 -c /source.i -o /tmp/source.o" is a compile.
compiler_tree()
{
	local dir=$1 program file

	mkdir -p "$dir/tmp"
	for program in "$(command -v gcc)" "$(gcc -print-prog-name=cc1)" "$(command -v as)"; do
		echo "$program"
		ldd "$program" | grep -o '/[^ ]*'
	done | sort -u | while read -r file; do
		mkdir -p "$dir${file%/*}" && cp -L "$file" "$dir$file" || exit
	done || return
	gcc -E -O2 -I"$BELLOWS_TOP/include" -include "$BELLOWS_TOP/tests/unit/kernel_shim.h" \
		"$BELLOWS_TOP/guest/esc.c" -o "$dir/source.i"
}
