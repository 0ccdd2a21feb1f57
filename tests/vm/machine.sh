#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#
# machine.sh [KERNEL]: is run.sh to be believed? A harness that loses a status or
# a byte would make every test in a machine pass. Prints TAP.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
kernel=${1:-${KERNELS:-6.12}}
kernel=${kernel%% *}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

bash "$here/kernel.sh" "$kernel" >"$work/version" 2>"$work/why" || {
	echo "1..0 # SKIP kernel $kernel: $(tail -n 1 "$work/why")"
	exit
}
bash "$here/run.sh" "$kernel" -- sh -c : >"$work/out" 2>"$work/why" || {
	[ $? -ne 123 ] || { echo "1..0 # SKIP $(grep -m 1 '^run.sh:' "$work/why")"; exit; }
}

count=0
failed=0
check() { # NAME TEST...: one result
	count=$((count + 1))
	if "${@:2}"; then
		echo "ok $count - $1"
	else
		echo "not ok $count - $1"
		sed 's/^/# /' "$work/out" "$work/err"
		failed=1
	fi
}

status=0
run() { # run.sh's arguments: fills out, err and status
	status=0
	bash "$here/run.sh" "$@" >"$work/out" 2>"$work/err" || status=$?
}
# shellcheck disable=SC2317 # called through check
is() { [ "$1" = "$2" ]; }
# shellcheck disable=SC2317
says() { grep -qF -- "$2" "$work/$1"; }

run "$kernel" -- true-is-not-here
check 'a program that is not there ends with 127' is "$status" 127
check 'a failure says how to repeat it' says err 'to repeat: '

# shellcheck disable=SC2016 # the guest expands these
run -e WORD=yes -o "$work/back" "$kernel" -- sh -c 'echo out; echo err >&2; echo "$WORD" >/out/file; exit 7'
check 'the exit status comes out' is "$status" 7
check 'standard output comes out alone' is "$(<"$work/out")" out
check 'standard error comes out' says err err
check 'the environment goes in and a file comes out' is "$(cat "$work/back/file")" yes

run -i /usr/bin/head "$kernel" -- head -c 3000000 /dev/zero
check 'much output comes out whole' is "$status $(stat -c %s "$work/out")" '0 3000000'

run "$kernel" -- sh -c 'kill -9 $$'
check 'a signal ends with 128 and its number' is "$status" 137

run -t 2 -i /usr/bin/tail "$kernel" -- sh -c 'echo begun; tail -f /dev/null'
check 'a command that hangs ends with 124' is "$status" 124
check 'what it said before comes out' says out begun
check 'a hang says what ran' says err 'cmdline: tail -f /dev/null'

run "$kernel" -- sh -c 'echo c >/proc/sysrq-trigger'
check 'a kernel that panics ends with 125' is "$status" 125
check 'a panic shows the end of the console' says err 'sysrq triggered crash'

run "$kernel" -- sh -c 'echo "<1>WARNING: not really" >/dev/kmsg'
check 'a kernel that warns ends with 125' is "$status" 125

run -m veth -i /bin/grep "$kernel" -- grep -q veth /proc/modules
check 'a module is loaded' is "$status" 0

run -i /bin/ls "$kernel" -- ls /sys/kernel/btf/vmlinux /sys/kernel/tracing/events /sys/fs/cgroup/cgroup.procs /sys/class/net/lo
check 'BTF, tracefs, cgroup2 and lo are there' is "$status" 0

echo "1..$count"
exit "$failed"
