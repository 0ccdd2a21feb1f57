# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# shellcheck shell=bash
#
# shell.sh KERNEL [ARGUMENT OF run.sh ...]
#
# A shell inside a kernel, for a person: tcpclose and the echo pair are in its PATH,
# with what one wants to look around. Ctrl-D, or exit, ends the machine.
#
# O=DIR   where tcpclose was built (build)
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
if [ $# -lt 1 ]; then sed -n '3,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; fi
kernel=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
programs=$(programs_for "$kernel" "$log") || { cat "$log" >&2; exit 1; }

payload=()
for name in tcpclose tcpclose-echo-server tcpclose-echo-client; do payload+=(-i "$programs/$name:/usr/bin/$name"); done
for tool in awk bpftool cat dmesg env grep head ip kill less ls mkdir mount nsenter ps rm setpriv sleep sort ss sysctl tail true umount unshare; do
	path=$(PATH=/usr/sbin:/usr/bin:/sbin:/bin type -P "$tool") && payload+=(-i "$path")
done
bash "$here/run.sh" -s -m tcp_diag -m veth -M 1024 "${payload[@]}" "$@" "$kernel"
