# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Allocations that fail, on a kernel with fault injection. Sourced on the host and, as guests have no bash, in guests by a plain
# shell.

# Where modules are loaded.
MODULES=0xffffffffa0000000
MODULES_END=0xffffffffff000000

# fail KIND PERCENT START END - of the allocations of tasks that are marked, in code from START to END. Of single faults the
# kernel does not tell. Not in the kernel's function that makes the files of an interrupt in /proc: it warns when it is to remove
# what it could not make.
fail()
{
	interrupt_files=$(awk '$3 == "register_irq_proc" { print "0x" $1 }' /proc/kallsyms)
	cd "/sys/kernel/debug/$1" || return
	echo 0 >probability
	echo 0 >verbose
	echo -1 >./times
	echo 1 >interval
	echo 32 >stacktrace-depth
	echo Y >task-filter
	echo N >ignore-gfp-wait
	[ "$1" = failslab ] || { echo 0 >min-order; echo N >ignore-gfp-highmem; }
	echo "$interrupt_files" >reject-start
	printf '0x%x' $((interrupt_files + 0x400)) >reject-end
	echo "$3" >require-start
	echo "$4" >require-end
	echo "$2" >probability
	cd /
}

# feed - nothing fails, unless a task asks for it (src/starve.c), and then only what is allocated in a module: the kernel itself,
# whose loader warns when it gets nothing, is not what is tested.
feed()
{
	fail failslab 0 $MODULES $MODULES_END && fail fail_page_alloc 0 $MODULES $MODULES_END
}

# starve_module NAME PERCENT - so much fails that is allocated in a module, or for it by others. Only tasks in which it works are
# looked at: to find out who allocates takes a walk over the stack, for each allocation.
starve_module()
{
	text=$(cat "/sys/module/$1/sections/.text")
	for task in /proc/[0-9]*/task/[0-9]*; do
		read -r name <"$task/comm" || continue
		case $name in
		kworker*|bellows*|bash|sh) echo 1 >"$task/make-it-fail" ;;
		esac
	done 2>/dev/null
	end=$(printf '0x%x' $((text + (4 << 20))))
	fail failslab "$2" "$text" "$end" && fail fail_page_alloc "$2" "$text" "$end"
}
