#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#
# live_matrix.sh [KERNEL ...]
#
# tests/live, the same files, inside every kernel of kernels.txt (or those named) on
# every way, one boot per kernel. Prints TAP, one result for each test program; what
# each said stays in $O/vm-live/KERNEL/WAY/TEST.{tap,err,status}.
#
# O=DIR          where tcpclose and tests/live/churn were built (build)
# WAYS="..."     the ways to try (tp_btf fentry kprobe)
# TESTS="..."    names in tests/live (demo filters safety trace churn)
# CHURN=N        connections of churn (8000: a machine without KVM is slow)
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$(realpath "${O:-$top/build}")
results=$build/vm-live
limit=600
read -ra ways <<<"${WAYS:-tp_btf fentry kprobe}"
read -ra tests <<<"${TESTS:-demo filters safety trace churn}"
kernels=("$@")
[ $# -gt 0 ] || mapfile -t kernels < <(awk '!/^#/ && $2 == "amd64" { print $1 }' "$here/kernels.txt")

for tool in qemu-system-x86_64 cpio /usr/bin/python3; do
	command -v "$tool" >/dev/null || { echo "1..0 # SKIP no $tool"; exit 0; }
done

# The distribution's python3: another one may lie anywhere.
payload=(-i /usr/bin/python3 -i "$(/usr/bin/python3 -c 'import os; print(os.path.dirname(os.__file__))')")
for tool in awk bpftool cat env grep ip ls mkdir mount nsenter rm setpriv sleep sort timeout true umount unshare; do
	path=$(PATH=$PATH:/usr/sbin:/sbin type -P "$tool") && payload+=(-i "$path")
done
for name in tcpclose tcpclose-echo-server tcpclose-echo-client tests/live/churn; do
	[ ! -e "$build/$name" ] || payload+=(-i "$build/$name")
done
payload+=(-i "$top/tests" -i "$top/tools/endings.def" -i "$top/bpf" -i "$top/user/core")

count=0
failed=0
say() { # STATUS NAME: one result
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		failed=1
	fi
}

check_test() { # KERNEL WAY TEST
	local out=$results/$1/$2/$3 status passed skipped

	if [ ! -e "$out.status" ]; then
		say 1 "$1 $2 $3: did not come to its end"
		return
	fi
	status=$(<"$out.status")
	if grep -q '^1\.\.0' "$out.tap"; then
		count=$((count + 1))
		echo "ok $count - $1 $2 $3 # SKIP $(sed -n 's/^1\.\.0 # SKIP //p' "$out.tap")"
		return
	fi
	passed=$(grep -c '^ok' "$out.tap")
	skipped=$(grep -c '^ok.*# SKIP' "$out.tap")
	[ "$status" = 0 ]
	say $? "$1 $2 $3: $((passed - skipped)) passed, $skipped skipped (status $status)"
	if [ "$status" != 0 ]; then
		sed -n '/^not ok/,/^\(ok\|1\.\.\)/{/^ok/!s/^/# /p}' "$out.tap" | head -n 60
		head -n 20 "$out.err" | sed 's/^/# /'
	fi
	sed -n 's/^ok.* - \(.*\) # SKIP \(.*\)/#   skipped: \1: \2/p' "$out.tap"
}

for kernel in "${kernels[@]}"; do
	out=$results/$kernel
	rm -rf "$out"
	mkdir -p "$out"
	if ! bash "$here/kernel.sh" "$kernel" >"$out/version" 2>"$out/run"; then
		count=$((count + 1))
		echo "ok $count # SKIP kernel $kernel: $(tail -n 1 "$out/run")"
		continue
	fi
	bash "$here/run.sh" -m tcp_diag -m veth -o "$out" -t $((${#ways[@]} * ${#tests[@]} * limit)) -M 1536 \
		-e "O=$build" -e "TESTS=${tests[*]}" -e "LIMIT=$limit" -e "CHURN=${CHURN:-8000}" "${payload[@]}" \
		"$kernel" -- sh "$here/live_guest.sh" "$top" "${ways[@]}" >"$out/run" 2>&1
	status=$?
	say "$status" "$kernel: boots and runs every live test"
	[ "$status" -eq 0 ] || sed 's/^/# /' "$out/run"
	for way in "${ways[@]}"; do
		for name in "${tests[@]}"; do check_test "$kernel" "$way" "$name"; done
	done
done
echo "1..$count"
exit "$failed"
