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

# unpack_from RELEASE DIR PACKAGE... - what these packages of another release of Debian contain, in DIR, whole or not at all. They
# are not installed, and neither is what they depend on.
unpack_from()
{
	local release=$1 dir=$2 work apart package code=0

	shift 2
	say "downloading $* of Debian $release"
	mkdir -p "$(dirname "$dir")"
	work=$(mktemp -d "$dir.XXXXXX")
	mkdir -p "$work"/{lists,cache/archives}/partial "$work/root"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(debian_archive) $release main" >"$work/sources"
	apart=(-qq -o "Dir::Etc::SourceList=$work/sources" -o "Dir::Etc::SourceParts=-" -o "Dir::State::Lists=$work/lists"
		-o "Dir::Cache=$work/cache" -o "APT::Sandbox::User=root")
	(cd "$work" && apt-get "${apart[@]}" update && apt-get "${apart[@]}" -t "$release" download "$@") >&2 || code=$?
	for package in "$work"/*.deb; do
		[ "$code" -ne 0 ] || dpkg-deb -x "$package" "$work/root" || code=$?
	done
	# Who comes second finds the first one's.
	[ "$code" -ne 0 ] || mv -T "$work/root" "$dir" 2>/dev/null || [ -d "$dir" ] || code=1
	rm -rf "$work"
	return "$code"
}
