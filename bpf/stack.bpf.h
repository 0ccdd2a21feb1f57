/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* stack: what is sent of what the kernel did with the socket. */
#ifndef TCPCLOSE_STACK_BPF_H
#define TCPCLOSE_STACK_BPF_H

#include "ends.bpf.h"
#include "minisock.bpf.h"
#include "overflow.bpf.h"
#include "peer.bpf.h"
#include "stray.bpf.h"

/* It begins or ends to listen: whose what nobody has accepted is, and who closes that queue. */
static __always_inline bool is_listeners(__u8 old_state, __u8 new_state)
{
	return (new_state == ST_LISTEN && old_state != ST_LISTEN) ||
	       (old_state == ST_LISTEN && new_state == ST_CLOSE);
}

/* Nobody has accepted it: it may die in the task that closes the listener, and no lock says so. */
static __always_inline bool is_queued(__u16 flags)
{
	return !(flags & (WIRE_DEAD | WIRE_HAS_SOCKET));
}

/*
 * What a state change is worth: nothing, a word, who and where, or the whole
 * socket. A FIN of ours is somebody's doing; its queues and counters the change
 * to CLOSE will tell, but SO_LINGER is what it is now.
 */
static __always_inline int state_layout(__u8 old_state, __u8 new_state, __u16 flags)
{
	if (is_listeners(old_state, new_state))
		return WIRE_BRIEF;
	if (new_state == old_state || old_state == ST_LISTEN)
		return WIRE_LEAN;
	if (new_state == ST_CLOSE)
		return task_counts(flags) || is_queued(flags) ? WIRE_FULL : WIRE_SOCK;
	/* is our FIN out yet, or does it wait behind data? */
	if (new_state == ST_CLOSING)
		return WIRE_SOCK;
	if (old_state == ST_ESTABLISHED || old_state == ST_CLOSE_WAIT) {
		if (config.events || flags & WIRE_LINGER)
			return WIRE_FULL;
		return new_state == ST_CLOSE_WAIT ? WIRE_PLACE : WIRE_BRIEF;
	}
	if (new_state == ST_SYN_SENT)
		return WIRE_BRIEF;
	if (new_state == ST_ESTABLISHED)
		return config.events ? WIRE_BRIEF : WIRE_PLACE;
	return WIRE_LEAN;
}

/* What listens, and what is CLOSE and stays it, is nobody's verdict. */
static __always_inline bool is_told(__u8 old_state, __u8 new_state)
{
	if (config.events)
		return true;
	if (new_state == ST_LISTEN || old_state == ST_LISTEN)
		return is_listeners(old_state, new_state);
	return new_state != old_state || old_state != ST_CLOSE;
}

/* A state change as the hook saw it. */
struct change {
	__u8 old_state;
	__u8 new_state;
	__u16 flags;
};

static __always_inline void fill_state(struct wire_event *ev, const struct tcp_sock *tp,
				       __u8 layout, __u16 size, struct change change)
{
	fill_event(ev, WIRE_STATE, layout, size, HOOK_STATE, (__u64)tp);
	fill_event_sock(ev, tp, change.flags);
	ev->old_state = change.old_state;
	ev->new_state = change.new_state;
}

static __always_inline __u64 send_state_lean(const struct tcp_sock *tp, struct change change)
{
	struct wire_event *rec = begin(HOOK_STATE, sizeof(*rec));

	if (!rec)
		return 0;
	fill_state(rec, tp, WIRE_LEAN, sizeof(*rec), change);
	return submit(rec);
}

static __always_inline __u64 send_state_place(const struct tcp_sock *tp, struct change change)
{
	struct wire_place *rec = begin(HOOK_STATE, sizeof(*rec));

	if (!rec)
		return 0;
	fill_state(&rec->ev, tp, WIRE_PLACE, sizeof(*rec), change);
	read_sock_tuple(tp, &rec->tuple);
	return submit(&rec->ev);
}

static __always_inline __u64 send_state_brief(const struct tcp_sock *tp, struct change change)
{
	struct wire_brief *rec = begin(HOOK_STATE, sizeof(*rec));

	if (!rec)
		return 0;
	fill_state(&rec->ev, tp, WIRE_BRIEF, sizeof(*rec), change);
	fill_task(&rec->task, change.flags & WIRE_OWNED);
	read_tuple((const void *)tp, read_sport_at(tp, change.new_state), &rec->tuple);
	return submit(&rec->ev);
}

static __always_inline __u64 send_state_alone(const struct tcp_sock *tp, struct change change)
{
	struct wire_alone *rec = begin(HOOK_STATE, sizeof(*rec));

	if (!rec)
		return 0;
	fill_state(&rec->ev, tp, WIRE_SOCK, sizeof(*rec), change);
	fill_sock(&rec->sock, tp);
	return submit(&rec->ev);
}

static __always_inline __u64 send_state_full(const struct tcp_sock *tp, struct change change)
{
	struct wire_full *rec = begin(HOOK_STATE, sizeof(*rec));

	if (!rec)
		return 0;
	fill_state(&rec->ev, tp, WIRE_FULL, sizeof(*rec), change);
	fill_task(&rec->task, change.flags & WIRE_OWNED);
	fill_sock(&rec->sock, tp);
	return submit(&rec->ev);
}

static __always_inline __u64 send_state_spot(const struct tcp_sock *tp, struct change change,
					     int layout)
{
	struct spot spot = { WIRE_STATE, HOOK_STATE, change.old_state, change.new_state, change.flags,
			     WIRE_SPOT_NO_REASON };

	switch (layout) {
	case WIRE_FULL:
		return send_spot_all(tp, spot);
	case WIRE_SOCK:
		return send_spot_sums(tp, spot);
	case WIRE_BRIEF:
		return send_spot_who(tp, spot);
	default:
		return send_spot(tp, spot);
	}
}

static __always_inline bool state_fits_spot(const struct tcp_sock *tp, int layout)
{
	const struct sock *sk = (const void *)tp;

	return fits_spot(&sk->__sk_common) &&
	       ((layout != WIRE_FULL && layout != WIRE_SOCK) || fits_sums(tp));
}

static __always_inline __u64 send_state(const struct tcp_sock *tp, struct change change)
{
	int layout = state_layout(change.old_state, change.new_state, change.flags);

	if (state_fits_spot(tp, layout))
		return send_state_spot(tp, change, layout);
	switch (layout) {
	case WIRE_FULL:
		return send_state_full(tp, change);
	case WIRE_SOCK:
		return send_state_alone(tp, change);
	case WIRE_BRIEF:
		return send_state_brief(tp, change);
	case WIRE_PLACE:
		return send_state_place(tp, change);
	default:
		return send_state_lean(tp, change);
	}
}

#ifdef READ_BY_PROBE
/*
 * Where every field is read by a call, what is to be remembered beyond the record
 * multiplies the ways through it, and newer verifiers give up (more than a million
 * instructions in v6.18 and v7): here each record speaks for itself.
 */
static __always_inline void tell_state(const struct tcp_sock *tp, struct change change)
{
	send_state(tp, change);
}
#else
/* Such a change was told: what will be said by it later. */
static __always_inline void note_state(__u64 sk, struct change change, __u64 mono_ns)
{
	if (change.new_state == ST_SYN_SENT) {
		if (change.flags & WIRE_OWNED)
			note_connect(sk);
	} else if (change.new_state == ST_CLOSE) {
		note_end(sk, change.flags & WIRE_OWNED, change.flags & WIRE_DEAD, mono_ns);
		if (!(change.flags & WIRE_OWNED))
			note_network(sk, change.flags & WIRE_DEAD);
	}
}

/*
 * All that follows is the same for the verifier however it came here: else it goes
 * through every record once for each of the ways, and half of starting is that.
 */
static __always_inline void forget(struct change *change)
{
	change->old_state += nothing;
	change->new_state += nothing;
	change->flags += nothing;
}

/* A change to CLOSE may carry an RST that was held for it, and may be the last that is said of the socket. */
static __always_inline void tell_state(const struct tcp_sock *tp, struct change change)
{
	__u64 sk = (__u64)tp, mono_ns;

	if (change.new_state == ST_CLOSE)
		change.flags |= take_held_reset(sk);
	forget(&change);
	mono_ns = send_state(tp, change);
	if (!mono_ns && change.flags & WIRE_RESET)
		count_lost(HOOK_RST_RECEIVED);
	if (mono_ns && !config.events)
		note_state(sk, change, mono_ns);
}
#endif

static __always_inline void forget_life(__u64 sk)
{
	forget_claim(sk);
	if (!config.events)
		take_connect(sk);
}

/*
 * Before sk_state is stored, so sk->sk_state is still old. Process or softirq
 * context; the socket's lock is held (by a process, or as a spinlock by the
 * softirq), so its fields hold still. Same-state changes are the mark that
 * close() leaves on a socket that was shut down before.
 */
static __always_inline int on_state(const struct sock *sk, __u8 old_state, __u8 new_state,
				    __u16 flags)
{
	struct change change = { old_state, new_state, flags };
	const struct tcp_sock *tp = is_told(old_state, new_state) ? tcp_of(sk, HOOK_STATE) : NULL;

	if (!tp)
		return 0;
	change.flags |= read_sock_flags(tp);
	if (!sock_wanted_at(tp, new_state)) {
		/* connect() had no port yet when it was let through: now it has, and it is not one of these */
		change.flags |= WIRE_OTHERS;
		if (old_state == ST_SYN_SENT && ports_asked())
			send_state_lean(tp, change);
		return 0;
	}
	/* a new life: whoever had this address before is gone, or has let go of it */
	if (new_state == ST_SYN_SENT || old_state == ST_SYN_RECV)
		forget_life((__u64)sk);
	if (new_state == ST_SYN_SENT)
		claim_for_current((__u64)sk);
	if (!is_others((__u64)sk))
		tell_state(tp, change);
	return 0;
}

/* A mini-socket's answer. */
static __always_inline void send_reset_mini(__u64 addr, __u32 reason, __u16 flags)
{
	struct mini_event e = { .kind = WIRE_RST_REPLY, .hook = HOOK_RST_SENT, .flags = flags, .reason = reason };

	tell_mini(addr, &e);
}

/*
 * An RST leaves, or has left. On its own accord: the socket is locked. In reply:
 * softirq, or a process that works off its backlog; the socket may be a full
 * one (its state CLOSE already), a mini-socket, a request, a listener, or none.
 * Of the latter three only the shared part may be read, and none of them is a
 * connection that ends.
 */
static __always_inline int on_reset_sent(const struct sock *sk, const struct sk_buff *skb, __u8 kind,
					 __u32 reason, __u16 flags)
{
	__u8 state = sk ? READ(sk, __sk_common.skc_state) : 0;
	const struct tcp_sock *tp;

	if (state == ST_TIME_WAIT) {
		send_reset_mini((__u64)sk, reason, flags);
		return 0;
	}
	if (!state || state == ST_LISTEN || state == ST_NEW_SYN_RECV)
		return skb ? send_stray(sk, skb, state, reason, flags) : 0;
	tp = tcp_of(sk, HOOK_RST_SENT);
	if (tp && !is_others((__u64)sk) && sock_wanted(tp) &&
	    send_reset(tp, kind, HOOK_RST_SENT, reason, flags) && kind == WIRE_RST_ACTIVE)
		note_reset((__u64)sk);
	return 0;
}

/*
 * tcp_v4_send_reset() and its twin answer nothing where the segment is an RST
 * itself: entered, but no RST leaves. Nor does one for no socket where the route is
 * not local, or the segment fails MD5 or AO: that is only known further on, and such
 * an RST is told of (docs/KERNELS.md).
 */
static __always_inline int on_reply(void *ctx, const struct sock *sk, const struct sk_buff *skb, __u32 reason)
{
	if (segment_is_rst(skb))
		return 0;
	on_refusal(ctx, sk, skb, reason, 0);
	return on_reset_sent(sk, skb, WIRE_RST_REPLY, reason, 0);
}

static __always_inline void send_destroy_brief(const struct tcp_sock *tp, __u16 flags)
{
	struct wire_brief *rec = begin(HOOK_DESTROY, sizeof(*rec));

	if (!rec)
		return;
	fill_event(&rec->ev, WIRE_DESTROY, WIRE_BRIEF, sizeof(*rec), HOOK_DESTROY, (__u64)tp);
	fill_event_sock(&rec->ev, tp, flags);
	fill_task(&rec->task, flags & WIRE_OWNED);
	read_sock_tuple(tp, &rec->tuple);
	submit(&rec->ev);
}

static __always_inline void send_destroy_task(const struct tcp_sock *tp, __u16 flags)
{
	struct wire_by_task *rec = begin(HOOK_DESTROY, sizeof(*rec));

	if (!rec)
		return;
	fill_event(&rec->ev, WIRE_DESTROY, WIRE_TASK, sizeof(*rec), HOOK_DESTROY, (__u64)tp);
	fill_event_sock(&rec->ev, tp, flags);
	fill_task(&rec->task, true);
	submit(&rec->ev);
}

static __always_inline void send_destroy_lean(const struct tcp_sock *tp, __u16 flags)
{
	struct wire_event *rec = begin(HOOK_DESTROY, sizeof(*rec));

	if (!rec)
		return;
	fill_event(rec, WIRE_DESTROY, WIRE_LEAN, sizeof(*rec), HOOK_DESTROY, (__u64)tp);
	fill_event_sock(rec, tp, flags);
	submit(rec);
}

static __always_inline void send_destroy_spot(const struct tcp_sock *tp, __u16 flags)
{
	struct spot spot = { WIRE_DESTROY, HOOK_DESTROY, 0, 0, flags, WIRE_SPOT_NO_REASON };

	if (flags & WIRE_OWNED)
		send_spot_who(tp, spot);
	else
		send_spot(tp, spot);
}

/* Without -e: its CLOSE has said so, or it was never anything but a descriptor. */
static __always_inline bool take_told_destroy(const struct tcp_sock *tp)
{
	return !config.events && (take_told_end((__u64)tp) || !READ(tp, write_seq));
}

/*
 * The start of the destructor: the last event of a full socket, all fields still
 * there. Process context when a process holds the lock: then, and only then,
 * the task is the one that closed.
 */
static __always_inline int on_destroy(const struct sock *sk, __u16 flags)
{
	const struct tcp_sock *tp = tcp_of(sk, HOOK_DESTROY);
	bool others;

	if (!tp || READ(sk, __sk_common.skc_state) == ST_LISTEN)
		return 0;
	others = is_others((__u64)sk);
	forget_claim((__u64)sk);
	/* who asks the last takes the note away: once, and only for what would be told */
	if (others || !sock_wanted(tp) || take_told_destroy(tp))
		return 0;
	flags |= read_sock_flags(tp);
	if (fits_spot(&sk->__sk_common))
		send_destroy_spot(tp, flags);
	else if (config.events)
		send_destroy_brief(tp, flags);
	else if (flags & WIRE_OWNED)
		send_destroy_task(tp, flags);
	else
		send_destroy_lean(tp, flags);
	return 0;
}

#endif
