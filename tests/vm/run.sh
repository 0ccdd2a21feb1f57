# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# shellcheck shell=bash
#
# run.sh [OPTIONS] KERNEL -- COMMAND [ARGUMENT ...]
# run.sh [OPTIONS] -s KERNEL
#
# Boots a kernel in QEMU, runs COMMAND in it as root, prints what it prints and
# ends with its exit status. KERNEL is what kernel.sh takes. Into the guest go sh,
# COMMAND's program and what -i names, each at its path here with the libraries it
# needs; for another architecture the system's programs come from sysroot.sh. What
# COMMAND leaves in the guest's /out comes back with -o.
#
#   -i PATH[:DEST]   take a file or a directory along (repeat)
#   -m MODULE        load a kernel module, with those it needs (repeat)
#   -e NAME=VALUE    set in COMMAND's environment (repeat)
#   -o DIR           put the guest's /out there
#   -t SECONDS       time COMMAND has (120); the boot has 240 more
#   -a ARGUMENTS     add to the kernel's command line
#   -M MIB           memory (768)
#   -s               a shell on this terminal instead of COMMAND
#   -k               keep the work directory and say where it is
#
# Exit status: COMMAND's; 128 + signal; 124 out of time; 125 the machine failed;
# 123 none could be had or came up: nothing of ours has run.
#
# TCPCLOSE_VM_CPUS    processors of the machine (2)
# TCPCLOSE_VM_ACCEL   QEMU's accelerator (tcg,thread=single: with a thread for each
#                     processor some runs die when one patches code that another runs)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
again=(bash "$here/run.sh" "$@")
broken=125
absent=123
boot_seconds=240

die() { echo "run.sh: $*" >&2; exit "$broken"; }
cannot() { echo "run.sh: $*" >&2; exit "$absent"; }

includes=() modules=() env=() out='' seconds=120 append='' memory=768 shell='' keep=''
while getopts i:m:e:o:t:a:M:sk option; do
	case $option in
	i) includes+=("$OPTARG") ;;
	m) modules+=("$OPTARG") ;;
	e) env+=("$OPTARG") ;;
	o) out=$OPTARG ;;
	t) seconds=$OPTARG ;;
	a) append=$OPTARG ;;
	M) memory=$OPTARG ;;
	s) shell=1 ;;
	k) keep=1 ;;
	*) sed -n '3,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
	esac
done
series=${!OPTIND:-}
position=$((OPTIND + 1)) # of the kernel in $again
shift $((OPTIND < $# ? OPTIND : $#))
[ "${1:-}" != -- ] || shift
if [ -z "$series" ] || { [ -z "$shell" ] && [ $# -eq 0 ]; }; then
	sed -n '3,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 2
fi

read -r version vmlinuz module_dir arch < <(bash "$here/kernel.sh" "$series") || cannot "no kernel $series"

host=$(uname -m)
sysroot='' cc=("${CC:-cc}")
case $arch in
# A timer that comes late because this machine is busy is no reason to panic.
amd64) guest=x86_64 console=ttyS0 processor=(-cpu max) append="no_timer_check $append" ;;
# The pointer authentication that it has by default costs an emulator half of its time.
arm64) guest=aarch64 console=ttyAMA0 processor=(-machine virt -cpu "max,pauth-impdef=on") ;;
*) cannot "no word on $arch" ;;
esac
if [ "$guest" != "$host" ]; then
	sysroot=$(bash "$here/sysroot.sh" "$arch") || cannot "no sysroot for $arch"
	cc=("$guest-linux-gnu-gcc" "--sysroot=$sysroot")
fi
for tool in "qemu-system-$guest" cpio "${cc[0]}"; do
	command -v "$tool" >/dev/null || cannot "no $tool here"
done

work=$(mktemp -d "${TMPDIR:-/tmp}/tcpclose-vm.XXXXXX")
trap 'if [ -n "$keep" ]; then echo "run.sh: kept $work" >&2; else rm -rf "$work"; fi' EXIT
# timeout(1) passes the signal on to QEMU.
machine=
trap 'test -z "$machine" || kill "$machine"; exit 130' INT TERM
root=$work/root

make_tree() {
	local name

	mkdir -p "$root"/{dev,etc,out,proc,root,run,sys,tmp,vm/ko} "$root"/usr/{bin,sbin,lib,lib64}
	for name in bin sbin lib lib64; do ln -s "usr/$name" "$root/$name"; done
	# Programs give up root by name or by number.
	echo root:x:0:0:root:/root:/bin/sh >"$root/etc/passwd"
	echo nobody:x:65534:65534:nobody:/:/bin/sh >>"$root/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
	printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
	"${cc[@]}" -std=gnu11 -O2 -Wall -Wextra -static -o "$root/init" "$here/init.c" >&2
}

# The system's programs are those of the guest's architecture.
there() { if [ -n "$sysroot" ] && [ -e "$sysroot$1" ]; then echo "$sysroot$1"; else echo "$1"; fi; }

copy() { # PATH [DEST]: one file or directory, links followed
	local from to=${2:-$1}

	from=$(there "$1")
	[ -e "$from" ] || die "no $from to take along"
	mkdir -p "$root$(dirname "$to")"
	if [ -d "$from" ]; then
		mkdir -p "$root$to"
		cp -RL "$from/." "$root$to"
	else
		cp -L "$from" "$root$to"
	fi
}

# What the loader would load, the loader itself included.
libraries() { # FILE
	local name path

	if [ -z "$sysroot" ]; then
		# A static program has none: ldd fails then.
		{ ldd "$1" 2>/dev/null || true; } | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^\t\(\/[^ ]*\) .*/\1/p'
		return
	fi
	readelf -Wl "$1" 2>/dev/null | sed -n 's/.*interpreter: \(.*\)\]/\1/p'
	readelf -Wd "$1" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | while read -r name; do
		path=$(find "$sysroot/usr/lib" -name "$name" -print -quit)
		[ -n "$path" ] || die "$1 needs $name, which is not in $sysroot"
		# Once seen, it is in the list that is being made.
		grep -qxF "$name" "$work/seen" && continue
		echo "$name" >>"$work/seen"
		echo "${path#"$sysroot"}"
		libraries "$path"
	done
}

# A script's interpreter too.
copy_needs() { # FILE ...
	local file path magic

	: >"$work/seen"
	for file; do
		file=$(there "$file")
		read -rN 2 magic <"$file" 2>/dev/null || continue
		case $magic in
		'#!')
			path=$(sed -n '1s/^#! *\([^ ]*\).*/\1/p' "$file")
			if [ -x "$(there "$path")" ] && [ ! -e "$root$path" ]; then
				copy "$path"
				copy_needs "$path"
			fi
			;;
		$'\x7fE') libraries "$file" ;;
		esac
	done | sort -u | while read -r path; do
		[ -e "$root$path" ] || copy "$path"
	done
}

take() { # PATH[:DEST]
	local from dest=${1#*:}

	[ "$dest" != "$1" ] || dest=
	from=$(realpath -s "${1%%:*}")
	copy "$from" "$dest"
	find -L "$(there "$from")" -type f \( -perm -u+x -o -name '*.so*' \) -print0 >"$work/take"
	mapfile -d '' -t taken <"$work/take"
	copy_needs "${taken[@]}"
}

# A module's own word on what it needs: Debian's packages have no modules.dep yet.
add_module() { # NAME [optional]
	local name=${1//-/_} file needs need

	[ ! -e "$root/vm/ko/$name.ko" ] || return 0
	file=$(find "$module_dir" -name "${name//_/[-_]}.ko*" | head -n 1)
	if [ -z "$file" ]; then
		# Built in, or not there at all.
		[ -n "${2:-}" ] || grep -q "/${name//_/[-_]}\.ko\$" "$module_dir/modules.builtin" ||
			die "kernel $version has no module $1"
		return 0
	fi
	case $file in
	*.xz) xz -dc "$file" ;;
	*.zst) zstd -dcq "$file" ;;
	*.gz) gzip -dc "$file" ;;
	*) cat "$file" ;;
	esac >"$root/vm/ko/$name.ko"
	needs=$(tr '\0' '\n' <"$root/vm/ko/$name.ko" | sed -n 's/^depends=//p' | head -n 1)
	for need in ${needs//,/ }; do add_module "$need"; done
	echo "/vm/ko/$name.ko" >>"$root/vm/modules"
}

make_job() {
	local program module include

	copy "$(type -P sh)" /bin/sh
	copy_needs "$(type -P sh)"
	for include in "${includes[@]}"; do take "$include"; done
	if [ -z "$shell" ]; then
		program=$(type -P "$1" || true)
		# A path is meant here, so it is the same file there; a name may be the guest's own.
		case $1 in
		*/*)
			program=$(realpath -s "$1")
			[ ! -e "$program" ] || set -- "$program" "${@:2}"
			;;
		esac
		[ -z "$program" ] || [ ! -e "$program" ] || [ -e "$root$program" ] || take "$program"
		printf '%s\0' "$@" >"$root/vm/argv"
	else
		touch "$root/vm/shell"
	fi
	for module in virtio_pci virtio_console; do add_module "$module" optional; done
	for module in "${modules[@]}"; do add_module "$module"; done
	printf '%s\0' PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root USER=root TERM="${TERM:-dumb}" \
		LANG=C.UTF-8 TCPCLOSE_VM="$version" "${env[@]}" >"$root/vm/env"
	echo "$seconds" >"$root/vm/timeout"
}

# Does it begin within the time that a boot has?
came_up() { read -r -t "$boot_seconds" _ < <(tail -n +1 -f --pid="$machine" "$work/status"); }

boot() {
	local port number=1 quiet=quiet
	local qemu=("qemu-system-$guest" -accel "${TCPCLOSE_VM_ACCEL:-tcg,thread=single}" "${processor[@]}"
		-smp "${TCPCLOSE_VM_CPUS:-2}" -m "$memory" -nodefaults -no-user-config -display none -no-reboot -nic none
		-kernel "$vmlinuz" -initrd "$work/initramfs" -device virtio-serial-pci)

	# init.c knows the ports by these numbers.
	for port in out err files status; do
		: >"$work/$port"
		qemu+=(-chardev "file,id=$port,path=$work/$port"
			-device "virtserialport,chardev=$port,nr=$number,name=tcpclose.$port")
		number=$((number + 1))
	done
	if [ -n "$shell" ]; then
		qemu+=(-chardev "stdio,id=console,signal=off" -serial chardev:console)
	else
		qemu+=(-serial "file:$work/console")
		quiet="quiet loglevel=5"
	fi
	# An oops is a failure of what runs here, so it ends the machine.
	qemu+=(-append "console=$console $quiet panic=-1 oops=panic $append")
	if [ -n "$shell" ]; then
		nice "${qemu[@]}"
	else
		timeout -k 5 $((seconds + boot_seconds)) nice "${qemu[@]}" </dev/null >"$work/qemu" 2>&1 &
		machine=$!
		came_up || kill "$machine" 2>/dev/null || true
		wait "$machine"
	fi
}

fail() { # STATUS WORDS: how far it came, and how to see it again
	echo "run.sh: $2 (kernel $version)" >&2
	if [ "$1" -eq "$broken" ] || [ "$1" -eq "$absent" ] || [ "$1" -eq 124 ]; then
		cat "$work/qemu" >&2
		echo "run.sh: end of the console:" >&2
		tail -n 60 "$work/console" | tr -d '\r' >&2
	fi
	again[position]=$version
	printf 'run.sh: to repeat: cd %q &&' "$PWD" >&2
	[ -z "${TCPCLOSE_VM_CACHE:-}" ] || printf ' TCPCLOSE_VM_CACHE=%q' "$TCPCLOSE_VM_CACHE" >&2
	printf ' %q' "${again[@]}" >&2
	echo >&2
	exit "$1"
}

make_tree
make_job "$@"
(cd "$root" && find . -print0 | cpio -0 -o -H newc -R 0:0 --quiet) >"$work/initramfs"
rm -rf "$root"

# A machine that did not come up, or that its kernel took down: with an emulator that
# is first of all the emulator. One that dies of what is tested dies every time.
unlucky() {
	case $(wc -l <"$work/status") in
	0) return 0 ;;
	1) [ "$ended" -ne 124 ] ;;
	*) return 1 ;;
	esac
}

for attempt in 1 2 3; do
	ended=0
	boot || ended=$?
	[ -z "$shell" ] || exit "$ended"
	if [ "$attempt" -eq 3 ] || ! unlucky; then break; fi
	echo "run.sh: machine $attempt of $version failed, another one:" \
		"$(grep -am 1 -E 'Oops|BUG|panic|init:' "$work/console")" >&2
done

cat "$work/out"
cat "$work/err" >&2
read -r status counts < <(sed -n 2p "$work/status") || true
if [ -z "${status:-}" ]; then
	if [ "$ended" -eq 124 ]; then fail 124 "the machine hung: nothing after $((seconds + boot_seconds)) s"; fi
	[ -s "$work/status" ] || fail "$absent" "the machine did not come up (QEMU: $ended)"
	fail "$broken" "the machine ended (QEMU: $ended) without a word on: ${*@Q}"
fi
arrived=$(stat -c %s "$work"/{out,err,files} | xargs)
[ "$arrived" = "$counts" ] || fail "$broken" "sent (output, errors, files): $counts; arrived: $arrived"
if [ -n "$out" ]; then
	mkdir -p "$out"
	tar -xf "$work/files" -C "$out" --no-same-owner
fi
[ "$status" -eq 0 ] || fail "$status" "exit status $status of: ${*@Q}"
# A command that went well while the kernel warned did not: some machines panic on that.
if grep -qaE 'WARNING: |BUG: ' "$work/console"; then
	fail "$broken" "the kernel complained during: ${*@Q}"
fi
