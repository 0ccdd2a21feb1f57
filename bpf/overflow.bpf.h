/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* overflow: what is sent of a handshake that a full accept queue has ended. */
#ifndef TCPCLOSE_OVERFLOW_BPF_H
#define TCPCLOSE_OVERFLOW_BPF_H

#include "request.bpf.h"
#include "stray.bpf.h"

/*
 * A listener with no room left, in a namespace that then answers with an RST
 * (tcp_abort_on_overflow), and a segment that is no SYN: the last one of a handshake.
 */
static __always_inline bool queue_overflows(const struct sock *sk, bool is_syn)
{
	return !is_syn &&
	       BPF_CORE_READ(sk, sk_ack_backlog) > BPF_CORE_READ(sk, sk_max_ack_backlog) &&
	       BPF_CORE_READ(sk, __sk_common.skc_net.net, ipv4.sysctl_tcp_abort_on_overflow);
}

static __always_inline bool segment_is_syn(const struct sk_buff *skb)
{
	const struct tcphdr *th;

	th = (const void *)(BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, transport_header));
	return BPF_CORE_READ_BITFIELD_PROBED(th, syn);
}

static __always_inline void send_overflow(const struct sock *listener, const struct wire_tuple *tuple,
					  __u32 netns, __u32 reason, __u16 flags)
{
	struct wire_place *rec;

	if (!request_wanted(tuple, netns, listener))
		return;
	rec = begin(HOOK_RST_SENT, sizeof(*rec));
	if (!rec)
		return;
	fill_event(&rec->ev, WIRE_OVERFLOW, WIRE_PLACE, sizeof(*rec), HOOK_RST_SENT, 0);
	rec->ev.netns_ino = netns;
	rec->ev.flags = flags;
	rec->ev.reason = reason;
	__builtin_memcpy(&rec->tuple, tuple, sizeof(*tuple));
	submit(&rec->ev);
}

/*
 * An RST answers skb in the name of sk. Softirq; the segment is still whole. A
 * listener answers that way for a request, too. What ends it is a SYN, or a queue
 * that is full, and then it is answered where requests are looked after; another bad
 * segment is answered elsewhere, and ends nothing.
 */
static __always_inline void on_refusal(void *ctx, const struct sock *sk, const struct sk_buff *skb,
				       __u32 reason, __u16 flags)
{
	struct wire_tuple tuple = {};
	bool is_syn, overflows;
	__u32 netns;

	if (!sk || !skb || BPF_CORE_READ(sk, __sk_common.skc_state) != ST_LISTEN)
		return;
	is_syn = segment_is_syn(skb);
	overflows = queue_overflows(sk, is_syn);
	if (!is_syn && !overflows)
		return;
	read_skb_tuple(skb, &tuple);
	netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	if (find_code(ctx) == WIRE_BY_CHECK)
		note_answer(&tuple, netns, reason, overflows ? WIRE_REQUEST_OVERFLOW : 0);
	if (overflows)
		send_overflow(sk, &tuple, netns, reason, flags);
}

#endif
