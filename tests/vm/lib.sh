# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# shellcheck shell=bash
#
# lib.sh: for the scripts beside it that judge what ran in machines: TAP, the kernels
# and the programs for them. Which kernels: the arguments, else $KERNELS, else what $VM
# says: "none", "some" (the oldest, a middle and the newest of this architecture), else all.
#
# JOBS=N         machines at once (as many as processors)
# O=DIR          where tcpclose was built (build); programs for another architecture: O/ARCH
# THOROUGH=1     everything by every way, where otherwise the kernels take turns
# KEPT=1         boots nothing: judges what the last run has left in O
# Some of these are for who sources this alone.
# shellcheck disable=SC2034
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
mkdir -p "${O:-$top/build}"
build=$(realpath "${O:-$top/build}")

if [ "${VM:-}" = none ]; then
	echo '1..0 # SKIP VM=none: no other kernel was tried'
	exit
fi

count=0
failed=0
declare -A repeating # kernels, to be repeated
say() { # STATUS NAME: one result; a name begins with the kernel
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		failed=1
		[ -z "$(row_of "${2%%[: ]*}")" ] || repeating[${2%%[: ]*}]=1
	fi
}

skip() { # NAME REASON
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

show() { # FILE: its beginning, as comments
	head -n 30 "$1" | sed 's/^/# /'
	[ "$(wc -l <"$1")" -le 30 ] || echo "# ... all of it in $1"
}

finish() {
	local kernel

	for kernel in "${!repeating[@]}"; do
		echo "# to repeat: make vm KERNEL=$kernel T=$(basename "$0" .sh)"
	done
	echo "1..$count"
	exit "$failed"
}

need() { # TOOL ...: without them nothing can be said
	local tool

	for tool; do
		PATH=$PATH:/usr/sbin:/sbin type -P "$tool" >/dev/null || { echo "1..0 # SKIP no $tool here"; exit 0; }
	done
}

case $(uname -m) in
x86_64) own_arch=amd64 ;;
aarch64) own_arch=arm64 ;;
*) own_arch=$(uname -m) ;;
esac

arch_of() { case $1 in *-arm64) echo arm64 ;; *) echo amd64 ;; esac; }
emulator_of() { case $1 in *-arm64) echo qemu-system-aarch64 ;; *) echo qemu-system-x86_64 ;; esac; }

# Names as kernel.sh takes them; the architecture goes without saying for amd64.
list_kernels() {
	awk -v own="$own_arch" -v some="$([ "${VM:-}" != some ] || echo 1)" '
		/^#/ || NF < 3 || (some && $2 != own) { next }
		{ name[++n] = $1 ($2 == "amd64" ? "" : "-" $2) }
		END {
			for (i = 1; i <= n; i++)
				if (!some || i == 1 || i == n || i == int((n + 1) / 2))
					print name[i]
		}' "$here/kernels.txt"
}

row_of() { # KERNEL: its row of kernels.txt
	awk -v name="$1" '!/^#/ && $1 ($2 == "amd64" ? "" : "-" $2) == name' "$here/kernels.txt"
}

# What kernels.txt says of it: facts, or with "way" ways.
lacking() { # KERNEL [way]
	row_of "$1" | awk '{ print $5 }' | tr ',' '\n' | if [ -n "${2:-}" ]; then sed -n 's/^way://p'; else grep -v '^way:'; fi | sort
}

choose_kernels() { # [KERNEL ...]
	if [ $# -gt 0 ]; then
		kernels=("$@")
	elif [ -n "${KERNELS:-}" ]; then
		read -ra kernels <<<"$KERNELS"
	else
		mapfile -t kernels < <(list_kernels)
	fi
}

# Where the programs for a kernel are; built for it if it is of another architecture.
# 77: they cannot be had here.
programs_for() { # KERNEL LOG
	local arch status=0

	arch=$(arch_of "$1")
	if [ "$arch" = "$own_arch" ]; then
		echo "$build"
		return
	fi
	bash "$here/cross.sh" "$arch" "$build/$arch" programs ${cross_targets:+"${cross_targets[@]/#/$build/$arch/}"} >>"$2" 2>&1 || status=$?
	echo "$build/$arch"
	return "$status"
}

# Kernel and programs for it, or why not.
prepare() { # KERNEL OUT
	local status=0

	rm -rf "$2"
	mkdir -p "$2"
	if ! type -P "$(emulator_of "$1")" >/dev/null; then
		skip "kernel $1" "no $(emulator_of "$1") here"
		return 1
	fi
	if ! bash "$here/kernel.sh" "$1" >"$2/version" 2>"$2/run"; then
		skip "kernel $1" "$(tail -n 1 "$2/run")"
		return 1
	fi
	programs=$(programs_for "$1" "$2/run") || status=$?
	if [ "$status" -eq 77 ]; then
		skip "kernel $1" "$(tail -n 1 "$2/run")"
	elif [ "$status" -ne 0 ]; then
		say 1 "$1: tcpclose can be built for it"
		tail -n 30 "$2/run" | sed 's/^/# /'
	fi
	return "$status"
}

# As many machines at once as there are processors: one that has less than a whole one is too
# slow for the clocks of what runs in it.
: "${JOBS:=$(getconf _NPROCESSORS_ONLN)}"

# Those that take longest first: an emulator for another architecture has more to do, and of
# the newest kernel, and then of the oldest, more is asked.
by_length() {
	for kernel in "${kernels[@]}"; do
		[ "$(arch_of "$kernel")" = "$own_arch" ] || echo "$kernel"
	done
	for kernel in "${kernels[@]}"; do
		[ "$(arch_of "$kernel")" != "$own_arch" ] || echo "$kernel"
	done | awk '{ name[NR] = $0 } END { for (i = 0; i < NR; i++) print name[i ? i : NR] }'
}

# What runs while it runs: all there is to see of a run that was stopped.
boot_one() { # KERNEL OUT
	local TIMEFORMAT='%0R s, %0U s of a processor'

	echo "# $1: a machine starts"
	{
		time boot "$1" "$2" >"$2/run" 2>&1
		echo $? >"$2/booted"
	} 2>"$2/took"
	echo "# $1: its machine ended after $(<"$2/took") (status $(<"$2/booted"))"
}

# boot() of each kernel that can be had, its output in OUT/run and its status in OUT/booted.
boot_all() { # RESULTS
	local kernel running=0 queue ready=" "

	booted=()
	if [ -n "${KEPT:-}" ]; then
		for kernel in "${kernels[@]}"; do [ ! -e "$1/$kernel/booted" ] || booted+=("$kernel"); done
		return
	fi
	mapfile -t queue < <(by_length)
	for kernel in "${queue[@]}"; do
		prepare "$kernel" "$1/$kernel" || continue
		ready+="$kernel "
		if [ "$running" -ge "$JOBS" ]; then
			wait -n
			running=$((running - 1))
		fi
		boot_one "$kernel" "$1/$kernel" &
		running=$((running + 1))
	done
	wait
	for kernel in "${kernels[@]}"; do
		[ "${ready#* "$kernel" }" = "$ready" ] || booted+=("$kernel")
	done
}

# From lines "FROM TO IDLE IDLE WORD ...", seconds since boot, the sum of two processors.
show_times() { # KERNEL FILE
	[ ! -s "$2" ] || awk -v kernel="$1" '{
		printf "%s %s %s %d s", NR == 1 ? "# " kernel ":" : ";", $5, $6, $2 - $1
		if ($2 > $1)
			printf " (%d%% idle)", 50 * ($4 - $3) / ($2 - $1)
	} END { print "" }' "$2"
}

# Results that were numbered by themselves.
tell() { # FILE
	local line

	while IFS= read -r line; do
		case $line in
		'ok '*) say 0 "${line#* - }" ;;
		'not ok '*) say 1 "${line#* - }" ;;
		*) printf '%s\n' "$line" ;;
		esac
	done <"$1"
}

# judge() of each kernel that was booted: RESULTS/KERNEL.judged; the names of those that are not as they must be.
judge_each() { # RESULTS
	local kernel

	for kernel in "${booted[@]}"; do
		(judge "$kernel") >"$1/$kernel.judged" 2>&1
		! grep -q '^not ok' "$1/$kernel.judged" || echo "$kernel"
	done
}

# Every kernel that was booted, as judge() says (KERNEL; prints TAP). What is not as it must be
# is booted and judged once more: a machine that was kept waiting for a processor may be to
# blame. What was wrong the first time is said all the same.
judge_all() { # RESULTS
	local kernel wrong all=("${kernels[@]}") ran=("${booted[@]}")

	[ -n "${KEPT:-}" ] || rm -f "$1"/*.before
	mapfile -t wrong < <(judge_each "$1")
	if [ "${#wrong[@]}" -gt 0 ] && [ -z "${KEPT:-}" ]; then
		for kernel in "${wrong[@]}"; do mv "$1/$kernel.judged" "$1/$kernel.before"; done
		kernels=("${wrong[@]}")
		boot_all "$1"
		kernels=("${all[@]}") booted=("${ran[@]}")
		judge_each "$1" >/dev/null
	fi
	for kernel in "${booted[@]}"; do
		if [ -e "$1/$kernel.before" ]; then
			echo "# $kernel: the second time; the first:"
			sed -n '/^not ok/,/^ok/{/^ok/!s/^/# /p}' "$1/$kernel.before" | head -n 30
		fi
		tell "$1/$kernel.judged"
	done
}

# A machine that never came up has shown nothing of ours, and a reader's may be too slow for
# it. Where all kernels are asked for it is a failure all the same: 0 = it ran, 1 = it did not.
ran() { # KERNEL OUT WHAT
	local status

	status=$(cat "$2/booted" 2>/dev/null || echo 125)
	if [ "$status" -eq 123 ] && [ "${VM:-}" = some ]; then
		skip "kernel $1" "$(grep -m 1 '^run.sh:' "$2/run")"
		return 1
	fi
	say "$status" "$1: $3"
	[ "$status" -ne 0 ] || grep '^run.sh: machine' "$2/run" | sed 's/^/# /'
	[ "$status" -eq 0 ] || sed 's/^/# /' "$2/run"
	[ "$status" -ne 123 ]
}
