/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * kern: one accessor per layout that changed between kernels. The only file with
 * CO-RE flavours. All of them read by probe, so that one body serves every way
 * to attach; they are safe on any address and give 0 where nothing can be read.
 */
#ifndef TCPCLOSE_KERN_BPF_H
#define TCPCLOSE_KERN_BPF_H

#include "sense.bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* v5.10: the cgroup shares a word with net_cls and net_prio, bit 0 tells which
 * (replaced by a plain pointer in commit 8520e224f547 ("bpf, cgroups: Fix cgroup v2
 * fallback on v1/v2 mixed mode") in v5.15). */
struct sock_cgroup_data___v510 {
	u64 val;
};

/* v5.10 and v5.11: net_cookie is made on first use. */
struct net___v510 {
	atomic64_t net_cookie;
};

#pragma clang attribute pop

static __always_inline struct cgroup *kern_sock_cgroup(const struct sock *sk)
{
	struct sock_cgroup_data___v510 *old;
	u64 val = 0;

	if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup))
		return BPF_CORE_READ(sk, sk_cgrp_data.cgroup);
	old = (void *)__builtin_preserve_access_index(&sk->sk_cgrp_data);
	if (!bpf_core_field_exists(old->val))
		return NULL;
	bpf_core_read(&val, sizeof(val), &old->val);
	return val & 1 ? NULL : (struct cgroup *)val;
}

static __always_inline u64 kern_sock_cgroup_id(const struct sock *sk)
{
	struct cgroup *cgroup = kern_sock_cgroup(sk);

	return cgroup ? BPF_CORE_READ(cgroup, kn, id) : 0;
}

static __always_inline u64 kern_netns_cookie(const struct net *net)
{
	const struct net___v510 *old = (const void *)net;

	if (bpf_core_field_exists(net->net_cookie))
		return BPF_CORE_READ(net, net_cookie);
	if (bpf_core_field_exists(old->net_cookie))
		return BPF_CORE_READ(old, net_cookie.counter);
	return 0;
}

static __always_inline bool kern_sock_flag(u64 flags, enum sock_flags flag)
{
	return flags & (1ULL << flag);
}

/* Absent without CONFIG_MPTCP. */
static __always_inline bool kern_is_mptcp(const struct tcp_sock *tp)
{
	return bpf_core_field_exists(tp->is_mptcp) && BPF_CORE_READ(tp, is_mptcp);
}

#endif
