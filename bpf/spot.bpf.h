/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * spot: the small records. Without -e, and over IPv4, nothing is sent that no
 * verdict reads: what a record costs is the cache lines that the reader's CPU had
 * last, and they are few. Everything else goes out in the layouts that hold all.
 */
#ifndef TCPCLOSE_SPOT_BPF_H
#define TCPCLOSE_SPOT_BPF_H

#include "sock.bpf.h"

/* What happened to a socket, before anything is written of it. */
struct spot {
	__u8 kind;
	__u8 hook;
	__u8 old_state;
	__u8 new_state;
	__u16 flags;
	__u16 reason; /* WIRE_SPOT_NO_REASON */
};

static __always_inline bool fits_spot(const struct sock_common *skc)
{
	return !config.events && READ(skc, skc_family) == AF_INET;
}

/* The reasons that a kernel has are few. */
static __always_inline __u16 spot_reason(__u32 reason)
{
	return reason < WIRE_SPOT_NO_REASON ? reason : WIRE_SPOT_NO_REASON;
}

static __always_inline void fill_spot_head(struct wire_spot *out, __u8 layout, __u16 size, __u64 sk,
					   struct spot spot)
{
	out->size = size;
	out->version = WIRE_VERSION;
	out->kind = spot.kind;
	out->layout = layout;
	out->hook = spot.hook;
	out->cpu = bpf_get_smp_processor_id();
	out->mono_ns = bpf_ktime_get_ns();
	out->sk = sk;
	out->flags = spot.flags;
	out->old_state = spot.old_state;
	out->new_state = spot.new_state;
	out->reason = spot.reason;
	out->pad = 0;
}

static __always_inline void fill_spot_place(struct wire_spot *out, const struct sock_common *skc,
					    __be16 sport)
{
	out->local = READ(skc, skc_rcv_saddr);
	out->peer = READ(skc, skc_daddr);
	out->local_port = bpf_ntohs(sport);
	out->peer_port = bpf_ntohs(READ(skc, skc_dport));
}

static __always_inline void fill_spot(struct wire_spot *out, __u8 layout, __u16 size,
				      const struct tcp_sock *tp, struct spot spot)
{
	const struct sock *sk = (const void *)tp;

	fill_spot_head(out, layout, size, (__u64)tp, spot);
	fill_spot_place(out, &sk->__sk_common, read_sport_at(tp, spot.new_state));
	out->netns_ino = read_netns(sk);
	out->shutdown = READ(sk, sk_shutdown);
}

static __always_inline void fill_who(struct wire_who *out, bool asked)
{
	__u64 ids = bpf_get_current_pid_tgid();
	__s32 exit_code;
	__u32 flags;

	out->pid = ids >> 32;
	out->tid = ids;
	out->uid = bpf_get_current_uid_gid();
	kern_current(&flags, &exit_code, out->comm, out->pid == out->tid);
	out->exit_code = exit_code;
	out->flags = current_flags(flags, out->comm, asked);
}

/* Bytes are counted in 32 bits here. */
static __always_inline bool fits_sums(const struct tcp_sock *tp)
{
	return !((READ(tp, bytes_sent) | READ(tp, bytes_received)) >> 32);
}

static __always_inline void fill_sums(struct wire_sums *out, const struct tcp_sock *tp)
{
	const struct inet_connection_sock *icsk = (const void *)tp;
	const struct sock *sk = (const void *)tp;
	u32 rcv_nxt = READ(tp, rcv_nxt), snd_nxt = READ(tp, snd_nxt);

	out->cgroup_id = kern_sock_cgroup_id(sk);
	out->bytes_sent = READ(tp, bytes_sent);
	out->bytes_received = READ(tp, bytes_received);
	out->linger_jiffies = clamp_u32(READ(sk, sk_lingertime));
	out->unread = rcv_nxt - READ(tp, copied_seq);
	out->unsent = READ(tp, write_seq) - snd_nxt;
	out->unacked = snd_nxt - READ(tp, snd_una);
	out->snd_wnd = READ(tp, snd_wnd);
	out->user_timeout_ms = READ(icsk, icsk_user_timeout);
	out->total_retrans = READ(tp, total_retrans);
	out->linger2 = READ(tp, linger2);
	out->err = READ(sk, sk_err);
	out->err_soft = READ(sk, sk_err_soft);
	out->retransmits = READ(icsk, icsk_retransmits);
	out->probes_out = READ(icsk, icsk_probes_out);
	__builtin_memset(out->pad, 0, sizeof(out->pad));
}

/* Each sends one record, and returns when; 0: counted as lost. */

static __always_inline __u64 send_spot(const struct tcp_sock *tp, struct spot spot)
{
	struct wire_spot *rec = begin(spot.hook, sizeof(*rec));

	if (!rec)
		return 0;
	fill_spot(rec, WIRE_SPOT, sizeof(*rec), tp, spot);
	return submit((void *)rec);
}

static __always_inline __u64 send_spot_who(const struct tcp_sock *tp, struct spot spot)
{
	struct wire_spot_who *rec = begin(spot.hook, sizeof(*rec));

	if (!rec)
		return 0;
	fill_spot(&rec->spot, WIRE_SPOT_WHO, sizeof(*rec), tp, spot);
	fill_who(&rec->who, spot.flags & WIRE_OWNED);
	return submit((void *)rec);
}

static __always_inline __u64 send_spot_sums(const struct tcp_sock *tp, struct spot spot)
{
	struct wire_spot_sums *rec = begin(spot.hook, sizeof(*rec));

	if (!rec)
		return 0;
	fill_spot(&rec->spot, WIRE_SPOT_SUMS, sizeof(*rec), tp, spot);
	fill_sums(&rec->sums, tp);
	return submit((void *)rec);
}

static __always_inline __u64 send_spot_all(const struct tcp_sock *tp, struct spot spot)
{
	struct wire_spot_all *rec = begin(spot.hook, sizeof(*rec));

	if (!rec)
		return 0;
	fill_spot(&rec->spot, WIRE_SPOT_ALL, sizeof(*rec), tp, spot);
	fill_who(&rec->who, spot.flags & WIRE_OWNED);
	fill_sums(&rec->sums, tp);
	return submit((void *)rec);
}

/* A reset: who and where, for the state changes around it tell the rest. */
static __always_inline __u64 send_reset_place(const struct tcp_sock *tp, __u8 kind, __u8 hook,
					      __u32 reason, __u16 flags)
{
	struct wire_place *rec = begin(hook, sizeof(*rec));
	const struct sock *sk = (const void *)tp;

	if (!rec)
		return 0;
	fill_event(&rec->ev, kind, WIRE_PLACE, sizeof(*rec), hook, (__u64)tp);
	fill_event_sock(&rec->ev, tp, flags | read_sock_flags(tp));
	rec->ev.old_state = rec->ev.new_state = READ(sk, __sk_common.skc_state);
	rec->ev.reason = reason;
	read_sock_tuple(tp, &rec->tuple);
	return submit(&rec->ev);
}

/* The same with all that is known of the socket. */
static __always_inline __u64 send_reset_full(const struct tcp_sock *tp, __u8 kind, __u8 hook,
					     __u32 reason, __u16 flags)
{
	struct wire_full *rec = begin(hook, sizeof(*rec));

	if (!rec)
		return 0;
	fill_event(&rec->ev, kind, WIRE_FULL, sizeof(*rec), hook, (__u64)tp);
	fill_event_sock(&rec->ev, tp, flags | read_sock_flags(tp));
	fill_task(&rec->task, rec->ev.flags & WIRE_OWNED);
	fill_sock(&rec->sock, tp);
	rec->ev.old_state = rec->ev.new_state = rec->sock.state;
	rec->ev.reason = reason;
	return submit(&rec->ev);
}

static __always_inline __u64 send_reset(const struct tcp_sock *tp, __u8 kind, __u8 hook,
					__u32 reason, __u16 flags)
{
	const struct sock *sk = (const void *)tp;
	struct spot spot = { .kind = kind, .hook = hook };

	if (config.events)
		return send_reset_full(tp, kind, hook, reason, flags);
	if (!fits_spot(&sk->__sk_common))
		return send_reset_place(tp, kind, hook, reason, flags);
	spot.old_state = spot.new_state = READ(sk, __sk_common.skc_state);
	spot.flags = flags | read_sock_flags(tp);
	spot.reason = spot_reason(reason);
	return send_spot(tp, spot);
}

#endif
