// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* peer: what arrived. */
#include "peer.bpf.h"

SEC("?tp_btf/tcp_receive_reset")
int BPF_PROG(tp_btf__tcp_receive_reset, struct sock *sk)
{
	leave_mark(HOOK_RST_RECEIVED, (__u64)sk, 1);
	return on_reset_received(sk, 0);
}

SEC("?tp_btf/tcp_receive_reset")
int BPF_PROG(tp_btf__tcp_receive_reset_2, struct sock *sk)
{
	if (take_mark(HOOK_RST_RECEIVED, (__u64)sk, 1))
		return 0;
	return on_reset_received(sk, WIRE_UNDERSTUDY);
}

SEC("?fentry/tcp_reset")
int fentry__tcp_reset(__u64 *ctx)
{
	leave_mark(HOOK_RST_RECEIVED, ctx[0], 1);
	if (!config.reset_skb_arg)
		return on_reset_received((const void *)ctx[0], 0);
	return on_reset_received((const void *)ctx[0], segment_flags((const void *)ctx[1]));
}

SEC("?fentry/tcp_reset")
int fentry__tcp_reset_2(__u64 *ctx)
{
	if (take_mark(HOOK_RST_RECEIVED, ctx[0], 1))
		return 0;
	if (!config.reset_skb_arg)
		return on_reset_received((const void *)ctx[0], WIRE_UNDERSTUDY);
	return on_reset_received((const void *)ctx[0],
				 WIRE_UNDERSTUDY | segment_flags((const void *)ctx[1]));
}
