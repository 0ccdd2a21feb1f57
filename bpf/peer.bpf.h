/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* peer: what is sent of what arrived. */
#ifndef TCPCLOSE_PEER_BPF_H
#define TCPCLOSE_PEER_BPF_H

#include "spot.bpf.h"

/* An RST whose CLOSE has not come by then will have none: that record was lost, and this with it. */
#define HELD_JIFFIES_MAX 2

/*
 * tcp_reset() goes on to CLOSE without letting go of its CPU where no process
 * holds the socket: the change of state then carries the RST. False: it may not,
 * or another one's is on its way here (a kernel where softirqs can be preempted).
 */
#ifdef READ_BY_PROBE
/* Its change of state would not carry it: stack.bpf.h. */
static __always_inline bool hold_reset(const struct tcp_sock *tp, __u16 flags)
{
	return false;
}
#else
static __always_inline bool hold_reset(const struct tcp_sock *tp, __u16 flags)
{
	const struct sock *sk = (const void *)tp;
	__u32 now = bpf_jiffies64();
	struct at_cpu *at;

	if (config.events || states_unseen || READ(sk, sk_lock.owned) || READ(sk, __sk_common.skc_state) == ST_CLOSE)
		return false;
	at = at_this_cpu();
	if (!at)
		return false;
	if (at->reset.sk && at->reset.sk != (__u64)sk) {
		if (now - (__u32)(at->reset.what >> 16) <= HELD_JIFFIES_MAX)
			return false;
		count_lost(HOOK_RST_RECEIVED);
	}
	at->reset.what = (__u64)now << 16 | flags;
	at->reset.sk = (__u64)sk;
	return true;
}
#endif

/* What the change to CLOSE has to say of an RST that is held: flags, 0 = there is none. */
static __always_inline __u16 take_held_reset(__u64 sk)
{
	struct at_cpu *at = at_this_cpu();

	if (!at || at->reset.sk != sk)
		return 0;
	at->reset.sk = 0;
	/* whether an understudy saw it is no matter: it is told once */
	return WIRE_RESET | ((__u16)at->reset.what & (WIRE_RST_FLAG | WIRE_RST_FLAG_KNOWN));
}

/*
 * The top of tcp_reset(): softirq, or a process that works off its backlog. The
 * write queue and sk_err are still untouched. Called for an RST that was
 * accepted, and also for data that comes after close(): then there is no RST,
 * and one is sent back. Only the segment tells at once (where this hook has it).
 */
static __always_inline int on_reset_received(const struct sock *sk, __u16 flags)
{
	const struct tcp_sock *tp = tcp_of(sk, HOOK_RST_RECEIVED);

	if (tp && !is_others((__u64)sk) && sock_wanted(tp) && !hold_reset(tp, flags))
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
