#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#
# tools/deb.sh BUILDDIR (make deb): a .deb of this build, for the distribution it
# was built on. One control file; what it depends on is read off the programs.
set -eu

build=$1
version=${VERSION:?}
arch=$(dpkg --print-architecture)
root=$build/deb/debian/tcpclose # where dpkg-shlibdeps looks for the package
package=$build/tcpclose_${version}_$arch.deb

rm -rf "$build/deb"
make --no-print-directory install O="$build" PREFIX=/usr DESTDIR="$root" >/dev/null
strip --strip-unneeded "$root"/usr/bin/*
gzip -9n "$root"/usr/share/man/man8/*.8
install -D -m 644 LICENSE "$root/usr/share/doc/tcpclose/copyright"

# dpkg-shlibdeps wants to stand in a source package and to see DEBIAN/ above the programs.
mkdir -p "$root/DEBIAN"
printf 'Source: tcpclose\n\nPackage: tcpclose\nArchitecture: any\n' >"$build/deb/debian/control"
depends=$(cd "$build/deb" && dpkg-shlibdeps -O debian/tcpclose/usr/bin/* | sed -n 's/^shlibs:Depends=//p')

cat >"$root/DEBIAN/control" <<END
Package: tcpclose
Version: $version
Architecture: $arch
Maintainer: The tcpclose authors <tcpclose@localhost>
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Depends: $depends
Section: net
Priority: optional
Description: says how and why TCP connections end
 tcpclose watches the kernel end TCP connections and names, for each socket, the
 cause, who closed first, and what was lost, with the evidence for it.
END
dpkg-deb --root-owner-group --build "$root" "$package"
