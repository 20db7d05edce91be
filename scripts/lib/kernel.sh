# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Kernels to boot and to build against. "K" is a version of Debian's (6.1, 6.12), one that is built here
# (7.2-debug) or an exact release (6.1.0-56-amd64). An image is unpacked into the cache and never installed:
# installing would make it the machine's own next kernel. Debian's headers are installed, because they name
# absolute paths.

# shellcheck source=scripts/lib/packages.sh
. "$BELLOWS_TOP/scripts/lib/packages.sh"
# shellcheck source=scripts/lib/debug-kernel.sh
. "$BELLOWS_TOP/scripts/lib/debug-kernel.sh"

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

# kernel_slowness RELEASE... - how many times as long as on kernels of Debian things may take where one of these runs.
kernel_slowness()
{
	local release

	for release; do
		! kernel_is_debug "$release" || { echo 4; return; }
	done
	echo 1
}

# kernel_arguments RELEASE - what it is to be told at boot. Without, SLUB of 7.2 keeps arrays of free objects, in which
# what was allocated can still be read: kmemleak takes that for references, and finds few leaks.
kernel_arguments()
{
	! kernel_is_debug "$1" || echo 'slab_debug=F,kmalloc-*'
}

# What is in memory of a debug kernel at its start beyond one of Debian: its own text and tables, and what lockdep has.
DEBUG_KERNEL_MIB=128

# kernel_extra_mib RELEASE MIB - what a machine of so much memory needs beyond it, to have as much left as with a kernel of
# Debian. A debug kernel is larger, and KASAN alone keeps a byte for every eight.
kernel_extra_mib()
{
	if kernel_is_debug "$1"; then
		echo $((DEBUG_KERNEL_MIB + $2 / 4))
	else
		echo 0
	fi
}

# _kernel_matching K - picks from the releases on stdin those that K stands for, newest first. The rt and
# cloud flavours match only by their exact name.
_kernel_matching()
{
	local pattern=${1//./\\.}

	case $1 in
	*-amd64|*-debug-*) ;;
	*-debug)
		pattern="${pattern%-debug}\\.[0-9]+$(debug_kernel_suffix)" ;;
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
	if [ -n "$release" ]; then
		echo "$release"
	else
		kernel_update "$1"
	fi
}

# kernel_update K - the same, but of the newest one in the archive.
kernel_update()
{
	local release

	case $1 in
	*-debug)	_kernel_build "$1"; return ;;
	*-debug-*)	die "the cache has no kernel $1; those of today's options are ${1%%.*}.N-debug" ;;
	esac
	release=$(kernel_newest "$1") || return
	kernel_cached "$release" || _kernel_fetch "$release" || return
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

# _kernel_build K - one at a time: who had to wait takes what the other one made.
_kernel_build()
{
	local release='' lock work

	mkdir -p "$KERNELS_DIR"
	exec {lock}>"$KERNELS_DIR/.build.lock"
	if ! flock -n "$lock"; then
		say "waiting for another build of a kernel"
		flock "$lock"
		release=$(_kernel_newest_cached "$1") || true
	fi
	if [ -z "$release" ]; then
		work=$(mktemp -d "$KERNELS_DIR/.build.XXXXXX")
		release=$(debug_kernel_build "$1" "$work") || { rm -rf "$work"; die "cannot build the kernel $1"; }
		depmod -b "$work/root" "$release"
		mv -T "$work/root" "$KERNELS_DIR/$release" 2>/dev/null || kernel_cached "$release"
		rm -rf "$work"
	fi
	exec {lock}>&-
	echo "$release"
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

# kernel_headers RELEASE - makes sure that there is what modules are built against; writes the KDIR for make.
kernel_headers()
{
	if kernel_is_debug "$1"; then
		echo "$KERNELS_DIR/$1/build"
		return
	fi
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

# kernel_modules_there RELEASE MODULE... - those of them that this kernel has, if only built in.
kernel_modules_there()
{
	local release=$1 module

	shift
	for module; do
		! modprobe -q -d "$KERNELS_DIR/$release" -S "$release" --show-depends "$module" >/dev/null || echo "$module"
	done
}
