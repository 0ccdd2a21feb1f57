# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# shellcheck shell=sh
#
# demo_guest.sh TCPCLOSE WAY ...: inside the machine. The endings of $ENDINGS on every
# way, once as it is and, with TURNS=2, once the other way round, and the selftest;
# demo_matrix.sh judges what it leaves in /out.
tcpclose=$1
shift
read -r kernel </proc/version
echo "$kernel" >/out/kernel

# An emulated machine may stand still for longer than a program waits for the other
# one: a demo that did not end as it must is played again. What it says every time counts.
run() { # NAME OPTION ...
	out=/out/$1
	shift
	for again in 1 2 3; do
		# shellcheck disable=SC2086 # one word each
		"$tcpclose" demo $ENDINGS --json "$@" >"$out.json" 2>"$out.err"
		status=$?
		[ "$status" -eq 3 ] || break
		cp "$out.err" "$out.err.$again"
	done
	echo "$status" >"$out.status"
}

for way; do
	"$tcpclose" doctor --way="$way" >"/out/$way.doctor" 2>&1
	run "$way" --way="$way"
	[ "$TURNS" -ge 2 ] || continue
	run "$way.6c" --way="$way" -6 --closer=client
	"$tcpclose" selftest --way="$way" --tap >"/out/$way.tap" 2>"/out/$way.tap.err"
	echo $? >"/out/$way.tap.status"
done
