# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# shellcheck shell=bash
#
# kernel.sh [-r] SERIES [ARCH]
#
# Fetches the newest Debian cloud kernel of a series in kernels.txt (6.1, or a
# whole version such as 6.12.107) and prints one line:
#
#   VERSION VMLINUZ MODULES_DIR
#
# Nothing is installed: a private apt tree in the cache, packages unpacked beside
# it. The mirror is the one this machine's apt already uses. -r asks the mirror
# even if it was asked less than a day ago.
#
# TCPCLOSE_VM_CACHE              where all of it lies (build/vm)
# TCPCLOSE_VM_MIRROR             Debian archive, if apt here has none
# TCPCLOSE_VM_SECURITY_MIRROR    the same for the security archive
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${TCPCLOSE_VM_CACHE:-$here/../../build/vm}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

die() { echo "kernel.sh: $*" >&2; exit 1; }
say() { echo "kernel.sh: $*" >&2; }

refresh=
if [ "${1:-}" = -r ]; then refresh=1; shift; fi
if [ $# -lt 1 ] || [ $# -gt 2 ]; then sed -n '3,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; fi
series=$1
arch=${2:-amd64}

# A whole version finds its series' row: the longest row that it begins with.
suites=$(awk -v series="$series" -v arch="$arch" '
	!/^#/ && $2 == arch && index(series ".", $1 ".") == 1 && length($1) > best { best = length($1); found = $3 }
	END { print found }' "$here/kernels.txt")
[ -n "$suites" ] || die "no kernel $series for $arch in $here/kernels.txt"

mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
tree=$cache/apt/$arch-$suites
known=$cache/newest/$arch-$series

# Two runs at once must not write the same tree.
exec 9>"$cache/lock"
flock 9

# The machine's own sources, by what the archive calls itself, else by the look
# of its address: without a fetched list apt does not know the label yet.
mirror() { # LABEL ENDING
	{
		apt-get indextargets --format "\$(REPO_URI)" 'Created-By: Packages' "Label: $1" 2>/dev/null
		apt-get indextargets --format "\$(REPO_URI)" 'Created-By: Packages' 2>/dev/null | grep -E "/$2/?\$"
	} | head -n 1 || true
}

write_tree() {
	local archive security suite from

	command -v apt-get >/dev/null || die "needs apt-get to fetch Debian's kernels"
	[ -r "$keyring" ] || die "needs $keyring (package debian-archive-keyring)"
	archive=${TCPCLOSE_VM_MIRROR:-$(mirror Debian debian)}
	security=${TCPCLOSE_VM_SECURITY_MIRROR:-$(mirror Debian-Security debian-security)}

	mkdir -p "$tree"/etc/{apt.conf.d,preferences.d,trusted.gpg.d,sources.list.d} \
		"$tree"/state/lists/partial "$tree"/cache/archives/partial
	: >"$tree/state/status"
	: >"$tree/etc/sources.list"
	for suite in ${suites//,/ }; do
		case $suite in
		*-security) from=$security ;;
		*) from=$archive ;;
		esac
		if [ -z "$from" ]; then
			say "apt here knows no archive that has $suite: left out"
			continue
		fi
		echo "deb [arch=$arch signed-by=$keyring] $from $suite main" >>"$tree/etc/sources.list"
	done
	[ -s "$tree/etc/sources.list" ] || die "no Debian archive in this machine's apt sources; name one in TCPCLOSE_VM_MIRROR"

	# Read after the machine's configuration: its proxy stays, its sources, keys
	# and what it runs after an update do not.
	cat >"$tree/apt.conf" <<-EOF
		Dir::Etc "$tree/etc";
		Dir::Etc::Trusted "$tree/etc/none.gpg";
		Dir::State "$tree/state";
		Dir::State::Lists "$tree/state/lists";
		Dir::State::status "$tree/state/status";
		Dir::Cache "$tree/cache";
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		#clear APT::Architectures;
		APT::Architecture "$arch";
		APT::Architectures { "$arch"; };
		APT::Sandbox::User "";
		APT::Get::AllowUnauthenticated "false";
		Acquire::AllowInsecureRepositories "false";
		Acquire::Languages "none";
		Acquire::Retries "3";
	EOF
}

# Newest first by version of the package name: Debian puts the point release, or
# before 6.12 the ABI number, there.
newest() {
	apt-cache -c "$tree/apt.conf" pkgnames "linux-image-$series" |
		sed -n "s/^linux-image-\(.*-cloud-$arch\)\$/\1/p" |
		awk -v series="$series" 'index($0, series) == 1 && substr($0, length(series) + 1) ~ /^([^0-9]|$)/' |
		grep -E '^[0-9]+\.[0-9]+\.[0-9]+' | sort -V | tail -n 1
}

ask_mirror() {
	write_tree
	say "asking the mirror for the newest $series ($suites)"
	apt-get -c "$tree/apt.conf" -qq update >&2 || return
	version=$(newest) || return
	[ -n "$version" ] || die "$suites has no cloud kernel $series for $arch"
	mkdir -p "$cache/newest"
	echo "$version" >"$known"
}

version=
if [ -e "$cache/kernels/$series/complete" ]; then
	version=$series # named in full
elif [ -z "$refresh" ] && [ -n "$(find "$known" -mtime -1 2>/dev/null)" ]; then
	version=$(<"$known")
elif ! ask_mirror; then
	[ -s "$known" ] || die "could not ask the mirror, and no $series is in $cache"
	version=$(<"$known")
	say "could not ask the mirror: taking $version from $cache"
fi

root=$cache/kernels/$version
if [ ! -e "$root/complete" ]; then
	# From 6.19 on the image package is an empty shell over these.
	packages=(linux-image)
	if apt-cache -c "$tree/apt.conf" show "linux-binary-$version" >/dev/null 2>&1; then
		packages=(linux-binary linux-modules linux-base)
	fi
	say "fetching $version"
	rm -rf "$root"
	mkdir -p "$root/deb"
	(cd "$root/deb" && apt-get -c "$tree/apt.conf" -qq download "${packages[@]/%/-$version}" >&2) ||
		die "could not fetch $version (a point release that left the mirror? try -r)"
	for deb in "$root"/deb/*.deb; do dpkg-deb -x "$deb" "$root"; done
	rm -rf "$root/deb"
	touch "$root/complete"
fi

first() { for path; do [ ! -e "$path" ] || { echo "$path"; return; }; done; }
vmlinuz=$(first "$root/boot/vmlinuz-$version" "$root"/{,usr/}lib/modules/"$version"/vmlinuz)
modules=$(first "$root"/{,usr/}lib/modules/"$version")
if [ -z "$vmlinuz" ] || [ -z "$modules" ]; then die "$root holds no kernel and modules: remove it and try again"; fi
echo "$version $vmlinuz $modules"
