# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# shellcheck shell=bash
#
# sysroot.sh ARCH
#
# Prints a directory with what tcpclose is built with for another architecture, and
# with the programs that the tests need in a guest of it: Debian's packages, unpacked,
# never installed.
#
# TCPCLOSE_VM_CACHE   where it lies (build/vm)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${TCPCLOSE_VM_CACHE:-$here/../../build/vm}
# What a machine of today can build for, and what runs on every kernel of kernels.txt.
suites=bookworm,bookworm-security
packages=(
	libc6-dev libgcc-12-dev libbpf-dev libelf-dev zlib1g-dev libjson-c-dev libpcap-dev libcap-ng-dev libmnl-dev libcmocka-dev
	dash coreutils grep mawk util-linux mount procps iproute2 bpftool python3-minimal libpython3-stdlib
)

die() { echo "sysroot.sh: $*" >&2; exit 1; }
say() { echo "sysroot.sh: $*" >&2; }

if [ $# -ne 1 ]; then sed -n '3,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; fi
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
root=$cache/sysroot/$1
# Another list of packages is another sysroot.
wanted="$suites ${packages[*]}"
# shellcheck source-path=SCRIPTDIR source=apt.sh
. "$here/apt.sh"

exec 9>"$cache/lock"
flock 9

# Debian's packages for one architecture know each other's files by absolute links.
relative_links() {
	local link target

	find "$root" -type l -lname '/*' | while read -r link; do
		target=$(readlink "$link")
		ln -sfnr "$root$target" "$link"
	done
}

unpack() {
	local deb

	for deb; do dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$root.new"; done
}

fetch() {
	apt_tree "$1" "$suites"
	say "fetching what is needed for $1 ($suites)"
	apt-get -c "$apt_conf" -qq update >&2 || die "could not ask the mirror"
	rm -rf "$root" "$root.new"
	mkdir -p "$root.new"/usr/{bin,sbin,lib}
	# From bookworm on all of a system is in usr, though packages still say otherwise.
	for name in bin sbin lib; do ln -s "usr/$name" "$root.new/$name"; done
	# An empty status file: apt then takes all that these need, and all that that needs.
	apt-get -c "$apt_conf" -qq install --download-only --no-install-recommends -y "${packages[@]}" >&2 ||
		die "could not fetch: ${packages[*]}"
	unpack "${apt_conf%/*}"/cache/archives/*.deb
	rm -f "${apt_conf%/*}"/cache/archives/*.deb
	mv "$root.new" "$root"
	relative_links
	echo "$wanted" >"$root/complete"
}

[ "$(cat "$root/complete" 2>/dev/null)" = "$wanted" ] || fetch "$1"
echo "$root"
