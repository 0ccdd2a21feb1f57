#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#
# live_matrix.sh [KERNEL ...]
#
# tests/live, the same files, inside every kernel of kernels.txt (or those named, see
# lib.sh), by the way that kernels.txt says (THOROUGH=1: by every way), one boot per kernel.
# Every ending is tried there by every way anyhow (demo_matrix.sh), so demo and pair are not
# among them. The tests that are not about the kernel's part run only where the way is auto,
# which is what users run. Prints TAP,
# one result for each test program; what each said stays in
# $O/vm-live/KERNEL/WAY/TEST.{tap,err,status}.
#
# O=DIR          where tcpclose and the programs of tests/live were built (build)
# WAYS="..."     the ways to try
# TESTS="..."    names in tests/live (filters trace minisocket churn views traps owners orphans verify; by auto
#                safety too; demo, pair and mix by name)
# CHURN=N        connections of churn (2000: a machine without KVM is slow)
# MINIS=N        graceful closes that minisocket counts (400)
# MIX=N          connections of mix (2000)
# LIMIT=SECONDS  what one test may take (600)
set -uo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
results=$build/vm-live
# Of a test, and of all by one way: a test that hangs must not cost all of the time there is.
limit=${LIMIT:-600}
seconds=1800
choose_kernels "$@"
cross_targets=(tests/live/churn tests/live/mix tests/live/trap tests/live/verify)
need cpio /usr/bin/python3

# The distribution's python3, which a guest of another architecture has too.
payload=(-i /usr/bin/python3 -i "$(/usr/bin/python3 -c 'import os; print(os.path.dirname(os.__file__))')")
for tool in awk bpftool cat env grep ip ls mkdir mount mv nsenter rm setpriv sleep sort ss timeout true umount unshare; do
	path=$(PATH=/usr/sbin:/usr/bin:/sbin:/bin type -P "$tool") && payload+=(-i "$path")
done
payload+=(-i "$top/tests" -i "$top/tools/endings.def" -i "$top/bpf" -i "$top/user/core")

ways_of() { # KERNEL
	if [ -n "${WAYS:-}" ]; then
		echo "$WAYS"
	elif [ -n "${THOROUGH:-}" ] || [ -z "$(row_of "$1")" ]; then
		echo auto tp_btf fentry kprobe
	else
		row_of "$1" | awk '{ print $4 }'
	fi
}

# By auto all of them. By another way those that are most about the kernel, and of the rest
# every third, the kernels taking turns.
tests_for() { # KERNEL WAY
	local number name n=0

	number=$(VM=all list_kernels | grep -nxF "$1" | cut -d : -f 1)
	for name in $(tests_of "$2"); do
		case ${TESTS:-}${THOROUGH:-}/$2/$name in
		/auto/* | */trace | */minisocket | */verify) ;;
		/*) [ -z "$number" ] || [ $(((number + n++) % 3)) -eq 0 ] || continue ;;
		esac
		echo "$name"
	done | paste -sd ' '
}

tests_of() { # WAY
	if [ -n "${TESTS:-}" ]; then
		echo "$TESTS"
	else
		echo verify filters trace minisocket churn views traps owners orphans "$([ "$1" != auto ] || echo safety)"
	fi
}

boot() { # KERNEL OUT
	local name files=() triple=x86_64-linux-gnu ways way options=()

	read -ra ways < <(ways_of "$1")
	for way in "${ways[@]}"; do options+=(-e "TESTS_$way=$(tests_for "$1" "$way")"); done
	[ "$(arch_of "$1")" = amd64 ] || triple=aarch64-linux-gnu
	# Python asks for it when a thread ends.
	files+=(-i "/lib/$triple/libgcc_s.so.1")
	for name in tcpclose tcpclose-echo-server tcpclose-echo-client bpf/tcpclose.linked.o "${cross_targets[@]}"; do
		files+=(-i "$programs/$name")
	done
	bash "$here/run.sh" -m tcp_diag -m veth -m tun -o "$2" -t $((${#ways[@]} * seconds)) -M 1536 \
		-e "O=$programs" -e "LIMIT=$limit" -e SLOW=4 -e "CHURN=${CHURN:-2000}" -e "MINIS=${MINIS:-400}" \
		-e "MIX=${MIX:-2000}" "${options[@]}" "${payload[@]}" "${files[@]}" \
		"$1" -- sh "$here/live_guest.sh" "$top" "${ways[@]}"
}

check_test() { # KERNEL WAY TEST
	local out=$results/$1/$2/$3 status passed skipped

	if lacking "$1" way | grep -qx "$2"; then
		skip "$1 $2 $3" "no $2 in this kernel (kernels.txt)"
		return
	fi
	if [ ! -e "$out.status" ]; then
		say 1 "$1 $2 $3: did not come to its end"
		return
	fi
	status=$(<"$out.status")
	if grep -q '^1\.\.0' "$out.tap"; then
		skip "$1 $2 $3" "$(sed -n 's/^1\.\.0 # SKIP //p' "$out.tap")"
		return
	fi
	passed=$(grep -c '^ok' "$out.tap")
	skipped=$(grep -c '^ok.*# SKIP' "$out.tap")
	[ "$status" = 0 ] || { [ "$status" = 1 ] && [ -e "$out.before" ] &&
		sh "$top/tests/passed_once.sh" "$out.before" "$out.tap"; }
	say $? "$1 $2 $3: $((passed - skipped)) passed, $skipped skipped (status $status)"
	if [ "$status" != 0 ]; then
		sed -n '/^not ok/,/^\(ok\|1\.\.\)/{/^ok/!s/^/# /p}' "$out.tap" | head -n 60
		head -n 20 "$out.err" | sed 's/^/# /'
	fi
	if [ -e "$out.before" ]; then
		echo "# the second time; the first:"
		sed -n '/^not ok/,/^\(ok\|1\.\.\)/{/^ok/!s/^/# /p}' "$out.before" | head -n 30
	fi
	sed -n 's/^ok.* - \(.*\) # SKIP \(.*\)/#   skipped: \1: \2/p' "$out.tap"
}

boot_all "$results"
for kernel in "${booted[@]}"; do
	ran "$kernel" "$results/$kernel" "boots and runs every live test" || continue
	show_times "$kernel" "$results/$kernel/times"
	for way in $(ways_of "$kernel"); do
		for name in $(tests_for "$kernel" "$way"); do check_test "$kernel" "$way" "$name"; done
	done
done
finish
