// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* peer: what arrived. */
#include "sock.bpf.h"

/*
 * The top of tcp_reset(): softirq, or a process that works off its backlog. The
 * write queue and sk_err are still untouched. Called for an RST that was
 * accepted, and also for data that comes after close(): then there is no RST,
 * and one is sent back. Only the segment tells at once (where this hook has it).
 */
static __always_inline int on_reset_received(const struct sock *sk, __u16 flags)
{
	struct wire_full *rec;

	if (!is_tcp(sk) || is_others(sk) || !sock_wanted(sk))
		return 0;
	rec = begin(HOOK_RST_RECEIVED, sizeof(*rec));
	if (!rec)
		return 0;
	__builtin_memset(rec, 0, sizeof(*rec));
	fill_event(&rec->ev, WIRE_RST_RECEIVED, WIRE_FULL, sizeof(*rec), HOOK_RST_RECEIVED,
		   (__u64)sk);
	fill_event_sock(&rec->ev, sk);
	rec->ev.flags |= flags;
	fill_sock(&rec->sock, sk);
	submit(rec);
	return 0;
}

static __always_inline __u16 segment_flags(const struct sk_buff *skb)
{
	struct tcphdr *th = (void *)(BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, transport_header));
	__u16 flags = WIRE_RST_FLAG_KNOWN;

	if (BPF_CORE_READ_BITFIELD_PROBED(th, rst))
		flags |= WIRE_RST_FLAG;
	return flags;
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

SEC("?kprobe/tcp_reset")
int BPF_KPROBE(kprobe__tcp_reset, struct sock *sk, struct sk_buff *skb)
{
	return on_reset_received(sk, config.reset_skb_arg ? segment_flags(skb) : 0);
}
