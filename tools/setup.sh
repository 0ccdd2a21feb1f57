#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#
# tools/setup.sh [TARGET ...]
#
# Installs what is missing to make the targets (default: all) through the
# system's package manager, then makes them. Where nothing is missing it installs
# nothing and asks no package manager anything.
#
# It runs before anything else is there: POSIX sh and what every base system has.
set -eu
cd "$(dirname "$0")/.."

say() { echo "setup: $*"; }
die() {
	echo "setup: $*" >&2
	exit 1
}

# What is needed, how to see that it is there, its package for apt, dnf, pacman, zypper.
#   cmd NAME      a command        header FILE   under /usr/include
#   lib NAME      pkg-config has it and all that it needs
#   py NAME       a Python module  file PATH     a file
# A package "-": nothing is installed there.
to_build='
header stdio.h        libc6-dev       glibc-devel            glibc     glibc-devel
cmd    gcc            gcc             gcc                    gcc       gcc
cmd    make           make            make                   make      make
cmd    clang          clang           clang                  clang     clang
cmd    bpftool        bpftool         bpftool                bpf       bpftool
cmd    pkg-config     pkg-config      pkgconf-pkg-config     pkgconf   pkgconf-pkg-config
lib    libelf         libelf-dev      elfutils-libelf-devel  libelf    libelf-devel
lib    zlib           zlib1g-dev      zlib-devel             zlib      zlib-devel
lib    libbpf         libbpf-dev      libbpf-devel           libbpf    libbpf-devel
lib    json-c         libjson-c-dev   json-c-devel           json-c    libjson-c-devel
lib    libpcap        libpcap-dev     libpcap-devel          libpcap   libpcap-devel
lib    libcap-ng      libcap-ng-dev   libcap-ng-devel        libcap-ng libcap-ng-devel
lib    libmnl         libmnl-dev      libmnl-devel           libmnl    libmnl-devel
'
# Not here: servers (nginx, haproxy, redis), which a package starts on the spot and at
# every boot. The tests unpack what they need of them (tests/live/unpack.sh).
to_check='
lib    cmocka         libcmocka-dev       libcmocka-devel      cmocka             libcmocka-devel
cmd    ip             iproute2            iproute              iproute2           iproute2
cmd    python3        python3             python3              python             python3
py     jsonschema     python3-jsonschema  python3-jsonschema   python-jsonschema  python3-jsonschema
'
# Wanted, not needed: without them a lint, or the tests inside other kernels, are skipped
# and say so. Where mandoc takes the place of the system's man(1) it is not installed.
to_lint='
cmd    shellcheck     shellcheck      ShellCheck  shellcheck  ShellCheck
cmd    mandoc         mandoc          mandoc      -           -
'
# Those kernels are Debian's, fetched by apt, so there is nothing here for others.
to_vm='
cmd    cpio           cpio            -  -  -
cmd    xz             xz-utils        -  -  -
cmd    zstd           zstd            -  -  -
file   /usr/share/keyrings/debian-archive-keyring.gpg  debian-archive-keyring  -  -  -
'
case $(uname -m) in
x86_64)
	to_vm="$to_vm
cmd    qemu-system-x86_64     qemu-system-x86        -  -  -"
	to_vm_cross='
cmd    qemu-system-aarch64    qemu-system-arm        -  -  -
cmd    aarch64-linux-gnu-gcc  gcc-aarch64-linux-gnu  -  -  -'
	;;
aarch64)
	to_vm="$to_vm
cmd    qemu-system-aarch64    qemu-system-arm        -  -  -"
	to_vm_cross='
cmd    qemu-system-x86_64     qemu-system-x86        -  -  -
cmd    x86_64-linux-gnu-gcc   gcc-x86-64-linux-gnu   -  -  -'
	;;
*) to_vm='' to_vm_cross='' ;;
esac
to_deb='
cmd    dpkg-shlibdeps dpkg-dev            dpkg-dev             dpkg               dpkg
'

# Also where a user's PATH does not lead.
has_command() {
	for dir in $(echo "$PATH" | tr ':' ' ') /usr/sbin /sbin; do
		[ ! -x "$dir/$1" ] || return 0
	done
	return 1
}

is_there() {
	case $1 in
	cmd) has_command "$2" ;;
	header) [ -e "/usr/include/$2" ] ;;
	file) [ -e "$2" ] ;;
	lib) has_command pkg-config && pkg-config --exists "$2" ;;
	# The system's own python3 gets the package; another one may stand before it in PATH.
	py) python3 -c "import $2" 2>/dev/null || /usr/bin/python3 -c "import $2" 2>/dev/null ;;
	esac
}

# missing COLUMN: the packages of that package manager that are not there, from the table on standard input.
missing() {
	while read -r how what apt dnf pacman zypper; do
		[ -z "$how" ] || is_there "$how" "$what" || case $1 in
		apt) echo "$apt" ;;
		dnf) echo "$dnf" ;;
		pacman) echo "$pacman" ;;
		zypper) echo "$zypper" ;;
		*) echo "$what" ;;
		esac
	done | grep -vx -e - || :
}

manager() {
	for name in apt-get dnf pacman zypper; do
		! has_command "$name" || { echo "${name%-get}" && return; }
	done
	echo none
}

# Ubuntu keeps bpftool with the tools of each kernel, where the command is only a pointer to them.
ubuntu_bpftool() {
	if apt-cache show bpftool >/dev/null 2>&1; then
		echo bpftool
	else
		echo linux-tools-common "linux-tools-$(uname -r)"
	fi
}

# Refreshing the lists may fail for one dead source; whether the packages can be had, the installation says.
install_apt() {
	export DEBIAN_FRONTEND=noninteractive
	if [ -z "$updated" ]; then
		run apt-get -q update || say 'apt-get update failed, going on with the lists that are there'
		updated=yes
	fi
	packages=$*
	case " $packages " in
	*' bpftool '*) packages="$(echo " $packages " | sed 's/ bpftool / /') $(ubuntu_bpftool)" ;;
	esac
	# shellcheck disable=SC2086 # one word each
	run apt-get -q install -y --no-install-recommends $packages
}

run() {
	say "+ $*"
	"$@"
}

# Never in the way of the rest.
install_wanted() {
	say "wanted, not needed: $*"
	if [ "$(id -u)" -ne 0 ]; then
		say 'not root: going on without'
	else
		install_packages "$@" || say 'could not be installed: going on without'
	fi
}

install_packages() {
	case $manager in
	apt) install_apt "$@" ;;
	dnf) run dnf install -y --setopt=install_weak_deps=False "$@" ;;
	# Without -y, which would be a partial upgrade. An outdated list is for its owner to renew.
	pacman) run pacman -S --needed --noconfirm "$@" ;;
	zypper) run zypper --non-interactive install --no-recommends "$@" ;;
	esac
}

[ $# -gt 0 ] || set -- all
updated=
table=$to_build
wanted=
wanted_vm=
for target in "$@" VM="${VM:-}"; do
	case $target in
	-h | --help)
		sed -n '4,9s/^# \{0,1\}//p' "$0"
		exit
		;;
	check) table=$table$to_check wanted=$wanted$to_lint wanted_vm=$wanted_vm$to_vm ;;
	check-lint) table=$table$to_check wanted=$wanted$to_lint ;;
	check-vm) table=$table$to_check wanted_vm=$wanted_vm$to_vm ;;
	check*) table=$table$to_check ;;
	vm*) table=$table$to_check wanted_vm=$wanted_vm$to_vm$to_vm_cross ;;
	VM=all) wanted_vm=$wanted_vm$to_vm_cross ;;
	deb) table=$table$to_deb ;;
	esac
done

manager=$(manager)
packages=$(echo "$table" | missing "$manager" | sort -u | tr '\n' ' ')
if [ -n "$packages" ]; then
	say "missing: $packages"
	[ "$manager" != none ] ||
		die 'no apt, dnf, pacman or zypper here: install these by hand (the names are those of commands and libraries)'
	[ "$(id -u)" -eq 0 ] || die "installing needs root: sudo tools/setup.sh $*"
	# shellcheck disable=SC2086 # one word each
	install_packages $packages
	still=$(echo "$table" | missing "$manager" | sort -u | tr '\n' ' ')
	[ -z "$still" ] || die "still missing after the installation: $still"
fi

case " $* VM=${VM:-} " in
*' VM=none '*) ;;
*) wanted=$wanted$wanted_vm ;;
esac
packages=$(echo "$wanted" | missing "$manager" | sort -u | tr '\n' ' ')
# shellcheck disable=SC2086 # one word each
[ "$manager" = none ] || [ -z "$packages" ] || install_wanted $packages

say "make $*"
status=0
make -j"$(getconf _NPROCESSORS_ONLN)" "$@" || status=$?
# What sudo built is to be its user's, who will want to build again.
if [ -n "${SUDO_UID:-}" ] && [ -z "${O:-}" ] && [ -d build ]; then
	chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" build
fi
exit "$status"
