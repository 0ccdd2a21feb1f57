# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# shellcheck shell=bash
#
# kernel.sh [-r] KERNEL
#
# Fetches the newest Debian cloud kernel of a row in kernels.txt and prints one line:
#
#   VERSION VMLINUZ MODULES_DIR ARCH
#
# KERNEL is a series (6.1), a series of another architecture than amd64 (6.1-arm64),
# or a whole version as it was printed (6.1.0-56-cloud-amd64). Nothing is installed:
# a private apt tree in the cache (apt.sh), packages unpacked beside it. -r asks the
# mirror even if it was asked less than a day ago.
#
# TCPCLOSE_VM_CACHE   where all of it lies (build/vm)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${TCPCLOSE_VM_CACHE:-$here/../../build/vm}

die() { echo "kernel.sh: $*" >&2; exit 1; }
say() { echo "kernel.sh: $*" >&2; }

refresh=
if [ "${1:-}" = -r ]; then refresh=1; shift; fi
if [ $# -ne 1 ]; then sed -n '3,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; fi
series=$1 arch=amd64
case $1 in
*-cloud-*) arch=${1##*-} ;;
*-*64) arch=${1##*-} series=${1%-*} ;;
esac

# A whole version finds its series' row: the longest row that it begins with.
suites=$(awk -v series="$series" -v arch="$arch" '
	!/^#/ && $2 == arch && index(series ".", $1 ".") == 1 && length($1) > best { best = length($1); found = $3 }
	END { print found }' "$here/kernels.txt")
[ -n "$suites" ] || die "no kernel $series for $arch in $here/kernels.txt"

mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
known=$cache/newest/$arch-$series
# shellcheck source-path=SCRIPTDIR source=apt.sh
. "$here/apt.sh"

# Two runs at once must not write the same tree.
exec 9>"$cache/lock"
flock 9

# Newest first by version of the package name: Debian puts the point release, or
# before 6.12 the ABI number, there.
newest() {
	apt-cache -c "$apt_conf" pkgnames "linux-image-$series" |
		sed -n "s/^linux-image-\(.*-cloud-$arch\)\$/\1/p" |
		awk -v series="$series" 'index($0, series) == 1 && substr($0, length(series) + 1) ~ /^([^0-9]|$)/' |
		grep -E '^[0-9]+\.[0-9]+\.[0-9]+' | sort -V | tail -n 1
}

ask_mirror() {
	say "asking the mirror for the newest $series for $arch ($suites)"
	apt-get -c "$apt_conf" -qq update >&2 || return
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
else
	apt_tree "$arch" "$suites"
	if ! ask_mirror; then
		[ -s "$known" ] || die "could not ask the mirror, and no $series for $arch is in $cache"
		version=$(<"$known")
		say "could not ask the mirror: taking $version from $cache"
	fi
fi

root=$cache/kernels/$version
if [ ! -e "$root/complete" ]; then
	apt_tree "$arch" "$suites"
	# From 6.19 on the image package is an empty shell over these.
	packages=(linux-image)
	if apt-cache -c "$apt_conf" show "linux-binary-$version" >/dev/null 2>&1; then
		packages=(linux-binary linux-modules linux-base)
	fi
	say "fetching $version"
	rm -rf "$root"
	mkdir -p "$root/deb"
	(cd "$root/deb" && apt-get -c "$apt_conf" -qq download "${packages[@]/%/-$version}" >&2) ||
		die "could not fetch $version (a point release that left the mirror? try -r)"
	for deb in "$root"/deb/*.deb; do dpkg-deb -x "$deb" "$root"; done
	rm -rf "$root/deb"
	touch "$root/complete"
fi

first() { for path; do [ ! -e "$path" ] || { echo "$path"; return; }; done; }
vmlinuz=$(first "$root/boot/vmlinuz-$version" "$root"/{,usr/}lib/modules/"$version"/vmlinuz)
modules=$(first "$root"/{,usr/}lib/modules/"$version")
if [ -z "$vmlinuz" ] || [ -z "$modules" ]; then die "$root holds no kernel and modules: remove it and try again"; fi
echo "$version $vmlinuz $modules $arch"
