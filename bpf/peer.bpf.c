// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* peer: what arrived. */
#include "peer.bpf.h"

static __always_inline int next_on_reset_received(const struct sock *sk, int understudy)
{
	return find_mark(HOOK_RST_RECEIVED, (__u64)sk, 1, understudy) ? 0 : on_reset_received(sk, WIRE_UNDERSTUDY);
}

SEC("?tp_btf/tcp_receive_reset")
int BPF_PROG(tp_btf__tcp_receive_reset, struct sock *sk)
{
	leave_mark(HOOK_RST_RECEIVED, (__u64)sk, 1);
	return on_reset_received(sk, 0);
}

SEC("?tp_btf/tcp_receive_reset")
int BPF_PROG(tp_btf__tcp_receive_reset_2, struct sock *sk)
{
	return next_on_reset_received(sk, FIRST_UNDERSTUDY);
}

SEC("?tp_btf/tcp_receive_reset")
int BPF_PROG(tp_btf__tcp_receive_reset_3, struct sock *sk)
{
	return next_on_reset_received(sk, SECOND_UNDERSTUDY);
}

static __always_inline int on_tcp_reset(__u64 *ctx, __u16 flags)
{
	if (config.reset_skb_arg)
		flags |= segment_flags((const void *)ctx[1]);
	return on_reset_received((const void *)ctx[0], flags);
}

static __always_inline int next_on_tcp_reset(__u64 *ctx, int understudy)
{
	return find_mark(HOOK_RST_RECEIVED, ctx[0], 1, understudy) ? 0 : on_tcp_reset(ctx, WIRE_UNDERSTUDY);
}

SEC("?fentry/tcp_reset")
int fentry__tcp_reset(__u64 *ctx)
{
	leave_mark(HOOK_RST_RECEIVED, ctx[0], 1);
	return on_tcp_reset(ctx, 0);
}

SEC("?fentry/tcp_reset")
int fentry__tcp_reset_2(__u64 *ctx)
{
	return next_on_tcp_reset(ctx, FIRST_UNDERSTUDY);
}

SEC("?fentry/tcp_reset")
int fentry__tcp_reset_3(__u64 *ctx)
{
	return next_on_tcp_reset(ctx, SECOND_UNDERSTUDY);
}
