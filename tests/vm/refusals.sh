#!/bin/bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#
# refusals.sh [KERNEL ...]: what tcpclose says and how it ends where it cannot work,
# and that it works without what it must not need. On every kernel of kernels.txt, or
# those named (see lib.sh), three machines each: what is taken away inside, and what the
# kernel's command line takes away. Prints TAP.
#
# O=DIR   where tcpclose was built (build)
set -uo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
choose_kernels "$@"
need cpio setpriv mount
results=$build/vm-refusals

check() { # OUT CASE STATUS WORDS NAME: ended so, with these words in its one line; "-" = no line is asked for
	local status

	status=$(cat "$1/$2.status" 2>/dev/null || echo none)
	if [ "$status" = "$3" ] && { [ "$4" = - ] || { [ "$(wc -l <"$1/$2.err")" -eq 1 ] && grep -qF -- "$4" "$1/$2.err"; }; }; then
		say 0 "$5"
	else
		say 1 "$5"
		echo "# status $status, wanted $3; it said:"
		sed 's/^/#   /' "$1/$2.err"
	fi
}

machine() { # KERNEL OUT GUEST-WORD ARGUMENTS...: one of the three machines of a kernel
	bash "$here/run.sh" -o "$2" -i /bin/mount -i /bin/umount -i /usr/bin/env -i /usr/bin/setpriv \
		-i "$programs/tcpclose" -i "$here/refusals_guest.sh" "${@:4}" "$1" -- sh "$here/refusals_guest.sh" "$programs/tcpclose" "$3"
}

boot() { # KERNEL OUT
	rm -rf "$2.locked" "$2.shut"
	machine "$1" "$2" all &&
		machine "$1" "$2.locked" locked -a lockdown=integrity &&
		machine "$1" "$2.shut" locked -a lockdown=confidentiality
}

not_allowed='not allowed to trace: run it with sudo (it needs CAP_BPF and CAP_PERFMON'
boot_all "$results"
for kernel in "${booted[@]}"; do
	out=$results/$kernel
	ran "$kernel" "$out" "boots and refuses" || continue
	check "$out" all 0 - "$kernel: runs as root"
	check "$out" nobody 1 "$not_allowed" "$kernel: refuses without privileges, in one sentence"
	check "$out" cap_bpf 1 "$not_allowed" "$kernel: refuses without CAP_BPF, in one sentence"
	check "$out" cap_perfmon 1 "$not_allowed" "$kernel: refuses without CAP_PERFMON, in one sentence"
	# Before 5.11 maps count as locked memory, and only CAP_SYS_RESOURCE may raise that limit.
	if [ "$(cat "$out/cap_sys_resource.status")" = 1 ] && [ "$kernel" = 5.10 ]; then
		check "$out" cap_sys_resource 1 CAP_SYS_RESOURCE "$kernel: refuses without CAP_SYS_RESOURCE, in one sentence"
	else
		check "$out" cap_sys_resource 0 - "$kernel: needs no CAP_SYS_RESOURCE"
	fi
	check "$out" mounts 0 - "$kernel: needs no tracefs, bpffs or cgroup2"
	check "$out" btf 1 'this kernel shows no BTF (/sys/kernel/btf/vmlinux): it must be built with CONFIG_DEBUG_INFO_BTF=y' "$kernel: refuses without BTF, in one sentence"
	check "$out.locked" all 0 - "$kernel: runs under lockdown=integrity"
	check "$out.shut" all 1 'this kernel lets no BPF program read its memory (lockdown=confidentiality): nothing can be traced' "$kernel: refuses under lockdown=confidentiality, in one sentence"
done
finish
