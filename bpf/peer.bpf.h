/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* peer: what is sent of what arrived. */
#ifndef TCPCLOSE_PEER_BPF_H
#define TCPCLOSE_PEER_BPF_H

#include "sock.bpf.h"

/*
 * The top of tcp_reset(): softirq, or a process that works off its backlog. The
 * write queue and sk_err are still untouched. Called for an RST that was
 * accepted, and also for data that comes after close(): then there is no RST,
 * and one is sent back. Only the segment tells at once (where this hook has it).
 */
static __always_inline int on_reset_received(const struct sock *sk, __u16 flags)
{
	const struct tcp_sock *tp = tcp_of(sk, HOOK_RST_RECEIVED);

	if (tp && !is_others((__u64)sk) && sock_wanted(tp))
		send_reset(tp, WIRE_RST_RECEIVED, HOOK_RST_RECEIVED, WIRE_NO_REASON, flags);
	return 0;
}

/* By probe: a segment's head is bytes, whoever gives it. */
static __always_inline bool segment_is_rst(const struct sk_buff *skb)
{
	struct tcphdr *th = (void *)(READ(skb, head) + READ(skb, transport_header));

	return BPF_CORE_READ_BITFIELD_PROBED(th, rst);
}

static __always_inline __u16 segment_flags(const struct sk_buff *skb)
{
	return WIRE_RST_FLAG_KNOWN | (segment_is_rst(skb) ? WIRE_RST_FLAG : 0);
}

#endif
