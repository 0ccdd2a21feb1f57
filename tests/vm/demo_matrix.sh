#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#
# demo_matrix.sh [KERNEL ...]
#
# `tcpclose demo all` on every kernel of kernels.txt (or those named) and every
# way, one boot per kernel: each must end well, and all ways and kernels must give the
# same verdicts, but for the rows of differences.txt. Every run is done twice: as it
# is, and (.6c) on IPv6 with the client closing. Prints TAP. What the runs said stays
# in $O/vm-out/KERNEL/WAY[.6c].{json,err,status,differs} and WAY.doctor.
#
# O=DIR        where tcpclose was built (build)
# WAYS="..."   the ways to try (tp_btf fentry kprobe auto); the first is the measure
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "${O:-$here/../../build}")
results=$build/vm-out
read -ra ways <<<"${WAYS:-tp_btf fentry kprobe auto}"
kernels=("$@")
[ $# -gt 0 ] || mapfile -t kernels < <(awk '!/^#/ && $2 == "amd64" { print $1 }' "$here/kernels.txt")

for tool in qemu-system-x86_64 python3 cpio; do
	command -v "$tool" >/dev/null || { echo "1..0 # SKIP no $tool"; exit 0; }
done

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

show() { # FILE: its beginning, as comments
	head -n 30 "$1" | sed 's/^/# /'
	[ "$(wc -l <"$1")" -le 30 ] || echo "# ... all of it in $1"
}

boot() { # KERNEL OUT
	local name programs=()

	for name in tcpclose tcpclose-echo-server tcpclose-echo-client; do programs+=(-i "$build/$name"); done
	bash "$here/run.sh" -m tcp_diag -o "$2" -t $((${#ways[@]} * 240)) -M 1024 "${programs[@]}" -i "$here/demo_guest.sh" \
		"$1" -- sh "$here/demo_guest.sh" "$build/tcpclose" "${ways[@]}"
}

check_run() { # KERNEL OUT WAY RUN: RUN is what comes after the way in the file names
	local out=$2/$3$4 measure=$2/${ways[0]}$4 status

	status=$(cat "$out.status" 2>/dev/null || echo none)
	[ "$status" = 0 ]
	say $? "$1 $3$4: demo all ends well (status $status)"
	[ "$status" = 0 ] || sed 's/^/# /' "$out.err"
	[ "$3" != "${ways[0]}" ] || return
	python3 "$here/compare.py" "${ways[0]}$4=$measure.json" "$3$4=$out.json" >"$out.differs" 2>&1
	say $? "$1 $3$4: the same verdicts as ${ways[0]}$4"
	show "$out.differs"
}

lacks() { # OUT: facts that are not true there, one a line
	awk '/^This kernel/ { on = 1; next } /^$/ { on = 0 } on && $2 ~ /^no/ { print $1 }' "$1/${ways[0]}.doctor" | sort
}

check_facts() { # KERNEL OUT: what doctor misses is what kernels.txt says
	local listed

	listed=$(awk -v series="$1" '!/^#/ && $1 == series && $2 == "amd64" { print $4 }' "$here/kernels.txt" | tr ',' '\n' | sort)
	[ -n "$listed" ] || return 0 # a whole version has no row
	diff <(echo "$listed") <(lacks "$2") >"$2/facts.differs"
	say $? "$1: lacks the facts that kernels.txt says"
	sed -n 's/^</# not lacking:/p; s/^>/# lacking too:/p' "$2/facts.differs"
}

check_across() { # KERNEL RUN: against the newest kernel, which is the last
	local out=$results/$1 measure=$results/$newest run=${ways[0]}$2 missing

	missing=$(comm -13 <(lacks "$measure") <(lacks "$out") | paste -sd,)
	python3 "$here/compare.py" --lacks="$missing" "$newest=$measure/$run.json" "$1=$out/$run.json" \
		>"$out/$run.across" 2>&1
	say $? "$1 $run: the same verdicts as $newest"
	show "$out/$run.across"
}

ran=()
for kernel in "${kernels[@]}"; do
	out=$results/$kernel
	rm -rf "$out"
	mkdir -p "$out"
	if ! bash "$here/kernel.sh" "$kernel" >"$out/version" 2>"$out/run"; then
		count=$((count + 1))
		echo "ok $count # SKIP kernel $kernel: $(tail -n 1 "$out/run")"
		continue
	fi
	ran+=("$kernel")
	boot "$kernel" "$out" >"$out/run" 2>&1
	status=$?
	say "$status" "$kernel: boots and runs every way"
	sed 's/^/# /' "$out/kernel" 2>/dev/null
	[ "$status" -eq 0 ] || sed 's/^/# /' "$out/run"
	check_facts "$kernel" "$out"
	for way in "${ways[@]}"; do
		check_run "$kernel" "$out" "$way" ''
		check_run "$kernel" "$out" "$way" .6c
	done
done
newest=${ran[-1]:-}
for kernel in "${ran[@]}"; do
	[ "$kernel" != "$newest" ] || continue
	check_across "$kernel" ''
	check_across "$kernel" .6c
done
echo "1..$count"
exit "$failed"
