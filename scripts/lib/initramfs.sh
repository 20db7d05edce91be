# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The two initramfs images: the host VM's, which only finds its way to the machine's own root file
# system, and the guests', which is all that a guest has.

HOST_MODULES=(virtio_pci virtio_console 9p 9pnet_virtio overlay kvm_amd vhost_vsock)
# Loaded at boot, in this order.
GUEST_BOOT_MODULES=(virtio_pci virtio_console vmw_vsock_virtio_transport)
# There for "modprobe" in a guest.
GUEST_MODULES=(virtio_balloon virtio_blk virtio_mem ext4 zram)
# What those find by name at run time only, where it is a module: newer kernels have most of it built in.
GUEST_MODULES_BY_NAME=(crc32c_generic lzo-rle lz4)

_cpio_pack()
{
	(cd "$1" && find . -mindepth 1 -printf '%P\0' | cpio --quiet -0 -o -H newc -R 0:0)
}

# Decompressed here, once, rather than under emulation at every boot.
_copy_module()
{
	case $1 in
	*.ko.xz)  xz -dc "$1" >"$2/$(basename "$1" .xz)" ;;
	*.ko.zst) zstd -qdc "$1" >"$2/$(basename "$1" .zst)" ;;
	*)	  cp "$1" "$2" ;;
	esac
}

_new_tree()
{
	local tree

	tree=$(mktemp -d "${TMPDIR:-/tmp}/bellows-initramfs.XXXXXX")
	mkdir -p "$tree"/{bin,dev,proc,sys,tmp,lib/bellows}
	cp /bin/busybox "$tree/bin/"
	ln -s busybox "$tree/bin/sh"
	echo "$tree"
}

# make_host_initramfs RELEASE FILE
make_host_initramfs()
{
	local release=$1 file=$2 tree module

	tree=$(_new_tree)
	cp "$BELLOWS_TOP/scripts/vm.d/host-init" "$tree/init"
	kernel_module_files "$release" "${HOST_MODULES[@]}" | while read -r module; do
		_copy_module "$module" "$tree/lib/bellows"
		basename "$module" | sed 's/\.ko.*/.ko/' >>"$tree/lib/bellows/order"
	done
	_cpio_pack "$tree" >"$file"
	rm -rf "$tree"
}

# make_guest_initramfs RELEASE FILE - with the guest module, the test programs and the test modules of the
# moment, as far as they are built.
make_guest_initramfs()
{
	local release=$1 file=$2 tree modules module built=$BELLOWS_BUILD/$1 by_name

	tree=$(_new_tree)
	modules=$tree/lib/modules/$release
	mkdir -p "$modules" "$tree/tests/bin"
	cp "$BELLOWS_TOP/scripts/vm.d/guest-init" "$tree/init"
	cp "$BELLOWS_BUILD/vm/vsh" "$tree/bin/"
	mapfile -t by_name < <(kernel_modules_there "$release" "${GUEST_MODULES_BY_NAME[@]}")
	kernel_module_files "$release" "${GUEST_BOOT_MODULES[@]}" "${GUEST_MODULES[@]}" ${by_name[@]+"${by_name[@]}"} |
	while read -r module; do
		_copy_module "$module" "$modules"
	done
	printf "%s\n" "${GUEST_BOOT_MODULES[@]}" >"$tree/lib/bellows/boot-modules"
	depmod -b "$tree" "$release" 2>/dev/null

	for module in "$built"/bellows_guest.ko "$built"/tests/*.ko; do
		[ ! -e "$module" ] || cp "$module" "$tree/lib/bellows/"
	done
	[ ! -d "$BELLOWS_BUILD/tests/bin" ] || cp -r "$BELLOWS_BUILD/tests/bin" "$tree/tests/"
	_cpio_pack "$tree" >"$file"
	rm -rf "$tree"
}
