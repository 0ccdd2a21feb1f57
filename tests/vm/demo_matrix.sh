#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#
# demo_matrix.sh [KERNEL ...]
#
# `tcpclose demo` on every kernel of kernels.txt (or those named, see lib.sh) and every
# way, one boot per kernel: each must end well, and all ways and kernels must give the
# same verdicts, but for the rows of differences.txt. Every run is done twice: as it
# is, and (.6c) on IPv6 with the client closing. `tcpclose selftest` must pass as well:
# all of it by auto, and by each other way with one side closing, the kernels taking turns
# (THOROUGH=1: all of it by every way). A tape of some endings by each way must say on this
# machine what was said in that one. Prints TAP. What the runs said stays in
# $O/vm-out/KERNEL/WAY[.6c|.tape].{json,err,status,differs}, WAY.{doctor,tap,wire}, times.
# What each way showed on each kernel must be what results.def says, from which
# docs/KERNELS.md is printed; UPDATE=1 writes it anew after a run of all of them, and keeps
# the tapes of each kernel in tests/tape.
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
# Short ones, each with another cause.
taped="default linger-zero unread-data half-close data-after-close refused"
# All that a machine may take: one that hangs must not cost all of the time there is.
seconds=$((300 + ${#ways[@]} * 400))
if [ "${VM:-}" = some ]; then
	turns=('')
	endings=$(sed -n '/^ENDING(/s/^[^"]*"\([^"]*\)".*", 0,$/\1/p' "$top/tools/endings.def" | paste -sd ' ')
fi

selftest_options() { # KERNEL WAY
	local row way

	if [ "$2" = auto ] || [ -n "${THOROUGH:-}" ] || [ -z "$(row_of "$1")" ]; then return; fi
	row=$(VM=all list_kernels | grep -nx "$1" | cut -d : -f 1)
	way=$(printf '%s\n' "${ways[@]}" | grep -nx "$2" | cut -d : -f 1)
	case $(((row + way) % 2)) in 0) echo --closer=server ;; 1) echo --closer=client ;; esac
}

boot() { # KERNEL OUT
	local name way options=()

	for name in tcpclose tcpclose-echo-server tcpclose-echo-client; do options+=(-i "$programs/$name"); done
	for way in "${ways[@]}"; do options+=(-e "SELFTEST_$way=$(selftest_options "$1" "$way")"); done
	bash "$here/run.sh" -m tcp_diag -m tun -m veth -o "$2" -t "$seconds" -M 1024 -e "ENDINGS=$endings" -e "TAPED=$taped" \
		-e "TURNS=${#turns[@]}" "${options[@]}" -i "$here/demo_guest.sh" "$1" -- sh "$here/demo_guest.sh" "$programs/tcpclose" "${ways[@]}"
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

check_tape() { # KERNEL OUT WAY: it was recorded there and is replayed here
	local tape=$2/$3.wire live=$2/$3.tape verb=against

	lacking "$1" way | grep -qx "$3" && return
	if [ -n "${UPDATE:-}" ]; then verb="keep $1-$3"; fi
	# shellcheck disable=SC2086 # two words
	[ "$(cat "$live.status" 2>/dev/null)" = 0 ] && O=$build python3 "$top/tests/tape/tapes.py" $verb "$tape" "$live.json" >"$live.differs" 2>&1
	say $? "$1 $3: a tape says here what was said there ($(stat -c %s "$tape" 2>/dev/null) bytes)"
	[ -e "$live.differs" ] || cp "$live.err" "$live.differs"
	[ "$verb" != against ] || show "$live.differs"
}

check_selftest() { # KERNEL OUT WAY: the last of its files counts, the others say what was tried again
	local tap=$2/$3.tap status last again

	lacking "$1" way | grep -qx "$3" && return
	status=$(cat "$tap.status" 2>/dev/null || echo none)
	last=$(find "$2" -name "$3.tap.[123]" | sort | tail -n 1)
	again=$(cat "$2/$3".tap.[12] 2>/dev/null | grep -c '^not ok')
	[ "$status" = 0 ] && grep -q '^ok' "$last" 2>/dev/null
	status=$?
	say "$status" "$1 $3: the selftest passes ($(grep -c '^ok' "$tap.1" 2>/dev/null) endings$(selftest_options "$1" "$3" | sed 's/^/, /'), $again again)"
	grep -hA9 '^not ok' "$2/$3".tap.[123] | head -n 60 | sed 's/^/# /'
	[ "$status" -eq 0 ] || tail -n 5 "$last.err" | sed 's/^/# /'
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

# Rows of one kernel, a word a line. Point releases come and go: versions are not compared.
words() {
	grep -v '^RAN(' | paste -sd ' ' | sed 's/ SEEN(/\nSEEN(/g' | awk -F '"' '
		function say(what, text,    word, n, i) {
			n = split(text, word, " ")
			for (i = 1; i <= n; i++)
				print $4 ": " what " " word[i]
		}
		/^SEEN/ { say("attached", $6); say("proves", $8); say("blind to", $10) }' | sort
}

check_results() { # KERNEL OUT
	local version

	read -r version _ <"$2/version"
	python3 "$here/seen.py" "$1" "$version" "$2" "${ways[@]}" >"$2/results.def" || return
	[ -z "${UPDATE:-}" ] || return 0
	comm -3 <(awk -v kernel="(\"$1\"," '/^[A-Z]*\(/ { on = index($0, kernel) } /^(#.*)?$/ { on = 0 } on' "$here/results.def" | words) \
		<(words <"$2/results.def") >"$2/results.differs"
	[ ! -s "$2/results.differs" ]
	say $? "$1: each way shows what results.def says"
	sed 's/^[^\t]/# no longer: &/; s/^\t/# new:       /' "$2/results.differs" | head -n 60
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
	show_times "$kernel" "$out/times"
	check_facts "$kernel" "$out"
	for way in "${ways[@]}"; do
		for turn in "${turns[@]}"; do check_run "$kernel" "$out" "$way" "$turn"; done
		[ "${#turns[@]}" -ge 2 ] || continue
		check_tape "$kernel" "$out" "$way"
		check_selftest "$kernel" "$out" "$way"
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
