# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Debian packages on demand: a command that needs a tool installs it itself, from whatever mirrors
# this machine's apt is configured with. Without the right to do so it says what to install.

package_installed()
{
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# as_root COMMAND... - directly, or by a sudo that asks no password; fails where neither is possible.
as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo -n "$@" 2>/dev/null
	fi
}

# A machine that has just been made has no package lists; one that is a month old has stale ones.
refresh_package_lists()
{
	say "refreshing the package lists"
	as_root apt-get -qq update >/dev/null
}

# need_packages PACKAGE... - makes sure that all are installed.
need_packages()
{
	local package missing=()

	for package; do
		package_installed "$package" || missing+=("$package")
	done
	[ ${#missing[@]} -eq 0 ] && return

	say "installing ${missing[*]}"
	install_packages "${missing[@]}" && return
	refresh_package_lists && install_packages "${missing[@]}" && return
	die "cannot install packages; as root run: apt-get install ${missing[*]}"
}

# Two scripts may want a package at the same time, so wait for dpkg's lock instead of failing.
install_packages()
{
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 \
		--no-install-recommends install "$@" </dev/null >/dev/null
}

# Where this machine's apt has Debian from, for what is in another release of it.
debian_archive()
{
	# shellcheck disable=SC2016 # apt's own
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | sed 1q
}
