# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# shellcheck shell=bash
#
# unpack.sh DIR PACKAGE ...
#
# Debian's packages, and what they need that is not installed here, fetched by this
# machine's own apt and unpacked below DIR: a server is there to be tested with, and
# none is installed, started, or started at the next boot. Says on standard error
# what it could not do, status 1. What DIR has already is not fetched again.
set -euo pipefail

dir=$1
shift
[ -e "$dir/complete" ] && exit 0
for tool in apt-get dpkg-deb; do
	command -v "$tool" >/dev/null || { echo "no $tool here" >&2; exit 1; }
done
new=$(mktemp -d "$dir.XXXXXX")
trap 'rm -rf "$new"' EXIT
mkdir "$new/debs" "$new/root"
apt-get -qq -s --no-install-recommends install "$@" >"$new/plan" || { echo "apt does not know $*" >&2; exit 1; }
# Inst NAME [INSTALLED] (VERSION ...): what would be new here, or newer.
sed -nE 's/^Inst ([^ ]+) (\[[^]]*\] )?\(([^ ]+) .*/\1=\3/p' "$new/plan" >"$new/wanted"
while read -r package; do
	(cd "$new/debs" && apt-get -qq download "$package" 2>&1) || { echo "apt cannot fetch $package" >&2; exit 1; }
done <"$new/wanted"
for deb in "$new"/debs/*.deb; do
	[ ! -e "$deb" ] || dpkg-deb -x "$deb" "$new/root"
done
rm -rf "${dir:?}" "$new/debs"
touch "$new/complete"
chmod 755 "$new"
mv "$new" "$dir"
trap - EXIT
