#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Allocations that fail on the host: at each point of the module's load, while settings are written and read, and at unload.
# What cannot be done is refused; nothing is left behind or wrong.
#
# timeout: 500

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"
. "$(dirname "$0")/../starve-lib.sh"

kernel_watches "$BELLOWS_KERNEL" || skip_all "no kernel with fault injection"

# set_all - writes what there is to be written, as it is shown; counts what is refused: some show more than they take.
set_all()
{
	local file value

	refused=0 written=0
	for file in "$HOST"/* "$HOST"/policy/*; do
		if [ ! -f "$file" ] || [ ! -w "$file" ]; then
			continue
		fi
		value=$(<"$file") || continue
		written=$((written + 1))
		{ echo "$value" >"$file"; } 2>/dev/null || refused=$((refused + 1))
	done
}

check "nothing fails by itself" feed
check "each allocation of the module's load in turn" \
	"$BELLOWS_BUILD/tests/bin/starve" 40 "$BELLOWS_BUILD/$BELLOWS_KERNEL/bellows_host.ko"

host_load || die "the host's module cannot be loaded"
set_all
usual=$refused
note "$written settings were written, $refused of them refused"
check "everything fails in it" starve_module bellows_host 100
set_all
note "$written settings were written, $refused of them refused"
cat "$HOST"/* "$HOST"/*/* >/dev/null 2>&1
check "it can be unloaded" module_unload_host
check "nothing fails any more" feed
host_load || die "the host's module cannot be loaded any more"
set_all
check_equal "no more is refused than before" "$usual" "$refused"
check_unload_host
