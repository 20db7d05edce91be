# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Stock libvirt in the host VM: its daemon, and domains that are also guests of guests.sh, so that guest_run and the
# like reach them. Sourced after lib.sh.

# Where the domains are that are spoken of: the first daemon's, or the second's after libvirt_use_other.
LIBVIRT_HERE='qemu:///system'
LIBVIRT_OTHER_DIR=/run/libvirt-other
LIBVIRT_OTHER="qemu+unix:///system?socket=$LIBVIRT_OTHER_DIR/libvirt-sock"
libvirt_root=/

_libvirt_configure()
{
	mkdir -p /run/libvirt /var/lib/libvirt/{qemu,images} /var/log/libvirt/qemu /etc/libvirt/qemu
	cat >/etc/libvirt/qemu.conf <<-'EOT'
		security_driver = "none"
		namespaces = []
		user = "root"
		group = "root"
		stdio_handler = "file"
		remember_owner = 0
		cgroup_controllers = []
	EOT
}

# libvirt_start - the daemon, as root, without what a full system would have around it.
libvirt_start()
{
	_libvirt_configure
	# Nothing that it would start by itself: no network, nothing of the machine's.
	rm -rf /etc/libvirt/qemu/* /var/lib/libvirt/qemu/*
	libvirtd --daemon --pid-file /run/libvirtd.pid && wait_until 60 'virsh -q list >/dev/null 2>&1'
}

# libvirt_stop - so that its log is complete.
libvirt_stop()
{
	kill "$(cat /run/libvirtd.pid)" && wait_until 10 '! kill -0 "$(cat /run/libvirtd.pid)" 2>/dev/null'
}

# libvirt_start_other - a second daemon, which takes itself for one of another host: with directories, a host name and
# an identity of its own. What it starts runs beside the guests of the first, on the same kernel.
libvirt_start_other()
{
	local deadline=$((SECONDS + 60))

	mkdir -p "$LIBVIRT_OTHER_DIR"
	export -f _libvirt_configure
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare --mount --uts bash -c '
		hostname bellows-other
		for directory in /run/libvirt /var/lib/libvirt /var/log/libvirt /etc/libvirt; do
			mkdir -p $directory && mount -t tmpfs none $directory || exit
		done
		_libvirt_configure
		printf "%s\n" "unix_sock_dir = \"$1\"" "host_uuid = \"$(cat /proc/sys/kernel/random/uuid)\"" \
			>/etc/libvirt/libvirtd.conf
		libvirtd --daemon --pid-file $1/libvirtd.pid
	' libvirt "$LIBVIRT_OTHER_DIR" || return
	until virsh -q -c "$LIBVIRT_OTHER" list >/dev/null 2>&1; do
		[ $SECONDS -lt $deadline ] || return
		sleep 0.1
	done
}

libvirt_stop_other()
{
	kill "$(cat $LIBVIRT_OTHER_DIR/libvirtd.pid)"
}

libvirt_use_here()
{
	export LIBVIRT_DEFAULT_URI=$LIBVIRT_HERE
	libvirt_root=/
}

libvirt_use_other()
{
	export LIBVIRT_DEFAULT_URI=$LIBVIRT_OTHER
	libvirt_root=/proc/$(cat $LIBVIRT_OTHER_DIR/libvirtd.pid)/root
}

# domain_define NAME MIB BALLOON [DEVICES [APPEND]] - what goes into <memballoon>: attributes, to be followed by elements; and
# XML of further devices, and more for the guest's kernel.
domain_define()
{
	local name=$1 mib=$2 balloon=$3 devices=${4:-} append=${5:-} dir=$GUESTS_DIR/guest/$1 release=$BELLOWS_KERNEL

	mkdir -p "$dir"
	cat /proc/sys/kernel/random/uuid >"$dir/uuid"
	_guest_take_cid >"$dir/cid"
	cat >"$dir/domain.xml" <<-EOT
		<domain type='kvm'>
		  <name>$name</name>
		  <uuid>$(cat "$dir/uuid")</uuid>
		  <memory unit='MiB'>$mib</memory>
		  <vcpu>1</vcpu>
		  <os>
		    <type arch='x86_64' machine='pc'>hvm</type>
		    <kernel>$BELLOWS_CACHE/kernels/$release/boot/vmlinux-$release</kernel>
		    <initrd>$BELLOWS_RUN/guest-$release.cpio</initrd>
		    <cmdline>console=hvc0 loglevel=7 panic=-1 oops=panic $append</cmdline>
		  </os>
		  <features><acpi/><apic eoi='off'/></features>
		  <cpu mode='host-passthrough' migratable='on'>
		    <feature policy='disable' name='xsave'/>
		  </cpu>
		  <on_reboot>restart</on_reboot>
		  <devices>
		    <emulator>/usr/bin/qemu-system-x86_64</emulator>
		    <controller type='usb' model='none'/>
		    <console type='file'>
		      <source path='$BELLOWS_RUN/guest-$name.log' append='on'/>
		      <target type='virtio'/>
		    </console>
		    <vsock model='virtio'><cid auto='no' address='$(cat "$dir/cid")'/></vsock>
		    <memballoon model='virtio' ${balloon%%>*}>${balloon#*>}</memballoon>
		    $devices
		  </devices>
		</domain>
	EOT
	virsh -q define "$dir/domain.xml"
}

# domain_start NAME
domain_start()
{
	virsh -q start "$1" && domain_up "$1"
}

# domain_up NAME - it answers, and guests.sh knows its QEMU.
domain_up()
{
	rm -f "$GUESTS_DIR/guest/$1/ended"
	cp "$libvirt_root/run/libvirt/qemu/$1.pid" "$GUESTS_DIR/guest/$1/pid" && guest_wait "$1" 90
}

# domain_destroy WHAT NAME - and its QEMU had nothing to complain of.
domain_destroy()
{
	local log=/var/log/libvirt/qemu/$2.log

	virsh -q destroy "$2"
	check_fails "$1QEMU has nothing to complain of" grep -E 'warning|error' "$log"
	rm -f "$log"
}

# domain_ways BALLOON RUN - defines a guest of 384 MiB, and does RUN with it once for each of $VIRTIO_WAYS, in $way.
domain_ways()
{
	libvirt_start || die "no libvirt"
	check "define" domain_define a 384 "$1" || die "libvirt does not take the domain"
	# shellcheck disable=SC2034 # RUN looks at it
	for way in "${VIRTIO_WAYS[@]}"; do
		"$2"
	done
	check "the domain goes" virsh -q undefine a
	check_forgotten
	libvirt_stop
}

# domain_stat NAME FIELD - of "virsh dommemstat", in KiB or as a count.
domain_stat()
{
	virsh -q dommemstat "$1" | awk -v field="$2" '$1 == field { print $2 }'
}

# domain_current_mib NAME - the size that libvirt takes for the configured one.
domain_current_mib()
{
	virsh -q dominfo "$1" | awk '/^Used memory:/ { print int($3 / 1024) }'
}

# domain_setmem NAME MIB [SECONDS] - within one per cent.
domain_setmem()
{
	virsh -q setmem "$1" "$2M" --live &&
		wait_until "${3:-60}" "mib=\$((\$(domain_stat $1 actual) / 1024)) && [ \$((mib * 100)) -ge $(($2 * 99)) ] &&
			[ \$((mib * 100)) -le $(($2 * 101)) ]" && return
	echo "libvirt says $(domain_stat "$1" actual) KiB, wanted $2 MiB"
	return 1
}

# domain_migrate NAME here|other [OPTION...] - live, to the other daemon. What vhost calls it has to differ, because the two
# hosts are one.
domain_migrate()
{
	local name=$1 to=$2 dir=$GUESTS_DIR/guest/$1 uri=$LIBVIRT_HERE cid

	shift 2
	[ "$to" = here ] || uri=$LIBVIRT_OTHER
	cid=$(_guest_take_cid)
	virsh -q dumpxml --migratable "$name" | sed "s/<cid .*address=.*>/<cid auto='no' address='$cid'\/>/" >"$dir/arrives.xml" &&
		virsh -q migrate --live --xml "$dir/arrives.xml" "$@" "$name" "$uri" unix:///run/bellows/migration || return
	rmdir "$GUESTS_DIR/cid/$(cat "$dir/cid")"
	echo "$cid" >"$dir/cid"
	"libvirt_use_$to"
	domain_up "$name"
}
