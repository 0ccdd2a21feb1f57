/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * request: what is sent of a half-open connection (NEW_SYN_RECV) that ends before
 * it becomes a socket. One that becomes a socket sends nothing.
 */
#ifndef TCPCLOSE_REQUEST_BPF_H
#define TCPCLOSE_REQUEST_BPF_H

#include "minisock.bpf.h"

/* As much of a request as any part of its shared beginning takes: copied at once, see mini_copy. */
struct request_copy {
	__u64 words[18];
};

/* 0 where requests are not followed by their timers. */
static __always_inline bool is_requests(const struct timer_list *timer)
{
	return config.reqsk_timer_handler && (__u64)READ(timer, function) == config.reqsk_timer_handler;
}

static __always_inline __u64 request_of_timer(const struct timer_list *timer)
{
	return (__u64)timer - bpf_core_field_offset(struct request_sock, rsk_timer);
}

static __always_inline void note_answer(const struct wire_tuple *tuple, __u32 netns, __u32 reason,
					__u16 flags)
{
	__u32 key = 0;
	struct answer *answer = bpf_map_lookup_elem(&answers, &key);

	if (!answer)
		return;
	__builtin_memcpy(&answer->tuple, tuple, sizeof(*tuple));
	answer->netns = netns;
	answer->reason = reason;
	answer->flags = flags;
}

static __always_inline bool same_tuple(const struct wire_tuple *a, const struct wire_tuple *b)
{
	const __u64 *x = (const void *)a, *y = (const void *)b;

	for (int i = 0; i < sizeof(*a) / 8; i++)
		if (x[i] != y[i])
			return false;
	return true;
}

/* Taken once: the answer to this request's last segment, if there was one. */
static __always_inline void take_answer(struct wire_request *rec)
{
	__u32 key = 0;
	struct answer *answer = bpf_map_lookup_elem(&answers, &key);

	if (!answer || answer->netns != rec->ev.netns_ino ||
	    !same_tuple(&answer->tuple, &rec->tuple))
		return;
	rec->flags |= WIRE_REQUEST_ANSWERED | answer->flags;
	rec->ev.reason = answer->reason;
	answer->netns = 0;
}

static __always_inline bool copy_request(struct request_copy *copy, __u64 addr)
{
	const struct sock_common *skc = (const void *)copy;

	barrier_var(skc);
	if (!bpf_probe_read_kernel(copy, sizeof(*copy), (const void *)addr) &&
	    READ(skc, skc_state) == ST_NEW_SYN_RECV)
		return true;
	count_lost(HOOK_REQUEST);
	return false;
}

/* A listener that was closed may be another's memory by now: that one has another port. */
static __always_inline bool is_listening(const struct sock *listener, __u16 port)
{
	return BPF_CORE_READ(listener, __sk_common.skc_state) == ST_LISTEN &&
	       BPF_CORE_READ(listener, __sk_common.skc_num) == port;
}

static __always_inline __u16 request_flags(const struct inet_request_sock *ireq,
					   const struct inet_connection_sock *listener, __u16 port)
{
	const struct sock *sk = (const void *)listener;
	__u16 flags = 0;

	if (BPF_CORE_READ_BITFIELD_PROBED(ireq, acked))
		flags |= WIRE_REQUEST_ACKED;
	if (!is_listening(sk, port))
		return flags;
	flags |= WIRE_REQUEST_LISTENING;
	if (BPF_CORE_READ(listener, icsk_accept_queue.rskq_defer_accept))
		flags |= WIRE_REQUEST_DEFERRED;
	if (BPF_CORE_READ(sk, sk_ack_backlog) > BPF_CORE_READ(sk, sk_max_ack_backlog))
		flags |= WIRE_REQUEST_QUEUE_FULL;
	return flags;
}

static __always_inline bool request_wanted(const struct wire_tuple *tuple, __u32 netns,
					   const struct sock *listener)
{
	if (!config.filter.on)
		return true;
	if (netns_asked() && netns != config.filter.netns_ino)
		return false;
	if (config.filter.cgroup_id && !cgroup_wanted(listener))
		return false;
	return tuple_wanted(tuple);
}

/* Since its first SYN-ACK; 0 = not known. */
static __always_inline __u64 request_age(const struct tcp_request_sock *treq, __u64 now_ns)
{
	__u64 sent_us = BPF_CORE_READ(treq, snt_synack), now_us = now_ns / 1000;

	return sent_us && sent_us < now_us ? now_ns - sent_us * 1000 : 0;
}

/*
 * Softirq (a segment, the timer, ICMP) or the process that destroys it. In the timer's
 * case by tracepoint it may have been freed a moment ago: its memory stays a
 * request's for as long as this softirq runs (SLAB_TYPESAFE_BY_RCU).
 */
static __always_inline int send_request(__u64 addr, __u8 caller)
{
	const struct sock_common *skc;
	const struct sock *listener;
	const struct net *net;
	struct request_copy copy;
	struct wire_request *rec;
	struct wire_tuple tuple;
	__u32 netns;
	__u16 port;

	if (!copy_request(&copy, addr))
		return 0;
	skc = (const void *)&copy;
	barrier_var(skc);
	listener = READ(skc, skc_listener);
	port = READ(skc, skc_num);
	net = READ(skc, skc_net.net);
	netns = BPF_CORE_READ(net, ns.inum);
	read_tuple(skc, bpf_htons(port), &tuple);
	if (!request_wanted(&tuple, netns, listener))
		return 0;
	rec = begin(HOOK_REQUEST, sizeof(*rec));
	if (!rec)
		return 0;
	fill_event(&rec->ev, WIRE_REQUEST_GONE, WIRE_REQUEST, sizeof(*rec), HOOK_REQUEST, addr);
	rec->ev.netns_ino = netns;
	rec->ev.old_state = ST_NEW_SYN_RECV;
	__builtin_memcpy(&rec->tuple, &tuple, sizeof(tuple));
	rec->listener = (__u64)listener;
	rec->age_ns = request_age((const void *)addr, rec->ev.mono_ns);
	rec->flags = request_flags((const void *)addr, (const void *)listener, port);
	rec->caller = caller;
	__builtin_memset(rec->pad, 0, sizeof(rec->pad));
	if (caller == WIRE_BY_CHECK)
		take_answer(rec);
	submit(&rec->ev);
	return 0;
}

/*
 * The timer tracepoints see every winding of it. Of a request that becomes a socket
 * the timer is taken off once its child stands in the table in its place: that
 * reference is given back before, and two are left, the timer's and the caller's. Any
 * other end finds three. (More of them may be held for a moment by who looks around:
 * then the stack tells.) So is it on expiry: the timer's and the table's.
 */
static __always_inline int on_request_cancel(void *ctx, __u64 addr)
{
	const struct sock_common *skc = (const void *)addr;
	__u8 caller;

	if (BPF_CORE_READ(skc, skc_refcnt.refs.counter) <= 2)
		return 0;
	caller = find_code(ctx);
	if (caller == WIRE_BY_REARM || caller == WIRE_BY_CHILD || caller == WIRE_BY_TIMER)
		return 0;
	/* it may as well have become a socket: nothing is said of it */
	if (caller == WIRE_BY_UNKNOWN) {
		count_lost(HOOK_REQUEST);
		return 0;
	}
	return send_request(addr, caller);
}

/*
 * The handler has returned, in its softirq: either it has wound the timer up again, or
 * it has dropped the request. Another CPU may have made a socket of it meanwhile.
 * With a listener that has closed and is still one of a group, the handler may have
 * handed the request on to another one: that is no end, and cannot be told from one.
 */
static __always_inline int on_request_expired(const struct timer_list *timer, __u64 addr)
{
	const struct request_sock *req = (const void *)addr;
	const struct sock *listener;

	if ((long)(READ(timer, expires) - bpf_jiffies64()) > 0 || BPF_CORE_READ(req, sk))
		return 0;
	listener = BPF_CORE_READ(req, __req_common.skc_listener);
	if (BPF_CORE_READ(listener, __sk_common.skc_state) != ST_LISTEN &&
	    BPF_CORE_READ(listener, sk_reuseport_cb))
		return 0;
	return send_request(addr, WIRE_BY_TIMER);
}

/*
 * Softirq, or the process that destroys it: it still stands in the table. One that
 * becomes a socket passes here too: then its child already stands in its place.
 */
static __always_inline int on_request_drop(void *ctx, const struct request_sock *req, bool from_timer)
{
	__u8 caller;

	if (!READ(req, __req_common.skc_node.pprev))
		return 0;
	caller = from_timer ? WIRE_BY_TIMER : find_code(ctx);
	return caller == WIRE_BY_CHILD || caller == WIRE_BY_REARM ? 0 : send_request((__u64)req, caller);
}

#endif
