# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# shellcheck shell=sh
#
# refusals_guest.sh TCPCLOSE [locked]: inside the machine. Takes away what tcpclose
# needs and what it must not need; refusals.sh judges what it leaves in /out.
tcpclose=$1

try() { # NAME COMMAND...
	name=$1
	shift
	"$@" "$tcpclose" -d 0.1 >/dev/null 2>"/out/$name.err"
	echo $? >"/out/$name.status"
}
without() { # NAME CAPABILITIES
	try "$1" setpriv --inh-caps=-all --bounding-set="$2"
}

try all env
[ "${2:-}" != locked ] || exit 0
try nobody setpriv --reuid=65534 --clear-groups
without cap_bpf -bpf,-sys_admin
without cap_perfmon -perfmon,-sys_admin
without cap_sys_resource -sys_resource
umount /sys/kernel/tracing /sys/fs/bpf /sys/fs/cgroup
try mounts env
mount -t tmpfs none /sys/kernel/btf
try btf env
