/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* minisock: what is sent of a FIN_WAIT2 or TIME_WAIT mini-socket. */
#ifndef TCPCLOSE_MINISOCK_BPF_H
#define TCPCLOSE_MINISOCK_BPF_H

#include "spot.bpf.h"
#include "wheel.h"

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
	out->ev.netns_ino = mini_netns(tw);
	out->ev.new_state = READ(tw, tw_substate);
	read_tuple(&tw->__tw_common, READ(tw, tw_sport), &out->tuple);
	__builtin_memset(out->pad, 0, sizeof(out->pad));
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

/* What happened to a mini-socket. */
struct mini_event {
	__u8 kind;
	__u8 hook;
	__u8 caller;
	__u8 stamps; /* enum wire_mini_flag */
	__u16 flags;
	__u32 reason;
	__u32 timeout_jiffies;
};

static __always_inline void send_mini_whole(__u64 addr, const struct inet_timewait_sock *tw,
					    const struct mini_event *e)
{
	struct wire_mini *rec = begin(e->hook, sizeof(*rec));

	if (!rec)
		return;
	fill_event(&rec->ev, e->kind, WIRE_MINI, sizeof(*rec), e->hook, addr);
	fill_mini(rec, tw);
	rec->ev.flags = e->flags;
	rec->ev.reason = e->reason;
	rec->timeout_jiffies = e->timeout_jiffies;
	rec->caller = e->caller;
	rec->flags = e->stamps;
	submit(&rec->ev);
}

static __always_inline void send_mini_spot(__u64 addr, const struct inet_timewait_sock *tw,
					   const struct mini_event *e)
{
	struct spot spot = { e->kind, e->hook, 0, READ(tw, tw_substate), e->flags, spot_reason(e->reason) };
	struct wire_spot_mini *rec = begin(e->hook, sizeof(*rec));

	if (!rec)
		return;
	fill_spot_head(&rec->spot, WIRE_SPOT_MINI, sizeof(*rec), addr, spot);
	fill_spot_place(&rec->spot, &tw->__tw_common, READ(tw, tw_sport));
	rec->spot.netns_ino = mini_netns(tw);
	rec->spot.shutdown = 0;
	rec->timeout_jiffies = e->timeout_jiffies;
	rec->caller = e->caller;
	rec->flags = e->stamps;
	__builtin_memset(rec->pad, 0, sizeof(rec->pad));
	submit((void *)rec);
}

/* One record of the mini-socket at that address, if it is wanted. */
static __always_inline int tell_mini(__u64 addr, const struct mini_event *e)
{
	const struct inet_timewait_sock *tw;
	struct mini_copy copy;

	if (!copy_mini(&copy, (const void *)addr, e->hook))
		return 0;
	tw = mini_of(&copy);
	if (!mini_wanted(tw))
		return 0;
	if (fits_spot(&tw->__tw_common))
		send_mini_spot(addr, tw, e);
	else
		send_mini_whole(addr, tw, e);
	return 0;
}

static __always_inline int send_mini(__u64 addr, __u8 kind, __u8 hook, __u32 timeout_jiffies)
{
	struct mini_event e = { .kind = kind, .hook = hook, .reason = WIRE_NO_REASON,
				.timeout_jiffies = timeout_jiffies };

	if (kind == WIRE_MINI_BORN)
		e.stamps = mini_timestamps(addr);
	return tell_mini(addr, &e);
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

/* A function by itself: the verifier goes through it once, not once for every frame of every stack. */
__weak int caller_at(__u64 address)
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
#if defined(READ_BY_PROBE) && defined(__TARGET_ARCH_arm64)
	/* A function that is just entered has no frame yet: who called it is in a register alone. */
	stack[0] = PT_REGS_RET((struct pt_regs *)ctx);
#endif
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

/*
 * A timer that runs out is left out, for many do. By its bucket: whoever ends the
 * mini-socket after the time that was asked for and before the wheel gets there has a name.
 */
static __always_inline __u8 find_caller(void *ctx, __u64 tw_addr)
{
	const struct inet_timewait_sock *tw = (const void *)tw_addr;
	__u64 runs_out = wheel_runs_out(BPF_CORE_READ(tw, tw_timer.expires), BPF_CORE_READ(tw, tw_timer.flags));

	if ((long)(runs_out - bpf_jiffies64()) <= 0)
		return WIRE_BY_UNKNOWN;
	return find_code(ctx);
}

static __always_inline int on_gone(void *ctx, __u64 tw_addr, __u8 kind)
{
	struct mini_event e = { .kind = kind, .hook = HOOK_MINI_KILLED, .reason = WIRE_NO_REASON,
				.caller = find_caller(ctx, tw_addr) };

	return tell_mini(tw_addr, &e);
}

#endif
