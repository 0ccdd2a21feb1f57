/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* stray: RSTs that answer a segment for no connection: a closed port, a listener, a request. */
#ifndef TCPCLOSE_STRAY_BPF_H
#define TCPCLOSE_STRAY_BPF_H

#include "sock.bpf.h"

/* Bit 0 of the word says that no reference is held (SKB_DST_NOREF, the same on all kernels). */
#define SKB_DST_PTRMASK (~1UL)

static __always_inline struct net *skb_net(const struct sk_buff *skb)
{
	struct net_device *dev = BPF_CORE_READ(skb, dev);
	struct dst_entry *dst;

	if (dev)
		return BPF_CORE_READ(dev, nd_net.net);
	dst = (void *)(BPF_CORE_READ(skb, _skb_refdst) & SKB_DST_PTRMASK);
	return BPF_CORE_READ(dst, dev, nd_net.net);
}

/* Who is answered is the peer; what the segment was sent to is this side. */
static __always_inline void read_skb_tuple(const struct sk_buff *skb, struct wire_tuple *tuple)
{
	const unsigned char *head = BPF_CORE_READ(skb, head);
	const struct iphdr *ip = (const void *)(head + BPF_CORE_READ(skb, network_header));
	const struct ipv6hdr *ip6 = (const void *)ip;
	const struct tcphdr *th = (const void *)(head + BPF_CORE_READ(skb, transport_header));

	tuple->local_port = bpf_ntohs(BPF_CORE_READ(th, dest));
	tuple->peer_port = bpf_ntohs(BPF_CORE_READ(th, source));
	if (BPF_CORE_READ_BITFIELD_PROBED(ip, version) == 4) {
		tuple->family = 4;
		BPF_CORE_READ_INTO((__u32 *)tuple->local, ip, daddr);
		BPF_CORE_READ_INTO((__u32 *)tuple->peer, ip, saddr);
		return;
	}
	tuple->family = 6;
	BPF_CORE_READ_INTO(&tuple->local, ip6, daddr.in6_u.u6_addr8);
	BPF_CORE_READ_INTO(&tuple->peer, ip6, saddr.in6_u.u6_addr8);
}

/*
 * Softirq, or a process that works off its backlog. sk is NULL, a listener or a
 * request: of it only the shared part may be read. The segment is still whole.
 */
static __always_inline int send_stray(const struct sock *sk, const struct sk_buff *skb, __u8 state,
				      __u32 reason, __u16 flags)
{
	const struct net *net = sk ? BPF_CORE_READ(sk, __sk_common.skc_net.net) : skb_net(skb);
	__u32 netns = BPF_CORE_READ(net, ns.inum), want = config.filter.netns_ino;
	struct wire_tuple tuple = {};
	struct wire_stray *rec;

	read_skb_tuple(skb, &tuple);
	if (config.filter.on && ((want && want != netns) || !tuple_wanted(&tuple)))
		return 0;
	rec = begin(HOOK_RST_SENT, sizeof(*rec));
	if (!rec)
		return 0;
	fill_event(&rec->ev, WIRE_RST_STRAY, WIRE_STRAY, sizeof(*rec), HOOK_RST_SENT, 0);
	rec->ev.netns_ino = netns;
	rec->ev.old_state = state;
	rec->ev.flags = flags;
	rec->ev.reason = reason;
	__builtin_memcpy(&rec->tuple, &tuple, sizeof(tuple));
	submit(&rec->ev);
	return 0;
}

#endif
