/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* minisock: what is sent of a FIN_WAIT2 or TIME_WAIT mini-socket. */
#ifndef TCPCLOSE_MINISOCK_BPF_H
#define TCPCLOSE_MINISOCK_BPF_H

#include "sock.bpf.h"

/*
 * As much of a mini-socket as is read, copied at once: the timer tracepoints give
 * no pointer that could be followed. That it is enough on this kernel, too, is
 * what the verifier sees to.
 */
struct mini_copy {
	__u64 words[24];
};

static __always_inline bool copy_mini(struct mini_copy *copy, const void *tw, __u32 hook)
{
	if (!bpf_probe_read_kernel(copy, sizeof(*copy), tw))
		return true;
	count_lost(hook);
	return false;
}

static __always_inline const struct inet_timewait_sock *mini_of(const struct mini_copy *copy)
{
	const void *tw = copy;

	/* a field's offset is added to it at load time, not to the frame's */
	barrier_var(tw);
	return tw;
}

/* In a copy a pointer is a number for the verifier. */
static __always_inline __u32 mini_netns(const struct inet_timewait_sock *tw)
{
	const struct net *net = READ(tw, __tw_common.skc_net.net);

	return BPF_CORE_READ(net, ns.inum);
}

/* A mini-socket has no cgroup: user space joins it to its socket, or drops it. */
static __always_inline bool mini_wanted(const struct inet_timewait_sock *tw)
{
	struct wire_tuple tuple;

	if (!config.filter.on)
		return true;
	if (netns_asked() && mini_netns(tw) != config.filter.netns_ino)
		return false;
	read_tuple(&tw->__tw_common, READ(tw, tw_sport), &tuple);
	return tuple_wanted(&tuple);
}

static __always_inline void fill_mini(struct wire_mini *out, const struct inet_timewait_sock *tw)
{
	out->ev.cookie = READ(tw, __tw_common.skc_cookie.counter);
	out->ev.netns_ino = mini_netns(tw);
	out->ev.new_state = READ(tw, tw_substate);
	read_tuple(&tw->__tw_common, READ(tw, tw_sport), &out->tuple);
	out->timeout_jiffies = 0;
	out->caller = WIRE_BY_UNKNOWN;
	__builtin_memset(out->pad, 0, sizeof(out->pad));
	out->flags = 0;
}

/* Beyond what is copied, and asked for once in its life: without them nobody may take its port early. */
static __always_inline __u8 mini_timestamps(__u64 addr)
{
	const struct tcp_timewait_sock *tcptw = (const void *)addr;
	int stamp;

	if (bpf_core_read(&stamp, sizeof(stamp), &tcptw->tw_ts_recent_stamp))
		return 0;
	return WIRE_MINI_TS_KNOWN | (stamp ? WIRE_MINI_TS : 0);
}

/* Room for a record of the mini-socket at that address, filled; NULL = not wanted, or counted. */
static __always_inline struct wire_mini *begin_mini(__u64 addr, __u8 kind, __u8 hook)
{
	const struct inet_timewait_sock *tw;
	struct mini_copy copy;
	struct wire_mini *rec;

	if (!copy_mini(&copy, (const void *)addr, hook))
		return NULL;
	tw = mini_of(&copy);
	if (!mini_wanted(tw))
		return NULL;
	rec = begin(hook, sizeof(*rec));
	if (!rec)
		return NULL;
	fill_event(&rec->ev, kind, WIRE_MINI, sizeof(*rec), hook, addr);
	fill_mini(rec, tw);
	if (kind == WIRE_MINI_BORN)
		rec->flags = mini_timestamps(addr);
	return rec;
}

static __always_inline int send_mini(__u64 addr, __u8 kind, __u8 hook, __u32 timeout_jiffies)
{
	struct wire_mini *rec = begin_mini(addr, kind, hook);

	if (!rec)
		return 0;
	rec->timeout_jiffies = timeout_jiffies;
	submit(&rec->ev);
	return 0;
}

static __always_inline __u64 mini_of_timer(const struct timer_list *timer)
{
	return (__u64)timer - bpf_core_field_offset(struct inet_timewait_sock, tw_timer);
}

/* Timer softirq, just before the mini-socket is killed for having lived its time. */
static __always_inline int on_handler(const struct timer_list *timer)
{
	return send_mini(mini_of_timer(timer), WIRE_MINI_EXPIRED, HOOK_MINI_EXPIRED, 0);
}

/*
 * Wound up again: in softirq; the substate is TIME_WAIT already when a FIN is the
 * reason. (The first winding is the birth's, before or while it is hashed.)
 */
static __always_inline int on_armed(const struct inet_timewait_sock *tw, int timeout, bool again)
{
	return again ? send_mini((__u64)tw, WIRE_MINI_ARMED, HOOK_MINI_ARMED, timeout) : 0;
}

#define STACK_DEPTH 16

static __always_inline __u8 caller_at(__u64 address)
{
	for (int i = 0; i < WIRE_CODES_MAX; i++) {
		const volatile struct wire_code *code = &config.codes[i];

		if (i >= config.n_codes)
			break;
		if (address >= code->start && address < code->end)
			return code->caller;
	}
	return WIRE_BY_UNKNOWN;
}

/* Whose call this is: the innermost function of callers.def on the stack. */
static __always_inline __u8 find_code(void *ctx)
{
	__u64 stack[STACK_DEPTH] = {};
	long size;

	if (!config.n_codes)
		return WIRE_BY_UNKNOWN;
	size = bpf_get_stack(ctx, stack, sizeof(stack), 0);
	for (int i = 0; i < STACK_DEPTH; i++) {
		__u8 caller;

		if (size < (i + 1) * 8)
			break;
		caller = caller_at(stack[i]);
		if (caller)
			return caller;
	}
	return WIRE_BY_UNKNOWN;
}

/* A timer that is due is left out: it runs out, and many do. */
static __always_inline __u8 find_caller(void *ctx, __u64 tw_addr)
{
	const struct inet_timewait_sock *tw = (const void *)tw_addr;

	if ((long)(BPF_CORE_READ(tw, tw_timer.expires) - bpf_jiffies64()) <= 0)
		return WIRE_BY_UNKNOWN;
	return find_code(ctx);
}

static __always_inline int on_gone(void *ctx, __u64 tw_addr, __u8 kind)
{
	struct wire_mini *rec = begin_mini(tw_addr, kind, HOOK_MINI_KILLED);

	if (!rec)
		return 0;
	rec->caller = find_caller(ctx, tw_addr);
	submit(&rec->ev);
	return 0;
}

#endif
