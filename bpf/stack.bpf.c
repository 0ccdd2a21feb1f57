// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* stack: what the kernel did with the socket: its states, the resets it sent, its end. */
#include "sock.bpf.h"

/* What a state change is worth: nothing, a word, who and where, or the whole socket. */
static __always_inline int state_layout(__u8 old_state, __u8 new_state)
{
	if (new_state == ST_LISTEN || old_state == ST_LISTEN || new_state == old_state)
		return config.events || (new_state == old_state && old_state != ST_CLOSE &&
					 old_state != ST_LISTEN)
			       ? WIRE_LEAN
			       : 0;
	if (new_state == ST_CLOSE || old_state == ST_ESTABLISHED || old_state == ST_CLOSE_WAIT)
		return WIRE_FULL;
	if (new_state == ST_SYN_SENT || new_state == ST_ESTABLISHED)
		return WIRE_BRIEF;
	return WIRE_LEAN;
}

static __always_inline void fill_state(struct wire_event *ev, const struct sock *sk, __u8 old_state,
				       __u8 new_state, __u16 flags)
{
	fill_event_sock(ev, sk);
	ev->flags |= flags;
	ev->old_state = old_state;
	ev->new_state = new_state;
}

static __always_inline void send_state_lean(const struct sock *sk, __u8 old_state, __u8 new_state,
					    __u16 flags)
{
	struct wire_event *rec = begin(HOOK_STATE, sizeof(*rec));

	if (!rec)
		return;
	fill_event(rec, WIRE_STATE, WIRE_LEAN, sizeof(*rec), HOOK_STATE, (__u64)sk);
	fill_state(rec, sk, old_state, new_state, flags);
	submit(rec);
}

static __always_inline void send_state_brief(const struct sock *sk, __u8 old_state,
					     __u8 new_state, __u16 flags)
{
	struct wire_brief *rec = begin(HOOK_STATE, sizeof(*rec));

	if (!rec)
		return;
	__builtin_memset(rec, 0, sizeof(*rec));
	fill_event(&rec->ev, WIRE_STATE, WIRE_BRIEF, sizeof(*rec), HOOK_STATE, (__u64)sk);
	fill_state(&rec->ev, sk, old_state, new_state, flags);
	fill_task(&rec->task, rec->ev.flags & WIRE_OWNED);
	read_sock_tuple(sk, &rec->tuple);
	submit(rec);
}

static __always_inline void send_state_full(const struct sock *sk, __u8 old_state, __u8 new_state,
					    __u16 flags)
{
	struct wire_full *rec = begin(HOOK_STATE, sizeof(*rec));

	if (!rec)
		return;
	__builtin_memset(rec, 0, sizeof(*rec));
	fill_event(&rec->ev, WIRE_STATE, WIRE_FULL, sizeof(*rec), HOOK_STATE, (__u64)sk);
	fill_state(&rec->ev, sk, old_state, new_state, flags);
	fill_task(&rec->task, rec->ev.flags & WIRE_OWNED);
	fill_sock(&rec->sock, sk);
	submit(rec);
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
	int layout = state_layout(old_state, new_state);

	if (!layout || !is_tcp(sk))
		return 0;
	if (!sock_wanted(sk)) {
		/* connect() had no port yet when it was let through: now it has, and it is not one of these */
		if (old_state == ST_SYN_SENT && ports_asked())
			send_state_lean(sk, old_state, new_state, flags | WIRE_OTHERS);
		return 0;
	}
	/* a new life: whoever had this address before is gone, or has let go of it */
	if (new_state == ST_SYN_SENT || old_state == ST_SYN_RECV)
		forget_claim(sk);
	if (new_state == ST_SYN_SENT)
		claim_for_current(sk);
	if (is_others(sk))
		return 0;
	if (layout == WIRE_FULL)
		send_state_full(sk, old_state, new_state, flags);
	else if (layout == WIRE_BRIEF)
		send_state_brief(sk, old_state, new_state, flags);
	else
		send_state_lean(sk, old_state, new_state, flags);
	return 0;
}

static __always_inline __u64 state_key(int old_state, int new_state)
{
	return 1ULL << 32 | (__u32)old_state << 8 | (__u32)new_state;
}

static __always_inline int first_on_state(const struct sock *sk, int old_state, int new_state)
{
	leave_mark(HOOK_STATE, (__u64)sk, state_key(old_state, new_state));
	return on_state(sk, old_state, new_state, 0);
}

static __always_inline int second_on_state(const struct sock *sk, int old_state, int new_state)
{
	if (take_mark(HOOK_STATE, (__u64)sk, state_key(old_state, new_state)))
		return 0;
	return on_state(sk, old_state, new_state, WIRE_UNDERSTUDY);
}

SEC("?tp_btf/inet_sock_set_state")
int BPF_PROG(tp_btf__inet_sock_set_state, const struct sock *sk, int old_state, int new_state)
{
	return first_on_state(sk, old_state, new_state);
}

SEC("?tp_btf/inet_sock_set_state")
int BPF_PROG(tp_btf__inet_sock_set_state_2, const struct sock *sk, int old_state, int new_state)
{
	return second_on_state(sk, old_state, new_state);
}

/* tcp_set_state() does not see LISTEN -> SYN_RECV and CLOSE -> LISTEN: no verdict needs them. */
SEC("?fentry/tcp_set_state")
int BPF_PROG(fentry__tcp_set_state, struct sock *sk, int state)
{
	return first_on_state(sk, BPF_CORE_READ(sk, __sk_common.skc_state), state);
}

SEC("?fentry/tcp_set_state")
int BPF_PROG(fentry__tcp_set_state_2, struct sock *sk, int state)
{
	return second_on_state(sk, BPF_CORE_READ(sk, __sk_common.skc_state), state);
}

SEC("?kprobe/tcp_set_state")
int BPF_KPROBE(kprobe__tcp_set_state, struct sock *sk, int state)
{
	return on_state(sk, BPF_CORE_READ(sk, __sk_common.skc_state), state, 0);
}

static __always_inline void send_reset_full(const struct sock *sk, __u8 kind, __u32 reason,
					    __u16 flags)
{
	struct wire_full *rec = begin(HOOK_RST_SENT, sizeof(*rec));

	if (!rec)
		return;
	__builtin_memset(rec, 0, sizeof(*rec));
	fill_event(&rec->ev, kind, WIRE_FULL, sizeof(*rec), HOOK_RST_SENT, (__u64)sk);
	fill_event_sock(&rec->ev, sk);
	rec->ev.flags |= flags;
	rec->ev.reason = reason;
	fill_task(&rec->task, rec->ev.flags & WIRE_OWNED);
	fill_sock(&rec->sock, sk);
	submit(rec);
}

static __always_inline void send_reset_mini(const struct inet_timewait_sock *tw, __u32 reason,
					    __u16 flags)
{
	struct wire_mini *rec;

	if (!mini_wanted(tw))
		return;
	rec = begin(HOOK_RST_SENT, sizeof(*rec));
	if (!rec)
		return;
	fill_event(&rec->ev, WIRE_RST_REPLY, WIRE_MINI, sizeof(*rec), HOOK_RST_SENT, (__u64)tw);
	fill_mini(rec, tw);
	rec->ev.flags = flags;
	rec->ev.reason = reason;
	submit(rec);
}

/*
 * An RST leaves, or has left. On its own accord: the socket is locked. In reply:
 * softirq, or a process that works off its backlog; the socket may be a full
 * one (its state CLOSE already), a mini-socket, a request, a listener, or none.
 * Of the latter three only the shared part may be read, and none of them is a
 * connection that ends.
 */
static __always_inline int on_reset_sent(const struct sock *sk, __u8 kind, __u32 reason,
					 __u16 flags)
{
	__u8 state;

	if (!sk)
		return 0;
	state = BPF_CORE_READ(sk, __sk_common.skc_state);
	if (state == ST_TIME_WAIT) {
		send_reset_mini((const void *)sk, reason, flags);
		return 0;
	}
	if (state == ST_LISTEN || state == ST_NEW_SYN_RECV)
		return 0;
	if (!is_tcp(sk) || is_others(sk) || !sock_wanted(sk))
		return 0;
	send_reset_full(sk, kind, reason, flags);
	return 0;
}

/* clang would merge the loads of reason_arg() into one with a variable offset: refused for a context. */
#define load_arg(ctx, n)                                                                           \
	({                                                                                         \
		__u64 value_;                                                                      \
		asm volatile("%0 = *(u64 *)(%1 + %2)" : "=r"(value_) : "r"(ctx), "i"(8 * (n)));    \
		value_;                                                                            \
	})

/* Where a kernel has a reason and in which argument: both are known before this is loaded. */
static __always_inline __u32 reason_arg(const __u64 *ctx, __u8 arg)
{
	switch (arg) {
	case 1:
		return load_arg(ctx, 1);
	case 2:
		return load_arg(ctx, 2);
	case 3:
		return load_arg(ctx, 3);
	}
	return WIRE_NO_REASON;
}

/* The reset tracepoint says sk and skb: no skb, and it is of the socket's own accord. */
SEC("?tp_btf/tcp_send_reset")
int tp_btf__tcp_send_reset(__u64 *ctx)
{
	const struct sock *sk = (const void *)ctx[0];
	__u64 skb = ctx[1];

	leave_mark(HOOK_RST_SENT, (__u64)sk, skb);
	return on_reset_sent(sk, skb ? WIRE_RST_REPLY : WIRE_RST_ACTIVE,
			     reason_arg(ctx, config.tp_reason_arg), 0);
}

SEC("?tp_btf/tcp_send_reset")
int tp_btf__tcp_send_reset_2(__u64 *ctx)
{
	const struct sock *sk = (const void *)ctx[0];
	__u64 skb = ctx[1];

	if (take_mark(HOOK_RST_SENT, (__u64)sk, skb))
		return 0;
	return on_reset_sent(sk, skb ? WIRE_RST_REPLY : WIRE_RST_ACTIVE,
			     reason_arg(ctx, config.tp_reason_arg), WIRE_UNDERSTUDY);
}

SEC("?fentry/tcp_send_active_reset")
int fentry__tcp_send_active_reset(__u64 *ctx)
{
	leave_mark(HOOK_RST_SENT, ctx[0], 1);
	return on_reset_sent((const void *)ctx[0], WIRE_RST_ACTIVE,
			     reason_arg(ctx, config.active_reason_arg), 0);
}

SEC("?fentry/tcp_send_active_reset")
int fentry__tcp_send_active_reset_2(__u64 *ctx)
{
	if (take_mark(HOOK_RST_SENT, ctx[0], 1))
		return 0;
	return on_reset_sent((const void *)ctx[0], WIRE_RST_ACTIVE,
			     reason_arg(ctx, config.active_reason_arg), WIRE_UNDERSTUDY);
}

/*
 * tcp_v4_send_reset() and its twin answer nothing where the segment is an RST
 * itself: entered, but no RST leaves.
 */
static __always_inline bool segment_is_rst(const struct sk_buff *skb)
{
	struct tcphdr *th = (void *)(BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, transport_header));

	return BPF_CORE_READ_BITFIELD_PROBED(th, rst);
}

static __always_inline int on_reply(__u64 sk, __u64 skb, __u32 reason)
{
	if (segment_is_rst((const void *)skb))
		return 0;
	return on_reset_sent((const void *)sk, WIRE_RST_REPLY, reason, 0);
}

SEC("?fentry/tcp_v4_send_reset")
int fentry__tcp_v4_send_reset(__u64 *ctx)
{
	return on_reply(ctx[0], ctx[1], reason_arg(ctx, config.reply_reason_arg));
}

SEC("?fentry/tcp_v6_send_reset")
int fentry__tcp_v6_send_reset(__u64 *ctx)
{
	return on_reply(ctx[0], ctx[1], reason_arg(ctx, config.reply_reason_arg));
}

static __always_inline __u32 kprobe_reason(struct pt_regs *ctx, __u8 arg)
{
	if (arg == 1)
		return PT_REGS_PARM2_CORE(ctx);
	if (arg == 2)
		return PT_REGS_PARM3_CORE(ctx);
	return WIRE_NO_REASON;
}

SEC("?kprobe/tcp_send_active_reset")
int BPF_KPROBE(kprobe__tcp_send_active_reset, struct sock *sk)
{
	return on_reset_sent(sk, WIRE_RST_ACTIVE, kprobe_reason(ctx, config.active_reason_arg), 0);
}

SEC("?kprobe/tcp_v4_send_reset")
int BPF_KPROBE(kprobe__tcp_v4_send_reset, struct sock *sk, struct sk_buff *skb)
{
	return on_reply((__u64)sk, (__u64)skb, kprobe_reason(ctx, config.reply_reason_arg));
}

SEC("?kprobe/tcp_v6_send_reset")
int BPF_KPROBE(kprobe__tcp_v6_send_reset, struct sock *sk, struct sk_buff *skb)
{
	return on_reply((__u64)sk, (__u64)skb, kprobe_reason(ctx, config.reply_reason_arg));
}

/*
 * The start of the destructor: the last event of a full socket, all fields still
 * there. Process context when a process holds the lock: then, and only then,
 * the task is the one that closed.
 */
static __always_inline int on_destroy(const struct sock *sk, __u16 flags)
{
	struct wire_brief *rec;

	if (!is_tcp(sk) || BPF_CORE_READ(sk, __sk_common.skc_state) == ST_LISTEN)
		return 0;
	if (is_others(sk)) {
		forget_claim(sk);
		return 0;
	}
	forget_claim(sk);
	if (!sock_wanted(sk))
		return 0;
	rec = begin(HOOK_DESTROY, sizeof(*rec));
	if (!rec)
		return 0;
	__builtin_memset(rec, 0, sizeof(*rec));
	fill_event(&rec->ev, WIRE_DESTROY, WIRE_BRIEF, sizeof(*rec), HOOK_DESTROY, (__u64)sk);
	fill_event_sock(&rec->ev, sk);
	rec->ev.flags |= flags;
	fill_task(&rec->task, rec->ev.flags & WIRE_OWNED);
	read_sock_tuple(sk, &rec->tuple);
	submit(rec);
	return 0;
}

SEC("?tp_btf/tcp_destroy_sock")
int BPF_PROG(tp_btf__tcp_destroy_sock, struct sock *sk)
{
	leave_mark(HOOK_DESTROY, (__u64)sk, 1);
	return on_destroy(sk, 0);
}

SEC("?tp_btf/tcp_destroy_sock")
int BPF_PROG(tp_btf__tcp_destroy_sock_2, struct sock *sk)
{
	return take_mark(HOOK_DESTROY, (__u64)sk, 1) ? 0 : on_destroy(sk, WIRE_UNDERSTUDY);
}

SEC("?fentry/tcp_v4_destroy_sock")
int BPF_PROG(fentry__tcp_v4_destroy_sock, struct sock *sk)
{
	leave_mark(HOOK_DESTROY, (__u64)sk, 1);
	return on_destroy(sk, 0);
}

SEC("?fentry/tcp_v4_destroy_sock")
int BPF_PROG(fentry__tcp_v4_destroy_sock_2, struct sock *sk)
{
	return take_mark(HOOK_DESTROY, (__u64)sk, 1) ? 0 : on_destroy(sk, WIRE_UNDERSTUDY);
}

SEC("?kprobe/tcp_v4_destroy_sock")
int BPF_KPROBE(kprobe__tcp_v4_destroy_sock, struct sock *sk)
{
	return on_destroy(sk, 0);
}
