# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The QEMU that emulates the host VM. Before 8.1 it now and then went on executing kernel text that had been patched, and it was
# slower: where the machine's own is older, the one of Debian's backports is unpacked into the cache and never installed. What
# starts the guests inside is the machine's own, as with users.

# shellcheck source=scripts/lib/packages.sh
. "$BELLOWS_TOP/scripts/lib/packages.sh"

EMULATOR_DIR=$BELLOWS_CACHE/emulator
EMULATOR_VERSION=1:8.1

# emulator_get - makes sure that there is one, and sets emulator, the words that start it.
emulator_get()
{
	need_packages qemu-system-x86
	# shellcheck disable=SC2034 # of who sources this
	emulator=(qemu-system-x86_64)
	! _emulator_new_enough || return 0
	if [ ! -d "$EMULATOR_DIR" ]; then
		_emulator_download || return 0
	fi
	# It is linked with what the machine's own needs, too, and with what this machine may not have.
	_emulator_starts || say "QEMU of Debian's backports does not run here; taking this machine's own"
}

# Where it cannot be had today is not asked again: every VM of a run would wait for an archive that does not answer.
_emulator_download()
{
	local absent=$EMULATOR_DIR.absent

	[ -z "$(find "$absent" -mtime -1 2>/dev/null)" ] || return
	unpack_from bookworm-backports "$EMULATOR_DIR" qemu-system-x86 qemu-system-common qemu-system-data && return
	say "taking this machine's own QEMU, which is older, for a day"
	touch "$absent"
	return 1
}

_emulator_new_enough()
{
	# shellcheck disable=SC2016 # dpkg's own
	dpkg --compare-versions "$(dpkg-query -W -f '${Version}' qemu-system-x86)" ge "$EMULATOR_VERSION"
}

_emulator_starts()
{
	local directory=$EMULATOR_DIR/usr/lib/x86_64-linux-gnu/qemu binary=$EMULATOR_DIR/usr/bin/qemu-system-x86_64

	env QEMU_MODULE_DIR="$directory" "$binary" --version >/dev/null 2>&1 || return
	# shellcheck disable=SC2034
	emulator=(env QEMU_MODULE_DIR="$directory" "$binary" -L "$EMULATOR_DIR/usr/share/qemu" -L /usr/share/seabios)
}
