#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#
# demo_matrix.sh [KERNEL ...]
#
# `tcpclose demo` on every kernel of kernels.txt (or those named, see lib.sh) and every
# way, one boot per kernel: each must end well, and all ways and kernels must give the
# same verdicts, but for the rows of differences.txt. There are two turns: as it is, and
# (.6c) on IPv6 with the client closing. The measure, the newest kernel of this machine's
# architecture, has both, the others one or the other. `tcpclose selftest` must pass as
# well, by auto and by one other way, the kernels taking turns (selftest_options).
# THOROUGH=1: all of it everywhere. What each demo taped must say on this machine what it
# said in that one. Prints TAP. What the runs said stays in
# $O/vm-out/KERNEL/WAY[.6c].{json,err,status,wire,differs}, WAY.{doctor,tap}, times.
# What each way showed on each kernel must be what results.def says, from which
# docs/KERNELS.md is printed; UPDATE=1 writes it anew after a run of all of them, and has
# a small tape made by each way for tests/tape (WAY.tape.*).
#
# O=DIR        where tcpclose was built (build)
# WAYS="..."   the ways to try (tp_btf fentry kprobe auto); the first is the measure
# ENDINGS="..." only these; of those that one side alone can do, none but the client's on an
#              IPv6 turn (.6c)
# VM=some      fewer kernels, one turn, only endings that take no time by themselves, and
#              no selftest
set -uo pipefail

# Half as many again as processors: three quarters of the endings' time these machines wait.
: "${JOBS:=$((($(getconf _NPROCESSORS_ONLN) * 3 + 1) / 2))}"
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
results=$build/vm-out
read -ra ways <<<"${WAYS:-tp_btf fentry kprobe auto}"
choose_kernels "$@"
need cpio python3

endings=${ENDINGS:-all}
# Short ones, each with another cause.
taped=${UPDATE:+default linger-zero unread-data half-close data-after-close refused}
# All that a machine may take: one that hangs must not cost all of the time there is.
seconds=$((300 + ${#ways[@]} * 400))
if [ "${VM:-}" = some ] && [ -z "${ENDINGS:-}" ]; then
	endings=$(sed -n '/^ENDING(/s/^[^"]*"\([^"]*\)".*", 0, [^"]*,$/\1/p' "$top/tools/endings.def" | paste -sd ' ')
fi

# The measure: what the others are held against.
for kernel in "${kernels[@]}"; do [ "$(arch_of "$kernel")" != "$own_arch" ] || newest=$kernel; done
: "${newest:=${kernels[-1]}}"

number_of() { VM=all list_kernels | grep -nxF "$1" | cut -d : -f 1; } # KERNEL: in kernels.txt; nothing for a whole version

turns_of() { # KERNEL
	if [ "${VM:-}" = some ]; then
		echo plain
	elif [ "$1" = "$newest" ] || [ -n "${THOROUGH:-}" ] || [ -z "$(number_of "$1")" ]; then
		echo plain 6c
	else
		case $(($(number_of "$1") % 2)) in 1) echo plain ;; 0) echo 6c ;; esac
	fi
}
suffixes_of() { turns_of "$1" | tr ' ' '\n' | sed 's/^plain$//; s/^6c$/.6c/'; } # KERNEL: a line each

# Both sides by auto on the measure; by auto elsewhere, and by one other way, one side.
selftest_options() { # KERNEL WAY: "none" without a selftest
	local number others

	number=$(number_of "$1")
	if [ "${VM:-}" = some ]; then
		echo none
	elif [ -n "${THOROUGH:-}" ] || [ -z "$number" ] || [ "$1 $2" = "$newest auto" ]; then
		echo
	else
		mapfile -t others < <(printf '%s\n' tp_btf fentry kprobe | grep -vxF "$(lacking "$1" way)")
		case $2-$((number % 2)) in
		auto-0 | "${others[number % ${#others[@]}]}"-1) echo --closer=server ;;
		auto-1 | "${others[number % ${#others[@]}]}"-0) echo --closer=client ;;
		*) echo none ;;
		esac
	fi
}

selftest_words() { # KERNEL WAY
	local options

	options=$(selftest_options "$1" "$2")
	[ "$options" = none ] || options="$options ${ENDINGS:-}"
	echo "$options"
}

boot() { # KERNEL OUT
	local name way options=()

	for name in tcpclose tcpclose-echo-server tcpclose-echo-client; do options+=(-i "$programs/$name"); done
	for way in "${ways[@]}"; do options+=(-e "SELFTEST_$way=$(selftest_words "$1" "$way")"); done
	bash "$here/run.sh" -m tcp_diag -m tun -m veth -o "$2" -t "$seconds" -M 1024 -e "ENDINGS=$endings" -e "TAPED=$taped" \
		-e "TURNS=$(turns_of "$1")" "${options[@]}" -i "$here/demo_guest.sh" "$1" -- sh "$here/demo_guest.sh" "$programs/tcpclose" "${ways[@]}"
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

check_tape() { # KERNEL OUT WAY TURN: it was recorded there and is replayed here
	local run=$2/$3$4

	lacking "$1" way | grep -qx "$3" && return
	O=$build python3 "$top/tests/tape/tapes.py" against "$run.wire" "$run.json" >"$run.replayed" 2>&1
	say $? "$1 $3$4: its tape says here what was said there ($(stat -c %s "$run.wire" 2>/dev/null) bytes)"
	show "$run.replayed"
}

keep_tape() { # KERNEL OUT WAY
	local run=$2/$3.tape

	lacking "$1" way | grep -qx "$3" && return
	if [ ! -e "$run.status" ]; then
		skip "$1 $3: a small tape is kept" "the run that is judged made none: UPDATE=1 does"
		return
	fi
	[ "$(cat "$run.status")" = 0 ] &&
		O=$build python3 "$top/tests/tape/tapes.py" keep "$1-$3" "$run.wire" "$run.json" >"$run.replayed" 2>&1
	say $? "$1 $3: a small tape is kept"
	cat "$run.err" "$run.replayed" 2>/dev/null | sed 's/^/# /'
}

check_selftest() { # KERNEL OUT WAY: the last of its files counts, the others say what was tried again
	local tap=$2/$3.tap status last again

	lacking "$1" way | grep -qx "$3" && return
	[ "$(selftest_options "$1" "$3")" != none ] || return
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

	if [ ! -e "$measure/$run.json" ]; then
		skip "$1 $run: the same verdicts as $newest" "$newest did not run it"
		return
	fi
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

check_objects() { # ARCH
	python3 "$here/objects.py" "$build/bpf" "$build/$1/bpf" >"$results/objects.differs" 2>&1
	say $? "$1: the BPF programs are those of $own_arch, but for kprobes"
	show "$results/objects.differs"
}

# The measure, if it could be had; else the last one that could.
choose_measure() {
	local kernel last=

	for kernel in "${booted[@]}"; do
		[ "$(<"$results/$kernel/booted")" != 0 ] || last=$kernel
		[ "$last" != "$newest" ] || return
	done
	newest=${last:-$newest}
}

judge() { # KERNEL
	local out=$results/$1 way turn

	ran "$1" "$out" "boots and runs every way" || return
	sed 's/^/# /' "$out/kernel" 2>/dev/null
	show_times "$1" "$out/times"
	check_facts "$1" "$out"
	for way in "${ways[@]}"; do
		while read -r turn; do
			check_run "$1" "$out" "$way" "$turn"
			check_tape "$1" "$out" "$way" "$turn"
		done < <(suffixes_of "$1")
		[ -z "$taped" ] || keep_tape "$1" "$out" "$way"
		check_selftest "$1" "$out" "$way"
	done
	if [ "$1" != "$newest" ]; then
		while read -r turn; do check_across "$1" "$turn"; done < <(suffixes_of "$1")
	fi
	[ -z "$everything" ] || [ -z "$(row_of "$1")" ] || check_results "$1" "$out"
}

boot_all "$results"
for arch in $(for kernel in "${booted[@]}"; do arch_of "$kernel"; done | sort -u); do
	[ "$arch" = "$own_arch" ] || check_objects "$arch"
done
everything=$([ "$endings" != all ] || [ -n "${WAYS:-}" ] || echo 1)
choose_measure
judge_all "$results"
if [ -n "$everything" ] && [ -n "${UPDATE:-}" ] && [ "$failed" = 0 ] && [ "${booted[*]}" = "$(list_kernels | paste -sd ' ')" ]; then
	update_results
fi
finish
