#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#
# demo_matrix.sh [KERNEL ...]
#
# `tcpclose demo` on every kernel of kernels.txt (or those named, see lib.sh) and every
# way, one boot per kernel: each must end well, and all ways and kernels must give the
# same verdicts, but for the rows of differences.txt. Every run is done twice: as it
# is, and (.6c) on IPv6 with the client closing. `tcpclose selftest` must pass as well,
# by every way. Prints TAP. What the runs said stays in
# $O/vm-out/KERNEL/WAY[.6c].{json,err,status,differs}, WAY.doctor, WAY.tap. What each way
# showed on each kernel must be what results.def says, from which docs/KERNELS.md is
# printed; UPDATE=1 writes it anew after a run of all of them.
#
# O=DIR        where tcpclose was built (build)
# WAYS="..."   the ways to try (tp_btf fentry kprobe auto); the first is the measure
# VM=some      fewer kernels, once each, only endings that take no time by themselves, and
#              no selftest
set -uo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
results=$build/vm-out
read -ra ways <<<"${WAYS:-tp_btf fentry kprobe auto}"
choose_kernels "$@"
need cpio python3

turns=('' .6c)
endings=all
if [ "${VM:-}" = some ]; then
	turns=('')
	endings=$(sed -n '/^ENDING(/s/^[^"]*"\([^"]*\)".*", 0,$/\1/p' "$top/tools/endings.def" | paste -sd ' ')
fi

boot() { # KERNEL OUT
	local name files=()

	for name in tcpclose tcpclose-echo-server tcpclose-echo-client; do files+=(-i "$programs/$name"); done
	bash "$here/run.sh" -m tcp_diag -m tun -m veth -o "$2" -t $((${#ways[@]} * 480)) -M 1024 -e "ENDINGS=$endings" -e "TURNS=${#turns[@]}" \
		"${files[@]}" -i "$here/demo_guest.sh" "$1" -- sh "$here/demo_guest.sh" "$programs/tcpclose" "${ways[@]}"
}

check_run() { # KERNEL OUT WAY TURN: TURN is what comes after the way in the file names
	local out=$2/$3$4 measure=$2/${ways[0]}$4 status failing

	status=$(cat "$out.status" 2>/dev/null || echo none)
	if lacking "$1" way | grep -qx "$3"; then
		[ "$status" = 1 ] && [ "$(grep -c "^tcpclose: state changes cannot be seen with --way=$3 here" "$out.err")" = 1 ]
		say $? "$1 $3$4: there is no $3, and that is said (status $status)"
		return
	fi
	python3 "$here/compare.py" --ended="$status" "$3$4=$out.json" >"$out.ended" 2>&1
	failing=$?
	say "$failing" "$1 $3$4: the demo ends as it must (status $status)"
	show "$out.ended"
	[ "$failing" = 0 ] || sed 's/^/# /' "$out.err"
	[ "$3" != "${ways[0]}" ] || return
	python3 "$here/compare.py" "${ways[0]}$4=$measure.json" "$3$4=$out.json" >"$out.differs" 2>&1
	say $? "$1 $3$4: the same verdicts as ${ways[0]}$4"
	show "$out.differs"
}

check_selftest() { # KERNEL OUT WAY
	local tap=$2/$3.tap status

	lacking "$1" way | grep -qx "$3" && return
	status=$(cat "$tap.status" 2>/dev/null || echo none)
	[ "$status" = 0 ] && grep -q '^ok' "$tap"
	status=$?
	say "$status" "$1 $3: the selftest passes ($(grep -c '^ok' "$tap" 2>/dev/null) endings)"
	[ "$status" -eq 0 ] || { grep -A8 '^not ok' "$tap" | head -n 40; cat "$tap.err"; } 2>&1 | sed 's/^/# /'
}

lacks() { # OUT: facts that are not true there, one a line
	awk '/^This kernel/ { on = 1; next } /^$/ { on = 0 } on && $2 ~ /^no/ { print $1 }' "$1/${ways[0]}.doctor" | sort
}

check_facts() { # KERNEL OUT: what doctor misses is what kernels.txt says
	local listed

	listed=$(lacking "$1")
	[ -n "$listed" ] || return 0 # a whole version has no row
	diff <(echo "$listed") <(lacks "$2") >"$2/facts.differs"
	say $? "$1: lacks the facts that kernels.txt says"
	sed -n 's/^</# not lacking:/p; s/^>/# lacking too:/p' "$2/facts.differs"
}

check_across() { # KERNEL TURN: against the measure, the newest kernel of this architecture
	local out=$results/$1 measure=$results/$newest run=${ways[0]}$2 missing

	missing=$(comm -13 <(lacks "$measure") <(lacks "$out") | paste -sd,)
	python3 "$here/compare.py" --lacks="$missing" "$newest=$measure/$run.json" "$1=$out/$run.json" \
		>"$out/$run.across" 2>&1
	say $? "$1 $run: the same verdicts as $newest"
	show "$out/$run.across"
}

# Point releases come and go: the versions are for the reader, not compared.
rows() { grep -v '^RAN(' | paste -sd ' ' | sed 's/ SEEN(/\nSEEN(/g'; }

check_results() { # KERNEL OUT
	local version

	read -r version _ <"$2/version"
	python3 "$here/seen.py" "$1" "$version" "$2" "${ways[@]}" >"$2/results.def" || return
	[ -z "${UPDATE:-}" ] || return 0
	diff <(awk -v kernel="(\"$1\"," '/^[A-Z]*\(/ { on = index($0, kernel) } /^(#.*)?$/ { on = 0 } on' "$here/results.def" | rows) \
		<(rows <"$2/results.def") >"$2/results.differs"
	say $? "$1: each way shows what results.def says"
	show "$2/results.differs"
}

update_results() {
	{
		sed '/^$/q' "$here/results.def"
		for kernel in "${kernels[@]}"; do cat "$results/$kernel/results.def"; done
		echo
		sed -n '/^#undef/p' "$here/results.def"
	} >"$results/results.def"
	cp "$results/results.def" "$here/results.def"
	echo "# wrote $here/results.def: make docs"
}

done_kernels=()
newest=
check_objects() { # ARCH
	python3 "$here/objects.py" "$build/bpf" "$build/$1/bpf" >"$results/objects.differs" 2>&1
	say $? "$1: the BPF programs are those of $own_arch, but for kprobes"
	show "$results/objects.differs"
}

boot_all "$results"
for arch in $(for kernel in "${booted[@]}"; do arch_of "$kernel"; done | sort -u); do
	[ "$arch" = "$own_arch" ] || check_objects "$arch"
done
for kernel in "${booted[@]}"; do
	out=$results/$kernel
	ran "$kernel" "$out" "boots and runs every way" || continue
	done_kernels+=("$kernel")
	[ "$(arch_of "$kernel")" != "$own_arch" ] || newest=$kernel
	sed 's/^/# /' "$out/kernel" 2>/dev/null
	check_facts "$kernel" "$out"
	for way in "${ways[@]}"; do
		for turn in "${turns[@]}"; do check_run "$kernel" "$out" "$way" "$turn"; done
		[ "${#turns[@]}" -lt 2 ] || check_selftest "$kernel" "$out" "$way"
	done
done
[ "${#done_kernels[@]}" -eq 0 ] || : "${newest:=${done_kernels[-1]}}"
for kernel in "${done_kernels[@]}"; do
	[ "$kernel" != "$newest" ] || continue
	for turn in "${turns[@]}"; do check_across "$kernel" "$turn"; done
done
if [ "$endings" = all ] && [ -z "${WAYS:-}" ]; then
	for kernel in "${done_kernels[@]}"; do
		[ -z "$(row_of "$kernel")" ] || check_results "$kernel" "$results/$kernel"
	done
	if [ -n "${UPDATE:-}" ] && [ "$failed" = 0 ] && [ "${done_kernels[*]}" = "$(list_kernels | paste -sd ' ')" ]; then
		update_results
	fi
fi
finish
