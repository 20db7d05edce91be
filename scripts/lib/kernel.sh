# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Debian kernels to boot and to build against. "K" is a version (6.1, 6.12) or an exact release
# (6.1.0-56-amd64). An image is unpacked into the cache and never installed: installing would make it
# the machine's own next kernel. Headers are installed, because they name absolute paths.

# shellcheck source=scripts/lib/packages.sh
. "$BELLOWS_TOP/scripts/lib/packages.sh"

KERNELS_DIR=$BELLOWS_CACHE/kernels

kernel_image()
{
	echo "$KERNELS_DIR/$1/boot/vmlinuz-$1"
}

# kernel_boot_image RELEASE - the kernel without the self-extracting wrapper, to be entered by PVH: unpacking xz takes
# an emulated CPU four seconds, at every boot. There is no KASLR that way.
kernel_boot_image()
{
	echo "$KERNELS_DIR/$1/boot/vmlinux-$1"
}

# depmod runs last in the making of an entry, so an interrupted one does not count.
kernel_cached()
{
	[ -s "$KERNELS_DIR/$1/lib/modules/$1/modules.dep" ]
}

# _kernel_matching K - picks from the releases on stdin those that K stands for, newest first. The rt and
# cloud flavours match only by their exact name.
_kernel_matching()
{
	local pattern=${1//./\\.}

	case $1 in
	*-amd64) ;;
	*)	 pattern="$pattern\\.[0-9][0-9.]*([+]deb[0-9]+|-[0-9]+)?-amd64" ;;
	esac
	grep -xE "$pattern" | sort -rV
}

_kernel_newest_cached()
{
	local release

	[ -d "$KERNELS_DIR" ] || return 1
	find "$KERNELS_DIR" -mindepth 1 -maxdepth 1 -printf '%f\n' | _kernel_matching "$1" |
	while read -r release; do
		if kernel_cached "$release"; then
			echo "$release"
			break
		fi
	done
}

# A name without a candidate is known to apt only from somebody's dependency.
_kernel_newest_offered()
{
	local release

	apt-cache pkgnames linux-image- | sed 's/^linux-image-//' | _kernel_matching "$1" |
	while read -r release; do
		case $(apt-cache policy "linux-image-$release") in
		*"Candidate: "[0-9]*)
			echo "$release"
			break ;;
		esac
	done
}

# kernel_newest K - writes the newest release of K in the archive.
kernel_newest()
{
	local release

	release=$(_kernel_newest_offered "$1") || true
	if [ -z "$release" ] && refresh_package_lists; then
		release=$(_kernel_newest_offered "$1") || true
	fi
	[ -n "$release" ] || die "this machine's apt sources have no kernel $1"
	echo "$release"
}

# kernel_get K - makes sure that K is in the cache; writes its release. One in the cache comes before a newer
# one in the archive: results stay comparable, and no network is needed.
kernel_get()
{
	local release

	release=$(_kernel_newest_cached "$1") || true
	if [ -z "$release" ]; then
		release=$(kernel_newest "$1") || return
		kernel_cached "$release" || _kernel_fetch "$release" || return
	fi
	echo "$release"
}

# Unpacked beside its final place and renamed: when two scripts do this at once, either wins as a whole.
_kernel_fetch()
{
	local release=$1 work

	need_packages kmod xz-utils zstd
	mkdir -p "$KERNELS_DIR"
	work=$(mktemp -d "$KERNELS_DIR/.fetch.XXXXXX")
	say "downloading the Debian kernel $release"
	_kernel_download "$release" "$work" ||
		{ refresh_package_lists && _kernel_download "$release" "$work"; } ||
		{ rm -rf "$work"; die "cannot download linux-image-$release"; }
	dpkg-deb -x "$work"/linux-image-*.deb "$work/root"
	# From Debian 13 on everything is under /usr.
	[ -d "$work/root/lib" ] || ln -s usr/lib "$work/root/lib"
	_kernel_extract "$work/root/boot/vmlinuz-$release" >"$work/root/boot/vmlinux-$release" ||
		{ rm -rf "$work"; die "cannot extract the kernel of linux-image-$release"; }
	depmod -b "$work/root" "$release"
	mv -T "$work/root" "$KERNELS_DIR/$release" 2>/dev/null || kernel_cached "$release"
	rm -rf "$work"
}

# _kernel_extract IMAGE - the ELF file packed in it. The header tells where: Documentation/x86/boot.rst, setup_sects,
# payload_offset and payload_length, which counts four bytes of uncompressed size at the end.
_kernel_extract()
{
	local start length

	start=$((($(_read_le "$1" 0x1f1 1) + 1) * 512 + $(_read_le "$1" 0x248 4)))
	length=$(($(_read_le "$1" 0x24c 4) - 4))
	head -c $((start + length)) "$1" | tail -c "$length" | _decompress "$(_read_le "$1" "$start" 4)"
}

# _read_le FILE OFFSET BYTES - the little-endian number at that place.
_read_le()
{
	od -An -tu"$3" -j $(($2)) -N "$3" "$1" | tr -d ' '
}

# By the first four bytes of the format.
_decompress()
{
	case $(printf %08x "$1") in
	587a37fd)	xz -dc ;;
	fd2fb528)	zstd -dc ;;
	??088b1f)	gzip -dc ;;
	*)		return 1 ;;
	esac
}

# apt-get drops to the user _apt for downloads, to whom the work directory is closed.
_kernel_download()
{
	(cd "$2" && apt-get -qq -o APT::Sandbox::User=root download "linux-image-$1" >&2)
}

# kernel_headers RELEASE - installs what modules are built against; writes the KDIR for make.
kernel_headers()
{
	[ -e "/lib/modules/$1/build/Makefile" ] || need_packages "linux-headers-$1"
	echo "/lib/modules/$1/build"
}

# kernel_module_files RELEASE MODULE... - files of the modules and of all that they depend on, in the order of
# loading. One built into the kernel has no file.
kernel_module_files()
{
	local release=$1

	shift
	modprobe -a -d "$KERNELS_DIR/$release" -S "$release" --show-depends "$@" |
		sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++'
}
