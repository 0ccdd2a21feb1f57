# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# shellcheck shell=sh
#
# demo_guest.sh TCPCLOSE WAY ...: inside the machine. By every way: the endings of
# $ENDINGS in the turns of $TURNS (plain, 6c: IPv6, the client closes), beside each other;
# a tape of those of $TAPED; the selftest with the options of $SELFTEST_WAY ("none":
# without). demo_matrix.sh judges what it leaves in /out.
tcpclose=$1
shift
read -r kernel </proc/version
echo "$kernel" >/out/kernel

stamp() { # WORD ...: how long what just ended took, and how much of that both processors were idle
	was=$up was_idle=$idle
	read -r up idle </proc/uptime
	[ -z "$was" ] || echo "$was $up $was_idle $idle $*" >>/out/times
}
up='' idle=''

# An emulated machine may stand still for longer than a program waits for the other
# one: a demo that did not end as it must is played again. What it says every time counts.
run() { # NAME OPTION ...
	out=/out/$1
	shift
	for again in 1 2 3; do
		"$tcpclose" demo --json "$@" >"$out.json" 2>"$out.err"
		status=$?
		[ "$status" -eq 3 ] || break
		cp "$out.err" "$out.err.$again"
	done
	echo "$status" >"$out.status"
}

# The same for the selftest: what did not agree is tried again with less beside it.
selftest() { # WAY OPTION ...
	tap=/out/$1.tap
	shift
	jobs='' words=''
	for again in 1 2 3; do
		# shellcheck disable=SC2086 # one word each
		"$tcpclose" selftest --tap "$@" $jobs $words >"$tap.$again" 2>"$tap.$again.err"
		status=$?
		[ "$status" -eq 3 ] || break
		jobs=--jobs=2 words=$(disagreeing "$tap.$again")
	done
	echo "$status" >"$tap.status"
}

disagreeing() { # TAP: "not ok N - ENDING by the ..."
	while read -r not _ _ _ ending _; do
		[ "$not" != not ] || echo "$ending"
	done <"$1"
}

stamp
for way; do
	"$tcpclose" doctor --way="$way" >"/out/$way.doctor" 2>&1
	stamp "$way" doctor
	# Endings wait for timers most of the time: both turns fit beside each other.
	for turn in $TURNS; do
		# shellcheck disable=SC2086 # one word each
		case $turn in
		plain) run "$way" --way="$way" --tape="/out/$way.wire" $ENDINGS & ;;
		6c) run "$way.6c" --way="$way" --tape="/out/$way.6c.wire" -6 --closer=client $ENDINGS & ;;
		esac
	done
	wait
	stamp "$way" demo
	# shellcheck disable=SC2086
	[ -z "$TAPED" ] || run "$way.tape" --way="$way" --tape="/out/$way.tape.wire" $TAPED
	eval "options=\${SELFTEST_$way:-}"
	# shellcheck disable=SC2154 # it is the eval that assigns
	[ "$options" != none ] || continue
	# shellcheck disable=SC2086
	selftest "$way" --way="$way" $options
	stamp "$way" selftest
done
