#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# tests/vm/lib.sh: a machine that failed, hung or never came up must not look like one that did well.
set -u

cd "$(dirname "$0")/../../vm" || exit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cases=0
wrong=0

check() { # NAME CONDITION ...
	cases=$((cases + 1))
	if "${@:2}"; then
		echo "ok $cases - $1"
	else
		echo "not ok $cases - $1"
		sed 's/^/# /' "$work/said"
		wrong=1
	fi
}
# shellcheck disable=SC2317 # called through check
says() { grep -qE -- "$1" "$work/said"; }
# shellcheck disable=SC2317
says_not() { ! says "$1"; }
# shellcheck disable=SC2317
before() { [ "$(grep -nm 1 -- "$1" "$work/said" | cut -d : -f 1)" -lt "$(grep -nm 1 -- "$2" "$work/said" | cut -d : -f 1)" ]; }

# A matrix of two kernels whose machines end with these statuses; $ended is its own.
matrix() { # STATUS-OF-6.1 STATUS-OF-7-arm64 [NAME=VALUE ...]
	# shellcheck disable=SC2016 # it is that bash that expands these
	env -u KEPT -u KERNELS VM=some "${@:3}" O="$work/build" FIRST="$1" SECOND="$2" bash -c '
		. ./lib.sh
		own_arch=amd64
		prepare() { mkdir -p "$2"; rm -f "$2/booted"; }
		boot() {
			case $1 in 6.1) status=$FIRST ;; *) status=$SECOND ;; esac
			[ "$status" -ne 123 ] || echo "run.sh: the machine did not come up"
			[ "$status" -ne 1 ] || echo "what it said"
			return "$status"
		}
		choose_kernels 6.1 7-arm64
		boot_all "$O/out"
		for kernel in "${booted[@]}"; do
			ran "$kernel" "$O/out/$kernel" "boots" || continue
			echo "# $kernel is judged"
		done
		finish' tests/vm/some_matrix.sh >"$work/said" 2>&1
	ended=$?
}
# shellcheck disable=SC2317
ends() { [ "$ended" -eq "$1" ]; }

matrix 0 0 JOBS=1
check 'two that do well do well' ends 0
check 'both are judged' says '^# 7-arm64 is judged'
check 'the slower one starts first' before '^# 7-arm64: a machine starts' '^# 6.1: a machine starts'
check 'the order of the table is kept in what is said' before '^ok 1 - 6.1: boots' '^ok 2 - 7-arm64: boots'
check 'that a machine ended is said with its time' says '^# 6.1: its machine ended after [0-9]+ s, [0-9]+ s of a processor \(status 0\)$'

matrix 1 0
check 'one that fails fails all' ends 1
check 'what it said is shown' says '^# what it said'
check 'how to repeat it is said' says '^# to repeat: make vm KERNEL=6.1 T=some_matrix$'
check 'the other one need not be repeated' says_not 'repeat.*7-arm64'

matrix 123 0 VM=some
check 'for a reader one that does not come up is a skip' ends 0
check 'that says why' says '^ok 1 - kernel 6.1 # SKIP run.sh: the machine did not come up'
matrix 123 0 VM=all
check 'where all are asked for it is a failure' ends 1
check 'and there is nothing to judge' says_not '^# 6.1 is judged'

matrix 0 1 KEPT=1 # of the run before: 6.1 did not come up, 7-arm64 did
check 'what is kept is judged without a machine' says_not 'a machine starts'
check 'and has the status that it had' says '^ok 2 - 7-arm64: boots'
matrix 0 0 VM=none
check 'none of them is a skip with its reason' says '^1\.\.0 # SKIP VM=none'

echo "1..$cases"
exit "$wrong"
