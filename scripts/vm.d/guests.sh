# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Guests, from inside the host VM. What is known of a guest is kept in files, so that these functions
# work from any shell, in the background and several at a time.

GUESTS_DIR=/run/bellows
VSH=$BELLOWS_BUILD/vm/vsh
# All seconds here are those of a kernel of Debian.
SLOWNESS=${BELLOWS_SLOWNESS:-1}

# To start a program takes an emulated CPU 50 ms, and these are called all the time: bash has them as builtins, too.
for _builtin in basename mkdir mktemp rm rmdir sleep; do
	[ ! -e "/usr/lib/bash/$_builtin" ] || enable -f "/usr/lib/bash/$_builtin" "$_builtin"
done

guest_help()
{
	cat <<'HELP'
  guest_start NAME [-m MIB] [-smp N] [--backing KIND] [--node N|--interleave NODES|--nodes N] [--prealloc]
              [--disk FILE] [--balloon OPTIONS|none] [--append 'KERNEL ARGS'] [--qemu 'QEMU ARGS'] [--kernel K] [--no-wait]
                               KIND: anon (default), memfd, shm, hugetlb-memfd, hugetlb-path
                               --node: all on that node of the host; --interleave 0-1: page by page;
                               --nodes: so many nodes in the guest, each on the host's of that number
  guest_wait NAME [SECONDS]    until it answers (after --no-wait)
  guest_run [-t SECONDS] [-i] NAME 'COMMAND'
                               output and exit code of a shell command in it; -i: with our stdin
  guest_put NAME FILE [PATH]   copies a file into it, by default to /tmp
  guest_stop NAME              shuts it down          guest_kill9 NAME      kills its QEMU
  guest_pid NAME               pid of its QEMU        guest_uuid NAME
  guest_alive NAME             does its QEMU run?     guests                names of those that run
  guest_qmp NAME 'JSON'        one QMP command        guest_balloon NAME MIB  size by virtio-balloon
  guest_exits NAME             exits to the host so far
  guest_rss_kib NAME           resident size of its QEMU, huge pages of hugetlbfs included
  guest_anon_huge_kib NAME     of which transparent huge pages
  module_load_host [PARAM=VALUE...]             module_unload_host
  module_load_guest NAME [PARAM=VALUE...]       module_unload_guest NAME
  guest_insmod NAME MODULE [PARAM=VALUE...]     a test module of build/<release>/tests
HELP
}

_guest_error()
{
	echo "$*" >&2
	return 1
}

# _guest_field NAME FIELD
_guest_field()
{
	[ -e "$GUESTS_DIR/guest/$1/$2" ] && echo "$(<"$GUESTS_DIR/guest/$1/$2")" || _guest_error "there is no guest '$1'"
}

# ---- start and end ----

# vsock addresses below 3 have a meaning. Several guests may start at the same time: making a
# directory is what only one of them can do.
_guest_take_cid()
{
	local cid=3

	mkdir -p "$GUESTS_DIR/cid"
	until mkdir "$GUESTS_DIR/cid/$cid" 2>/dev/null; do
		cid=$((cid + 1))
	done
	echo "$cid"
}

# hugepages_reserve MIB - makes sure that so much is free for a guest in 2 MiB pages of hugetlbfs.
hugepages_reserve()
{
	local dir=/sys/kernel/mm/hugepages/hugepages-2048kB free

	free=$(cat $dir/free_hugepages)
	((free * 2 >= $1)) && return
	echo $(($(cat $dir/nr_hugepages) + $1 / 2 - free)) >$dir/nr_hugepages
	(($(cat $dir/free_hugepages) * 2 >= $1)) || _guest_error "the host has no $1 MiB in huge pages"
}

# _guest_memory KIND MIB OPTIONS - the QEMU object behind the guest's memory.
_guest_memory()
{
	local size="id=ram,size=$2M$3"

	case $1 in
	anon)	echo "memory-backend-ram,$size" ;;
	memfd)	echo "memory-backend-memfd,share=on,$size" ;;
	shm)	echo "memory-backend-file,mem-path=/dev/shm,share=on,$size" ;;
	hugetlb-memfd)
		hugepages_reserve "$2" && echo "memory-backend-memfd,hugetlb=on,hugetlbsize=2M,share=on,$size" ;;
	hugetlb-path)
		hugepages_reserve "$2" && echo "memory-backend-file,mem-path=/dev/hugepages,share=on,$size" ;;
	*)	_guest_error "unknown backing '$1'" ;;
	esac
}

# _guest_memory_arguments KIND MIB OPTIONS NODES - QEMU's arguments for the guest's memory, in so many nodes if it is not 0.
_guest_memory_arguments()
{
	local memory node

	if [ "$4" = 0 ]; then
		memory=$(_guest_memory "$1" "$2" "$3") || return
		echo "-machine pc,memory-backend=ram -object $memory"
		return
	fi
	echo "-machine pc"
	for ((node = 0; node < $4; node++)); do
		memory=$(_guest_memory "$1" $(($2 / $4)) "$3,policy=bind,host-nodes=$node") || return
		echo "-object ${memory/id=ram/id=ram$node} -numa node,nodeid=$node,memdev=ram$node"
	done
}

# _guest_release K - the kernel release among those that this run has guest images of.
_guest_release()
{
	local initrd

	for initrd in "$BELLOWS_RUN/guest-$1.cpio" "$BELLOWS_RUN/guest-$1".[0-9]*.cpio; do
		if [ -e "$initrd" ]; then
			initrd=${initrd##*/guest-}
			echo "${initrd%.cpio}"
			return
		fi
	done
	_guest_error "this VM has no guest image for kernel $1: start it with 'scripts/vm ... -G $1'"
}

# The console is that of virtio: the bytes through an emulated UART would cost a booting guest 30 seconds. What was said
# before its driver came is repeated by guest-init; for a guest that does not get there: --append console=ttyS0.
# Without xsave, because the emulated SVM does not intercept XSETBV: KVM then reports a wrong size, and guests warn. Without
# KVM's way to end an interrupt by memory: the emulator may deliver one twice until the guest next leaves it, which it does
# now as soon as it ends the interrupt. See Documentation/testing.rst.
guest_start()
{
	local name=$1 dir=$GUESTS_DIR/guest/$1 mib=512 cpus=1 backing=anon memory_options='' balloon='' append=''
	local kernel=$BELLOWS_GUEST_KERNEL wait=yes qemu=() words release memory=() memory_text nodes=0

	shift
	while [ $# -gt 0 ]; do
		case $1 in
		-m)		mib=$2; shift ;;
		-smp)		cpus=$2; shift ;;
		--backing)	backing=$2; shift ;;
		--node)		memory_options+=",policy=bind,host-nodes=$2"; shift ;;
		--interleave)	memory_options+=",policy=interleave,host-nodes=$2"; shift ;;
		--nodes)	nodes=$2; shift ;;
		--prealloc)	memory_options+=,prealloc=on ;;
		--disk)		qemu+=(-drive "file=$2,format=raw,if=virtio,cache=none,discard=unmap"); shift ;;
		--balloon)	balloon=$2; shift ;;
		--append)	append=$2; shift ;;
		--qemu)		read -ra words <<<"$2"; qemu+=("${words[@]}"); shift ;;
		--kernel)	kernel=$2; shift ;;
		--no-wait)	wait=no ;;
		*)		_guest_error "guest_start: unknown option '$1'"; return ;;
		esac
		shift
	done
	! guest_alive "$name" || { _guest_error "guest '$name' is running"; return; }
	release=$(_guest_release "$kernel") || return
	! kernel_watches "$release" || append+=" $BELLOWS_DEBUG_ARGUMENTS"
	memory_text=$(_guest_memory_arguments "$backing" "$mib" "$memory_options" "$nodes") || return
	read -d '' -ra memory <<<"$memory_text"
	[ "$balloon" = none ] || qemu+=(-device "virtio-balloon-pci,id=balloon0${balloon:+,$balloon}")

	_guest_forget "$name"
	mkdir -p "$dir"
	cat /proc/sys/kernel/random/uuid >"$dir/uuid"
	_guest_take_cid >"$dir/cid"
	_guest_launch "$name" -nodefaults -no-user-config -no-reboot -display none \
		-name "guest=$name" -uuid "$(cat "$dir/uuid")" -pidfile "$dir/pid" \
		-accel kvm -cpu host,-xsave,-kvm-pv-eoi -smp "$cpus" -m "$mib" "${memory[@]}" \
		-kernel "$BELLOWS_CACHE/kernels/$release/boot/vmlinux-$release" \
		-initrd "$BELLOWS_RUN/guest-$release.cpio" \
		-append "console=hvc0 loglevel=7 panic=-1 oops=panic $append" \
		-chardev "file,id=console,path=$BELLOWS_RUN/guest-$name.log,append=on,mux=on" \
		-serial chardev:console -device virtio-serial -device virtconsole,chardev=console \
		-device "vhost-vsock-pci,guest-cid=$(cat "$dir/cid")" \
		-qmp "unix:$dir/qmp,server=on,wait=off" "${qemu[@]}" || return
	[ "$wait" = no ] || guest_wait "$name"
}

# _guest_launch NAME ARGUMENT... - its QEMU in a session of its own, which no Ctrl-C reaches. What it says, and how it ended,
# is kept in guest-NAME.qemu; its pid file is written when it is ready.
_guest_launch()
{
	local name=$1 dir=$GUESTS_DIR/guest/$1

	shift
	# shellcheck disable=SC2016 # expanded by the inner shell
	(setsid bash -c '
		"${@:2}"
		echo "QEMU ended with exit code $?"
		touch "$1/ended"
	' launch "$dir" qemu-system-x86_64 "$@" </dev/null &>>"$BELLOWS_RUN/guest-$name.qemu" &)
	until [ -s "$dir/pid" ]; do
		[ ! -e "$dir/ended" ] || { _guest_died "$name"; return; }
		sleep 0.05
	done
}

_guest_died()
{
	_guest_error "guest '$1' did not start: $(tail -n 3 "$BELLOWS_RUN/guest-$1.qemu")"
}

# A CID may be taken again only when its guest is gone, and its files serve nobody then.
_guest_forget()
{
	local dir=$GUESTS_DIR/guest/$1

	[ -d "$dir" ] || return 0
	rmdir "$GUESTS_DIR/cid/$(cat "$dir/cid")"
	rm -rf "$dir"
}

# guest_wait NAME [SECONDS]
guest_wait()
{
	local deadline=$((SECONDS + SLOWNESS * ${2:-180})) cid

	cid=$(_guest_field "$1" cid) || return
	until "$VSH" run -w 2 -t $((5 * SLOWNESS)) "$cid" true 2>/dev/null; do
		guest_alive "$1" || { _guest_died "$1"; return; }
		((SECONDS < deadline)) || { _guest_error "guest '$1' does not answer"; return; }
	done
}

guest_alive()
{
	[ -d "$GUESTS_DIR/guest/$1" ] && [ ! -e "$GUESTS_DIR/guest/$1/ended" ]
}

guests()
{
	local dir

	for dir in "$GUESTS_DIR"/guest/*/; do
		dir=$(basename "$dir")
		! guest_alive "$dir" || echo "$dir"
	done
}

# _guest_gone NAME SECONDS - waits for the end of its QEMU.
_guest_gone()
{
	local deadline=$((SECONDS + SLOWNESS * $2))

	while guest_alive "$1"; do
		((SECONDS < deadline)) || return
		sleep 0.1
	done
}

# Not "poweroff -f", which would pass the drivers by.
guest_stop()
{
	guest_leaks_report "$1"
	guest_run -t 5 "$1" 'poweroff -f' >/dev/null 2>&1
	_guest_gone "$1" 20 || guest_kill9 "$1"
}

guest_kill9()
{
	local pid

	pid=$(guest_pid "$1") || return
	kill -KILL "$pid" 2>/dev/null
	_guest_gone "$1" 30
}

# ---- commands ----

# guest_run [-t SECONDS] [-i] NAME COMMAND - 124 when time is out (the command is killed), 125 when the guest
# cannot be reached.
guest_run()
{
	local option OPTIND=1 OPTARG seconds=120 stdin='' cid

	while getopts it: option; do
		case $option in
		i) stdin=-i ;;
		t) seconds=$OPTARG ;;
		*) return 125 ;;
		esac
	done
	shift $((OPTIND - 1))
	cid=$(_guest_field "$1" cid) || return 125
	"$VSH" run $stdin -t $((seconds * SLOWNESS)) "$cid" "$2"
}

# guest_put NAME FILE [PATH]
guest_put()
{
	local path=${3:-/tmp/$(basename "$2")} mode

	mode=$(stat -c %a "$2") || return
	guest_run -i "$1" "cat >'$path' && chmod $mode '$path'" <"$2"
}

# guest_qmp NAME JSON - the answer, one line; fails when QEMU says "error". QEMU drops what it has not yet answered
# when the connection is closed, so it has to be kept open for the reply.
guest_qmp() (
	answers=0
	# It complains when we leave before the next event comes.
	coproc socat STDIO "UNIX-CONNECT:$GUESTS_DIR/guest/$1/qmp" 2>/dev/null
	printf '%s\n' '{"execute":"qmp_capabilities"}' "$2" >&"${COPROC[1]}"
	while read -r -t 60 line <&"${COPROC[0]}"; do
		case $line in
		'{"return"'*|'{"error"'*)
			((++answers < 2)) && continue
			echo "$line"
			[[ $line == '{"return"'* ]]
			exit ;;
		esac
	done
	_guest_error "no answer from QEMU of guest '$1'"
)

# guest_balloon NAME MIB - what libvirt's "setmem" does.
guest_balloon()
{
	guest_qmp "$1" "{\"execute\":\"balloon\",\"arguments\":{\"value\":$(($2 << 20))}}" >/dev/null
}

# ---- leaks ----

# For both bash and busybox sh. What is not yet old is left out by a scan, and what changed since the last one; a module that
# has gone has no names in the list, and no other module does that. Each line is one of the kernel's log, which is what goes to
# the console: tests/run finds it there.
LEAKS_SCRIPT='
	list=/sys/kernel/debug/kmemleak
	echo scan >$list && sleep 6 && echo scan >$list || exit
	awk "function finish() { if (ours) printf \"%s\", text }
		/^unreferenced object/ { finish(); text = \"\"; ours = 0 }
		{ text = text \$0 \"\n\" }
		/\[bellows_/ || /^ +(\[<[0-9a-f]+>\] )?0xffffffff[a-f]/ { ours = 1 }
		END { finish() }" $list |
	while IFS= read -r line; do
		echo "$line" >/dev/kmsg
	done
	echo clear >$list
'

# leaks_report - has the host's kernel look, and write to its console what our modules left, once.
leaks_report()
{
	! kernel_watches "$BELLOWS_KERNEL" || bash -c "$LEAKS_SCRIPT"
}

# guest_leaks_report NAME - the same in a guest, if it still answers.
guest_leaks_report()
{
	! kernel_watches "$BELLOWS_GUEST_KERNEL" || guest_run -t 60 "$1" "$LEAKS_SCRIPT" >/dev/null 2>&1 || true
}

# kernel_watches RELEASE - does it look for memory that nobody refers to?
kernel_watches()
{
	[[ $1 == *-debug-* ]]
}

# ---- what the host sees of a guest ----

guest_pid()
{
	_guest_field "$1" pid
}

guest_uuid()
{
	_guest_field "$1" uuid
}

guest_exits()
{
	local pid

	pid=$(guest_pid "$1") && cat "/sys/kernel/debug/kvm/$pid"-*/exits
}

guest_rss_kib()
{
	local pid

	pid=$(guest_pid "$1") && awk '/^(VmRSS|HugetlbPages):/ { sum += $2 } END { print sum }' "/proc/$pid/status"
}

guest_anon_huge_kib()
{
	local pid

	pid=$(guest_pid "$1") && awk '/^AnonHugePages:/ { print $2 }' "/proc/$pid/smaps_rollup"
}

# kvm_let_go - ends the VM that host-session keeps for the sake of the emulation: KVM is unused then.
kvm_let_go()
{
	local pid

	pid=$(cat "$GUESTS_DIR/holder.pid") || return
	kill -KILL "$pid"
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.1
	done
}

# ---- the modules under test ----

module_load_host()
{
	local module=$BELLOWS_BUILD/$BELLOWS_KERNEL/bellows_host.ko

	[ -e "$module" ] || { _guest_error "no $module: run 'make modules' first"; return; }
	insmod "$module" "$@"
}

module_unload_host()
{
	rmmod bellows_host
}

# guest_insmod NAME MODULE [PARAM=VALUE...]
guest_insmod()
{
	local name=$1 module=/lib/bellows/${2%.ko}.ko

	shift 2
	guest_run "$name" "test -e $module || { echo no $module: it was not built when this VM was started; exit 1; } >&2
		insmod $module $*"
}

module_load_guest()
{
	local name=$1

	shift
	guest_insmod "$name" bellows_guest "$@"
}

module_unload_guest()
{
	guest_run "$1" "rmmod bellows_guest"
}
