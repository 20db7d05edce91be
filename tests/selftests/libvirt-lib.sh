# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Stock libvirt in the host VM: its daemon, and domains that are also guests of guests.sh, so that guest_run and the
# like reach them. Sourced after lib.sh.

# libvirt_start - the daemon, as root, without what a full system would have around it.
libvirt_start()
{
	mkdir -p /run/libvirt /var/lib/libvirt/{qemu,images} /var/log/libvirt/qemu /etc/libvirt/qemu
	cat >/etc/libvirt/qemu.conf <<-'EOT'
		security_driver = "none"
		namespaces = []
		user = "root"
		group = "root"
		stdio_handler = "file"
		remember_owner = 0
	EOT
	# Nothing that it would start by itself: no network, nothing of the machine's.
	rm -rf /etc/libvirt/qemu/* /var/lib/libvirt/qemu/*
	libvirtd --daemon --pid-file /run/libvirtd.pid && wait_until 60 'virsh -q list >/dev/null 2>&1'
}

# libvirt_stop - so that its log is complete.
libvirt_stop()
{
	kill "$(cat /run/libvirtd.pid)" && wait_until 10 '! kill -0 "$(cat /run/libvirtd.pid)" 2>/dev/null'
}

# domain_define NAME MIB BALLOON - what goes into <memballoon>: attributes, to be followed by elements.
domain_define()
{
	local name=$1 mib=$2 balloon=$3 dir=$GUESTS_DIR/guest/$1 release=$BELLOWS_KERNEL

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
		    <cmdline>console=hvc0 loglevel=7 panic=-1 oops=panic</cmdline>
		  </os>
		  <features><acpi/></features>
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
	cp "/run/libvirt/qemu/$1.pid" "$GUESTS_DIR/guest/$1/pid" && guest_wait "$1" 90
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
