#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Allocations that fail on the host: at each point of the module's load, while settings are written and read, and at unload.
# What cannot be done is refused; nothing is left behind or wrong.
#
# timeout: 500

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"

kernel_watches "$BELLOWS_KERNEL" || skip_all "no kernel with fault injection"

# Where modules are loaded.
MODULES=0xffffffffa0000000
MODULES_END=0xffffffffff000000

# fail KIND PERCENT START END - of the allocations of tasks that are marked, in code from START to END. Of single faults the
# kernel does not tell.
fail()
{
	cd "/sys/kernel/debug/$1" || return
	echo 0 >probability
	echo 0 >verbose
	echo -1 >./times
	echo 1 >interval
	echo 32 >stacktrace-depth
	echo Y >task-filter
	echo N >ignore-gfp-wait
	[ "$1" = failslab ] || { echo 0 >min-order; echo N >ignore-gfp-highmem; }
	echo "$3" >require-start
	echo "$4" >require-end
	echo "$2" >probability
	cd /
}

# Nothing fails, unless a task asks for it (src/starve.c), and then only what is allocated in a module: the kernel itself, whose
# loader warns when it gets nothing, is not what is tested.
feed()
{
	fail failslab 0 $MODULES $MODULES_END && fail fail_page_alloc 0 $MODULES $MODULES_END
}

# starve_module NAME - all fails that is allocated in a module, or for it by others. Only tasks in which it works are looked
# at: to find out who allocates takes a walk over the stack, for each allocation.
starve_module()
{
	local task name text

	text=$(<"/sys/module/$1/sections/.text")
	for task in /proc/[0-9]*/task/[0-9]*; do
		read -r name <"$task/comm" || continue
		case $name in
		kworker*|bellows*|bash) echo 1 >"$task/make-it-fail" ;;
		esac
	done 2>/dev/null
	fail failslab 100 "$text" "$(printf '0x%x' $((text + (4 << 20))))" &&
		fail fail_page_alloc 100 "$text" "$(printf '0x%x' $((text + (4 << 20))))"
}

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
check "everything fails in it" starve_module bellows_host
set_all
note "$written settings were written, $refused of them refused"
cat "$HOST"/* "$HOST"/*/* >/dev/null 2>&1
check "it can be unloaded" module_unload_host
check "nothing fails any more" feed
host_load || die "the host's module cannot be loaded any more"
set_all
check_equal "no more is refused than before" "$usual" "$refused"
check_unload_host
