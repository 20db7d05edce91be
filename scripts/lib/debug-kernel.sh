# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The kernel that watches the modules: "7.2-debug" is Linux 7.2 of Debian sid with the options of
# scripts/kernels.d/debug.config, which no kernel of Debian has. It is built here, into the cache, once for each
# source and each set of options: both are in its release (7.2.13-debug-2f1a9c04). A tree with other options has
# another kernel.

DEBUG_KERNEL_CONFIG=$BELLOWS_TOP/scripts/kernels.d/debug.config
# After so many the progress is told.
DEBUG_KERNEL_STEP=250

kernel_is_debug()
{
	[[ $1 == *-debug || $1 == *-debug-* ]]
}

# debug_kernel_suffix - what the options of this tree are known by. What a comment says changes no kernel.
debug_kernel_suffix()
{
	local digest

	digest=$(grep -E '^(# )?CONFIG_' "$DEBUG_KERNEL_CONFIG" | sha256sum)
	echo "-debug-${digest:0:8}"
}

# debug_kernel_build K DIR - builds K (7.2-debug) and makes its entry of the cache in DIR/root, as that of a kernel of
# Debian, with what modules are built against in "build". DIR has to be empty; writes the release.
debug_kernel_build()
{
	local version=${1%-debug} dir=$2 log=$2/log source release

	need_packages make gcc libc6-dev flex bison bc libelf-dev libssl-dev kmod xz-utils
	_debug_kernel_source "$version" "$dir" || { say "no archive has linux-source-$version"; return 1; }
	source=$dir/source
	{ cat "$DEBUG_KERNEL_CONFIG"; echo "CONFIG_LOCALVERSION=\"$(debug_kernel_suffix)\""; } >"$dir/wanted"
	KCONFIG_ALLCONFIG=$dir/wanted make -s -C "$source" allnoconfig >"$log" 2>&1 || { tail "$log" >&2; return 1; }
	_debug_kernel_options_taken "$dir/wanted" "$source/.config" || return
	say "building Linux $version with the options of ${DEBUG_KERNEL_CONFIG#"$BELLOWS_TOP"/}: a quarter of an hour on two cores"
	make -C "$source" -j"$(nproc)" bzImage modules 2>&1 | tee "$log" | _debug_kernel_progress ||
		{ tail -n 20 "$log" >&2; return 1; }
	release=$(<"$source/include/config/kernel.release")
	_debug_kernel_install "$source" "$dir/root" "$release" >>"$log" 2>&1 || { tail "$log" >&2; return 1; }
	echo "$release"
}

# Debian's sid goes on to the next version, and the one before is found for a while in what follows it.
_debug_kernel_source()
{
	local archive

	for archive in sid testing; do
		unpack_from "$archive" "$2/package" "linux-source-$1" || continue
		mkdir "$2/source"
		say "unpacking linux-source-$1"
		tar -C "$2/source" --strip-components=1 -xf "$2/package/usr/src/linux-source-$1.tar.xz" || return
		rm -rf "$2/package"
		return
	done
	return 1
}

# _debug_kernel_options_taken WANTED CONFIG - an option whose conditions do not hold is dropped without a word.
_debug_kernel_options_taken()
{
	local dropped

	dropped=$(grep '^CONFIG_' "$1" | grep -vxFf "$2") || return 0
	say "options that this kernel does not take:" "${dropped//$'\n'/ }"
	return 1
}

_debug_kernel_progress()
{
	local line count=0

	while read -r line; do
		case $line in
		*CC*|*LD*|*AR*|*AS*)
			((++count % DEBUG_KERNEL_STEP)) || say "$count steps of some 2,400" ;;
		esac
	done
}

# _debug_kernel_install SOURCE ROOT RELEASE
_debug_kernel_install()
{
	local source=$1 root=$2 release=$3

	mkdir -p "$root/boot"
	cp "$source/arch/x86/boot/bzImage" "$root/boot/vmlinuz-$release" &&
		strip -s -o "$root/boot/vmlinux-$release" "$source/vmlinux" &&
		cp "$source/.config" "$root/boot/config-$release" &&
		# Links into the source, which will be gone.
		make -s -C "$source" INSTALL_MOD_PATH="$root" modules_install &&
		rm -f "$root/lib/modules/$release"/{build,source} &&
		# What Debian has in its packages of headers.
		make -s -C "$source" run-command \
			KBUILD_RUN_COMMAND="\$(srctree)/scripts/package/install-extmod-build $root/build" &&
		cp "$source/.config" "$source/System.map" "$root/build/"
}
