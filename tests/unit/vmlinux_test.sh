#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# vmlinux.h names nothing that the running kernel has not; and vmlinux/check.sh would say so.
set -u

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
count=0

# is WANTED NAME: ok when what check.sh printed, file said, is that.
is() {
	count=$((count + 1))
	if [ "$(cat "$work/said")" = "$1" ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		printf '%s\n' "$1" | diff - "$work/said" | sed 's/^/# /'
	fi
}

vmlinux/check.sh >"$work/said" 2>"$work/why"
if [ $? -eq 2 ]; then
	echo "1..0 # SKIP $(head -n 1 "$work/why")"
	exit 0
fi
is '' 'every struct and field of vmlinux.h is in the running kernel, as wide as there'

# A header with a fault of every sort.
mkdir "$work/vmlinux" "$work/bpf"
cp vmlinux/check.sh "$work/vmlinux"
cp bpf/*.bpf.[ch] "$work/bpf"
sed -e 's/u32 snd_una;/u32 snd_unb;/' \
	-e 's/__be32 skc_daddr;/__be32 skc_daddx;/' \
	-e 's/u6_addr8\[16\]/u6_addr9[16]/' \
	-e 's/int owned;/int owner;/' \
	-e 's/^struct cred /struct credit /' \
	-e 's/SOCK_LINGER,/SOCK_LONGER,/' \
	-e 's/u32 copied_seq;/u64 copied_seq;/' \
	-e 's/u8 repair : 1;/u8 repair : 2;/' \
	-e 's/char comm\[16\]/char comm[20]/' \
	-e 's/struct timer_list tw_timer;/int tw_timer;/' \
	vmlinux/vmlinux.h >"$work/vmlinux/vmlinux.h"
"$work/vmlinux/check.sh" >"$work/said"
is 'enum sock_flags has no SOCK_LONGER
socket_lock_t has no field owner
struct in6_addr.in6_u has no field u6_addr9
struct inet_timewait_sock.tw_timer is a struct or union on one side only
struct sock_common has no field skc_daddx
struct task_struct.comm has 160 bits in vmlinux.h, 128 in the kernel
struct tcp_sock has no field snd_unb
struct tcp_sock.copied_seq has 64 bits in vmlinux.h, 32 in the kernel
struct tcp_sock.repair has 2 bits in vmlinux.h, 1 in the kernel
there is no struct credit' 'check.sh names all that the kernel has not, or has otherwise'

sed 's/bool is_mptcp;/bool is_carrier_pigeon;/' vmlinux/vmlinux.h >"$work/vmlinux/vmlinux.h"
"$work/vmlinux/check.sh" >"$work/said"
is 'struct tcp_sock has no field is_carrier_pigeon' 'a field that is read without asking must be there'
sed 's/is_mptcp)/is_carrier_pigeon)/' bpf/kern.bpf.h >"$work/bpf/kern.bpf.h"
"$work/vmlinux/check.sh" >"$work/said"
is '' 'a field that kern.bpf.h asks for before it is read may be absent'

count=$((count + 1))
"$work/vmlinux/check.sh" vmlinux/vmlinux.h >"$work/said" 2>&1
status=$?
if [ $status -eq 2 ] && grep -q 'no BTF' "$work/said"; then
	echo "ok $count - what is no BTF is not taken for a kernel that lacks everything"
else
	echo "not ok $count - what is no BTF is not taken for a kernel that lacks everything"
	echo "# exit status $status: $(cat "$work/said")"
fi
echo "1..$count"
