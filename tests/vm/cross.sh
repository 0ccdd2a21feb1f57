# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# shellcheck shell=bash
#
# cross.sh ARCH DIR [TARGET ...]
#
# Builds tcpclose for another architecture into DIR, against sysroot.sh's packages.
# Targets: the programs, or those given. Exit status 77: there is nothing to build it with.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
die() { echo "cross.sh: $*" >&2; exit 77; }
if [ $# -lt 2 ]; then sed -n '3,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; fi

case $1 in
amd64) machine=x86_64-linux-gnu ;;
arm64) machine=aarch64-linux-gnu ;;
*) die "no word on $1" ;;
esac
command -v "$machine-gcc" >/dev/null || die "no $machine-gcc here (package gcc-${machine%%-*}-linux-gnu)"
command -v "qemu-system-${machine%%-*}" >/dev/null || die "no qemu-system-${machine%%-*} here"
sysroot=$(bash "$here/sysroot.sh" "$1") || die "no sysroot for $1"

export PKG_CONFIG_LIBDIR=$sysroot/usr/lib/$machine/pkgconfig:$sysroot/usr/share/pkgconfig
export PKG_CONFIG_SYSROOT_DIR=$sysroot
# Not a part of the make that may have called.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
output=$2
shift 2
exec make -C "$here/../.." -j"$(getconf _NPROCESSORS_ONLN)" O="$output" CROSS_COMPILE="$machine-" PKG_CONFIG=pkg-config \
	CC="$machine-gcc --sysroot=$sysroot" "${@:-programs}"
