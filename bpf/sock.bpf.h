/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* sock: what can be read of a struct sock, a mini-socket and the task, and the filters on them. */
#ifndef TCPCLOSE_SOCK_BPF_H
#define TCPCLOSE_SOCK_BPF_H

#include <bpf/bpf_endian.h>

#include "kern.bpf.h"

enum {
	ST_ESTABLISHED = 1, ST_SYN_SENT, ST_SYN_RECV, ST_FIN_WAIT1, ST_FIN_WAIT2, ST_TIME_WAIT,
	ST_CLOSE, ST_CLOSE_WAIT, ST_LAST_ACK, ST_LISTEN, ST_CLOSING, ST_NEW_SYN_RECV,
};

/*
 * The tuple that full sockets and mini-sockets share. The local port comes from
 * inet_sport or tw_sport: skc_num is 0 already when a socket that was bound by
 * connect() reaches CLOSE (tcp_set_state() releases the port first).
 */
static __always_inline void read_tuple(const struct sock_common *skc, __be16 sport,
				       struct wire_tuple *tuple)
{
	__u32 *local = (__u32 *)tuple->local, *peer = (__u32 *)tuple->peer;

	__builtin_memset(tuple, 0, sizeof(*tuple));
	tuple->local_port = bpf_ntohs(sport);
	tuple->peer_port = bpf_ntohs(READ(skc, skc_dport));
	tuple->family = 4;
	if (READ(skc, skc_family) == AF_INET) {
		local[0] = READ(skc, skc_rcv_saddr);
		peer[0] = READ(skc, skc_daddr);
		return;
	}
#pragma unroll
	for (int i = 0; i < 4; i++) {
		local[i] = READ(skc, skc_v6_rcv_saddr.in6_u.u6_addr32[i]);
		peer[i] = READ(skc, skc_v6_daddr.in6_u.u6_addr32[i]);
	}
	if (!peer[0] && !peer[1] && peer[2] == bpf_htonl(0xffff)) {
		/* IPv4-mapped: what is on the wire is IPv4 */
		local[0] = local[3];
		peer[0] = peer[3];
		local[1] = local[2] = local[3] = 0;
		peer[1] = peer[2] = peer[3] = 0;
		return;
	}
	tuple->family = 6;
}

static __always_inline void read_sock_tuple(const struct tcp_sock *tp, struct wire_tuple *tuple)
{
	const struct inet_sock *inet = (const void *)tp;

	read_tuple(&inet->sk.__sk_common, READ(inet, inet_sport), tuple);
}

/*
 * The local port as a change to new_state finds it. When connect() begins, inet_sport is
 * still that of the socket's last life, if it had one: skc_num is 0 until the kernel has
 * chosen one, or what bind() has set.
 */
static __always_inline __be16 read_sport_at(const struct tcp_sock *tp, __u8 new_state)
{
	const struct inet_sock *inet = (const void *)tp;

	return new_state == ST_SYN_SENT ? bpf_htons(READ(&inet->sk, __sk_common.skc_num)) :
					  READ(inet, inet_sport);
}

/*
 * The socket as TCP's own, NULL where it is none: MPTCP's own sockets, DCCP and
 * SCTP share the tracepoints. What cannot be read is no stranger: it counts as lost.
 */
static __always_inline const struct tcp_sock *tcp_of(const struct sock *sk, __u32 hook)
{
#ifdef READ_BY_PROBE
	__u16 family, protocol;

	if (bpf_core_read(&family, sizeof(family), &sk->__sk_common.skc_family) ||
	    bpf_core_read(&protocol, sizeof(protocol), &sk->sk_protocol)) {
		count_lost(hook);
		return NULL;
	}
	return (family == AF_INET || family == AF_INET6) && protocol == IPPROTO_TCP ?
		       (const void *)sk : NULL;
#else
	/* the kernel looks at the protocol, and the verifier knows of the result what it is */
	return (const void *)bpf_skc_to_tcp_sock((void *)sk);
#endif
}

static __always_inline __u32 read_netns(const struct sock *sk)
{
	const struct net *net = READ(sk, __sk_common.skc_net.net);

	return READ(net, ns.inum);
}

/*
 * Made without a branch where that can be: the verifier goes on from each one with what
 * it knows of the flags then, and from nine of them older ones (v6.12) never come to an end.
 */
static __always_inline __u16 read_sock_flags(const struct tcp_sock *tp)
{
	const struct sock *sk = (const void *)tp;
	u64 bits = READ(sk, __sk_common.skc_flags);
	__u16 flags = (READ(sk, sk_lock.owned) & 1) * WIRE_OWNED;

	flags |= kern_sock_flag(bits, bpf_core_enum_value(enum sock_flags, SOCK_DEAD)) * WIRE_DEAD;
	flags |= kern_sock_flag(bits, bpf_core_enum_value(enum sock_flags, SOCK_DONE)) * WIRE_DONE;
	flags |= kern_sock_flag(bits, bpf_core_enum_value(enum sock_flags, SOCK_KEEPOPEN)) * WIRE_KEEPALIVE;
	flags |= kern_sock_flag(bits, bpf_core_enum_value(enum sock_flags, SOCK_LINGER)) * WIRE_LINGER;
	flags |= (READ_BIT(tp, repair) & 1) * WIRE_REPAIR;
	flags |= kern_is_mptcp(tp) * WIRE_MPTCP;
	flags |= kern_has_psock(sk) * WIRE_PSOCK;
	if (READ(sk, sk_socket))
		flags |= WIRE_HAS_SOCKET;
	return flags;
}

static __always_inline bool sock_lingers(const struct sock *sk)
{
	return kern_sock_flag(READ(sk, __sk_common.skc_flags),
			      bpf_core_enum_value(enum sock_flags, SOCK_LINGER));
}

/* The event's part that comes from a full socket; its flags were read before. */
static __always_inline void fill_event_sock(struct wire_event *ev, const struct tcp_sock *tp,
					    __u16 flags)
{
	const struct sock *sk = (const void *)tp;

	ev->netns_ino = read_netns(sk);
	ev->flags = flags;
	ev->shutdown = READ(sk, sk_shutdown);
}

static __always_inline __u32 clamp_u32(u64 value)
{
	return value > 0xffffffffULL ? 0xffffffffU : value;
}

static __always_inline void fill_sock(struct wire_sock *out, const struct tcp_sock *tp)
{
	const struct inet_connection_sock *icsk = (const void *)tp;
	const struct sock *sk = (const void *)tp;
	u32 rcv_nxt = READ(tp, rcv_nxt), snd_nxt = READ(tp, snd_nxt);

	read_sock_tuple(tp, &out->tuple);
	out->unused = 0;
	out->cgroup_id = kern_sock_cgroup_id(sk);
	out->bytes_sent = READ(tp, bytes_sent);
	out->bytes_acked = READ(tp, bytes_acked);
	out->bytes_received = READ(tp, bytes_received);
	out->linger_jiffies = clamp_u32(READ(sk, sk_lingertime));
	out->uid = READ(sk, sk_uid.val);
	out->err = READ(sk, sk_err);
	out->err_soft = READ(sk, sk_err_soft);
	out->unread = rcv_nxt - READ(tp, copied_seq);
	out->unsent = READ(tp, write_seq) - snd_nxt;
	out->unacked = snd_nxt - READ(tp, snd_una);
	out->snd_wnd = READ(tp, snd_wnd);
	out->user_timeout_ms = READ(icsk, icsk_user_timeout);
	out->total_retrans = READ(tp, total_retrans);
	out->linger2 = READ(tp, linger2);
	out->state = READ(sk, __sk_common.skc_state);
	out->retransmits = READ(icsk, icsk_retransmits);
	out->probes_out = READ(icsk, icsk_probes_out);
	out->pad = 0;
}

static __always_inline __u32 task_flags(__u32 flags)
{
	return (flags & PF_EXITING ? WIRE_TASK_EXITING : 0) | (flags & PF_KTHREAD ? WIRE_TASK_KTHREAD : 0);
}

/* Of the task on this CPU, which is called so. */
static __always_inline __u32 current_flags(__u32 flags, const __u8 comm[16], bool asked)
{
	return task_flags(flags) | (asked && !kern_is_looker(comm) ? WIRE_TASK_MEANT : 0);
}

/*
 * The task on this CPU. It is the socket's business only where a process holds
 * the socket's lock (never seen in a softirq), or where the hook itself is only
 * ever run for a task that asks (`asked`).
 */
static __always_inline void fill_task(struct wire_task *out, bool asked)
{
	__u64 ids = bpf_get_current_pid_tgid();
	__u32 flags;

	out->pid = ids >> 32;
	out->tid = ids;
	out->uid = bpf_get_current_uid_gid();
	kern_current(&flags, &out->exit_code, out->comm, out->pid == out->tid);
	out->flags = current_flags(flags, out->comm, asked);
	out->fd = 0;
}

/* The filters. */

static __always_inline bool port_listed(const volatile __u16 *list, __u32 n, __u16 port)
{
	for (int i = 0; i < WIRE_FILTER_PORTS; i++) {
		if (i >= n)
			break;
		if (list[i] == port)
			return true;
	}
	return false;
}

static __always_inline bool ports_asked(void)
{
	const volatile struct wire_filter *f = &config.filter;

	return f->n_ports || f->n_local_ports;
}

/* A port that is not known yet (connect() before it chose one) matches; user space looks again. */
static __always_inline bool ports_wanted(const struct wire_tuple *tuple)
{
	const volatile struct wire_filter *f = &config.filter;
	__u16 local = tuple->local_port, peer = tuple->peer_port;

	if (f->n_local_ports && local && !port_listed(f->local_ports, f->n_local_ports, local))
		return false;
	if (f->n_remote_ports && !port_listed(f->remote_ports, f->n_remote_ports, peer))
		return false;
	return !f->n_ports || !local || port_listed(f->ports, f->n_ports, local) ||
	       port_listed(f->ports, f->n_ports, peer);
}

static __always_inline bool addr_matches(const __u8 *addr)
{
	const volatile struct wire_filter *f = &config.filter;
	__u32 bits = f->addr_bits;

	for (int i = 0; i < 16; i++) {
		__u8 mask = bits >= 8 ? 0xff : (__u8)(0xff00 >> bits);

		if (!bits)
			return true;
		if ((addr[i] ^ f->addr[i]) & mask)
			return false;
		bits = bits >= 8 ? bits - 8 : 0;
	}
	return true;
}

static __always_inline bool tuple_wanted(const struct wire_tuple *tuple)
{
	const volatile struct wire_filter *f = &config.filter;

	if (f->family && f->family != tuple->family)
		return false;
	if (f->addr_family && (f->addr_family != tuple->family ||
			       (!addr_matches(tuple->local) && !addr_matches(tuple->peer))))
		return false;
	return ports_wanted(tuple);
}

#define CGROUP_DEPTH 16

/* The socket's cgroup is the wanted one or lies below it. By probe: on the oldest kernels it is a number. */
static __always_inline bool cgroup_wanted(const struct sock *sk)
{
	struct cgroup *cgroup = kern_sock_cgroup(sk);
	struct cgroup_subsys_state *css;

	for (int i = 0; i < CGROUP_DEPTH && cgroup; i++) {
		if (BPF_CORE_READ(cgroup, kn, id) == config.filter.cgroup_id)
			return true;
		css = BPF_CORE_READ(cgroup, self.parent);
		cgroup = css ? BPF_CORE_READ(css, cgroup) : NULL;
	}
	return false;
}

static __always_inline bool netns_asked(void)
{
	return config.filter.netns_ino;
}

static __always_inline bool pid_wanted(__u32 pid)
{
	const volatile struct wire_filter *f = &config.filter;

	for (int i = 0; i < WIRE_FILTER_PIDS; i++) {
		if (i >= f->n_pids)
			break;
		if (f->pids[i] == pid)
			return true;
	}
	return false;
}

/*
 * Everything but -p. Without filters the whole of it is dead code. Small tuples
 * are read again by the record: that costs only runs that filter.
 */
static __always_inline bool sock_wanted_at(const struct tcp_sock *tp, __u8 new_state)
{
	const struct sock *sk = (const void *)tp;
	struct wire_tuple tuple;

	if (!config.filter.on)
		return true;
	if (netns_asked() && read_netns(sk) != config.filter.netns_ino)
		return false;
	if (config.filter.cgroup_id && !cgroup_wanted(sk))
		return false;
	read_tuple(&sk->__sk_common, read_sport_at(tp, new_state), &tuple);
	return tuple_wanted(&tuple);
}

static __always_inline bool sock_wanted(const struct tcp_sock *tp)
{
	return sock_wanted_at(tp, 0);
}

/* Without -e nobody reads of a task that is none of the socket's business. */
static __always_inline bool task_counts(__u16 flags)
{
	return config.events || flags & WIRE_OWNED;
}

/*
 * -p: a socket is whose who connected it, or held it when the trace began, or
 * else closes it for good. Before that it cannot be known here, and all of it
 * goes out; once it is another's, nothing does. A claim stays: a socket that is
 * handed on, or closed by a child, is still its first owner's.
 */
static __always_inline bool is_others(__u64 sk)
{
	__u64 key = sk;
	__u8 *claim = config.filter.n_pids ? bpf_map_lookup_elem(&claims, &key) : NULL;

	return claim && *claim == CLAIM_OTHERS;
}

/* True when it is (now) another's. */
static __always_inline bool claim_for(__u64 sk, __u32 pid)
{
	__u64 key = sk;
	__u8 claim;

	if (!config.filter.n_pids)
		return false;
	claim = pid_wanted(pid) ? CLAIM_WANTED : CLAIM_OTHERS;
	bpf_map_update_elem(&claims, &key, &claim, BPF_NOEXIST);
	return is_others(sk);
}

static __always_inline bool claim_for_current(__u64 sk)
{
	__u8 comm[16] __attribute__((aligned(8))) = {};

	if (!config.filter.n_pids)
		return false;
	bpf_get_current_comm(comm, sizeof(comm));
	if (kern_is_looker(comm))
		return is_others(sk);
	return claim_for(sk, bpf_get_current_pid_tgid() >> 32);
}

/* It begins another life, or ends. */
static __always_inline void forget_claim(__u64 sk)
{
	__u64 key = sk;

	if (config.filter.n_pids)
		bpf_map_delete_elem(&claims, &key);
}

#endif
