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

	tuple->local_port = bpf_ntohs(sport);
	tuple->peer_port = bpf_ntohs(BPF_CORE_READ(skc, skc_dport));
	tuple->family = 4;
	if (BPF_CORE_READ(skc, skc_family) == AF_INET) {
		local[0] = BPF_CORE_READ(skc, skc_rcv_saddr);
		peer[0] = BPF_CORE_READ(skc, skc_daddr);
		return;
	}
	BPF_CORE_READ_INTO(&tuple->local, skc, skc_v6_rcv_saddr.in6_u.u6_addr8);
	BPF_CORE_READ_INTO(&tuple->peer, skc, skc_v6_daddr.in6_u.u6_addr8);
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

static __always_inline void read_sock_tuple(const struct sock *sk, struct wire_tuple *tuple)
{
	const struct inet_sock *inet = (const void *)sk;

	read_tuple(&sk->__sk_common, BPF_CORE_READ(inet, inet_sport), tuple);
}

static __always_inline bool is_tcp(const struct sock *sk)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	/* MPTCP's own sockets, DCCP and SCTP share the tracepoints */
	return (family == AF_INET || family == AF_INET6) &&
	       BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP;
}

static __always_inline __u16 read_sock_flags(const struct sock *sk)
{
	const struct tcp_sock *tp = (const void *)sk;
	u64 bits = BPF_CORE_READ(sk, __sk_common.skc_flags);
	__u16 flags = 0;

	if (BPF_CORE_READ(sk, sk_lock.owned))
		flags |= WIRE_OWNED;
	if (kern_sock_flag(bits, bpf_core_enum_value(enum sock_flags, SOCK_DEAD)))
		flags |= WIRE_DEAD;
	if (kern_sock_flag(bits, bpf_core_enum_value(enum sock_flags, SOCK_DONE)))
		flags |= WIRE_DONE;
	if (kern_sock_flag(bits, bpf_core_enum_value(enum sock_flags, SOCK_KEEPOPEN)))
		flags |= WIRE_KEEPALIVE;
	if (kern_sock_flag(bits, bpf_core_enum_value(enum sock_flags, SOCK_LINGER)))
		flags |= WIRE_LINGER;
	if (BPF_CORE_READ(sk, sk_socket))
		flags |= WIRE_HAS_SOCKET;
	if (BPF_CORE_READ_BITFIELD_PROBED(tp, repair))
		flags |= WIRE_REPAIR;
	if (kern_is_mptcp(tp))
		flags |= WIRE_MPTCP;
	return flags;
}

/* The event's part that comes from a full socket. */
static __always_inline void fill_event_sock(struct wire_event *ev, const struct sock *sk)
{
	ev->cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	ev->netns_ino = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	ev->flags |= read_sock_flags(sk);
	ev->shutdown = BPF_CORE_READ(sk, sk_shutdown);
}

static __always_inline __u32 clamp_u32(u64 value)
{
	return value > 0xffffffffULL ? 0xffffffffU : value;
}

static __always_inline void fill_sock(struct wire_sock *out, const struct sock *sk)
{
	const struct inet_connection_sock *icsk = (const void *)sk;
	const struct tcp_sock *tp = (const void *)sk;
	u32 rcv_nxt = BPF_CORE_READ(tp, rcv_nxt), snd_nxt = BPF_CORE_READ(tp, snd_nxt);

	read_sock_tuple(sk, &out->tuple);
	out->netns_cookie = kern_netns_cookie(BPF_CORE_READ(sk, __sk_common.skc_net.net));
	out->cgroup_id = kern_sock_cgroup_id(sk);
	out->bytes_sent = BPF_CORE_READ(tp, bytes_sent);
	out->bytes_acked = BPF_CORE_READ(tp, bytes_acked);
	out->bytes_received = BPF_CORE_READ(tp, bytes_received);
	out->linger_jiffies = clamp_u32(BPF_CORE_READ(sk, sk_lingertime));
	out->uid = BPF_CORE_READ(sk, sk_uid.val);
	out->err = BPF_CORE_READ(sk, sk_err);
	out->err_soft = BPF_CORE_READ(sk, sk_err_soft);
	out->unread = rcv_nxt - BPF_CORE_READ(tp, copied_seq);
	out->unsent = BPF_CORE_READ(tp, write_seq) - snd_nxt;
	out->unacked = snd_nxt - BPF_CORE_READ(tp, snd_una);
	out->snd_wnd = BPF_CORE_READ(tp, snd_wnd);
	out->user_timeout_ms = BPF_CORE_READ(icsk, icsk_user_timeout);
	out->total_retrans = BPF_CORE_READ(tp, total_retrans);
	out->linger2 = BPF_CORE_READ(tp, linger2);
	out->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	out->retransmits = BPF_CORE_READ(icsk, icsk_retransmits);
	out->probes_out = BPF_CORE_READ(icsk, icsk_probes_out);
}

/*
 * The task on this CPU. It is the socket's business only where a process holds
 * the socket's lock (never seen in a softirq), or where the hook itself is only
 * ever run for a task that asks (`asked`).
 */
static __always_inline void fill_task_of(struct wire_task *out, struct task_struct *task)
{
	__u32 flags = BPF_CORE_READ(task, flags);

	out->pid = BPF_CORE_READ(task, tgid);
	out->tid = BPF_CORE_READ(task, pid);
	out->uid = BPF_CORE_READ(task, cred, uid.val);
	out->exit_code = BPF_CORE_READ(task, exit_code);
	/* the process's name, as ps shows it, not the thread's */
	BPF_CORE_READ_INTO(&out->comm, task, group_leader, comm);
	if (flags & PF_EXITING)
		out->flags |= WIRE_TASK_EXITING;
	if (flags & PF_KTHREAD)
		out->flags |= WIRE_TASK_KTHREAD;
}

static __always_inline void fill_task(struct wire_task *out, bool asked)
{
	fill_task_of(out, (struct task_struct *)bpf_get_current_task());
	if (asked)
		out->flags |= WIRE_TASK_MEANT;
}

static __always_inline void fill_mini(struct wire_mini *out, const struct inet_timewait_sock *tw)
{
	out->ev.cookie = BPF_CORE_READ(tw, __tw_common.skc_cookie.counter);
	out->ev.netns_ino = BPF_CORE_READ(tw, __tw_common.skc_net.net, ns.inum);
	out->ev.new_state = BPF_CORE_READ(tw, tw_substate);
	__builtin_memset(&out->tuple, 0, sizeof(*out) - sizeof(out->ev));
	read_tuple(&tw->__tw_common, BPF_CORE_READ(tw, tw_sport), &out->tuple);
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

/* The socket's cgroup is the wanted one or lies below it. */
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

static __always_inline bool netns_wanted(const struct sock_common *skc)
{
	__u32 want = config.filter.netns_ino;

	return !want || BPF_CORE_READ(skc, skc_net.net, ns.inum) == want;
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
static __always_inline bool sock_wanted(const struct sock *sk)
{
	struct wire_tuple tuple = {};

	if (!config.filter.on)
		return true;
	if (!netns_wanted(&sk->__sk_common))
		return false;
	if (config.filter.cgroup_id && !cgroup_wanted(sk))
		return false;
	read_sock_tuple(sk, &tuple);
	return tuple_wanted(&tuple);
}

/* A mini-socket has no cgroup: user space joins it to its socket, or drops it. */
static __always_inline bool mini_wanted(const struct inet_timewait_sock *tw)
{
	struct wire_tuple tuple = {};

	if (!config.filter.on)
		return true;
	if (!netns_wanted(&tw->__tw_common))
		return false;
	read_tuple(&tw->__tw_common, BPF_CORE_READ(tw, tw_sport), &tuple);
	return tuple_wanted(&tuple);
}

/*
 * -p: a socket is whose who connected it, or held it when the trace began, or
 * else closes it for good. Before that it cannot be known here, and all of it
 * goes out; once it is another's, nothing does. A claim stays: a socket that is
 * handed on, or closed by a child, is still its first owner's.
 */
static __always_inline bool is_others(const struct sock *sk)
{
	__u64 key = (__u64)sk;
	__u8 *claim = config.filter.n_pids ? bpf_map_lookup_elem(&claims, &key) : NULL;

	return claim && *claim == CLAIM_OTHERS;
}

/* True when it is (now) another's. */
static __always_inline bool claim_for(const struct sock *sk, __u32 pid)
{
	__u64 key = (__u64)sk;
	__u8 claim;

	if (!config.filter.n_pids)
		return false;
	claim = pid_wanted(pid) ? CLAIM_WANTED : CLAIM_OTHERS;
	bpf_map_update_elem(&claims, &key, &claim, BPF_NOEXIST);
	return is_others(sk);
}

static __always_inline bool claim_for_current(const struct sock *sk)
{
	return claim_for(sk, bpf_get_current_pid_tgid() >> 32);
}

/* It begins another life, or ends. */
static __always_inline void forget_claim(const struct sock *sk)
{
	__u64 key = (__u64)sk;

	if (config.filter.n_pids)
		bpf_map_delete_elem(&claims, &key);
}

#endif
