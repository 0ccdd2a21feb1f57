// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* minisock: FIN_WAIT2 and TIME_WAIT after the socket itself is gone. */
#include "request.bpf.h"

/*
 * The timer tracepoints: every timer of the machine passes here, with its base
 * locked and interrupts off; ours is known by its handler's address. Shutdown
 * clears timer->function only after timer_cancel was traced.
 */
static __always_inline bool is_ours(const struct timer_list *timer)
{
	return (__u64)READ(timer, function) == config.tw_timer_handler;
}

/* The new expiry is in place already. */
SEC("?tp_btf/timer_start")
int BPF_PROG(tp_btf__timer_start, struct timer_list *timer)
{
	if (!is_ours(timer))
		return 0;
	return send_mini(mini_of_timer(timer), WIRE_MINI_BORN, HOOK_MINI_BORN,
			 READ(timer, expires) - bpf_jiffies64());
}

/* Of mini-sockets and of requests: one look at each timer is enough for both. */
SEC("?tp_btf/timer_cancel")
int BPF_PROG(tp_btf__timer_cancel, struct timer_list *timer)
{
	if (is_requests(timer))
		return on_request_cancel(ctx, request_of_timer(timer));
	if (!config.tp_mini_killed || !is_ours(timer))
		return 0;
	return on_gone(ctx, mini_of_timer(timer), WIRE_MINI_CANCEL);
}

SEC("?tp_btf/timer_expire_entry")
int BPF_PROG(tp_btf__timer_expire_entry, struct timer_list *timer)
{
	return is_ours(timer) ? on_handler(timer) : 0;
}

/*
 * The mini-socket takes its socket's place in the table: all its fields are set.
 * Softirq or process, the socket's lock held.
 */
SEC("?fentry/inet_twsk_hashdance_schedule")
int BPF_PROG(fentry__inet_twsk_hashdance_schedule, struct inet_timewait_sock *tw, struct sock *sk,
	     void *hashinfo, int timeo)
{
	return send_mini((__u64)tw, WIRE_MINI_BORN, HOOK_MINI_BORN, timeo);
}

SEC("?fentry/inet_twsk_hashdance")
int BPF_PROG(fentry__inet_twsk_hashdance, struct inet_timewait_sock *tw)
{
	return send_mini((__u64)tw, WIRE_MINI_BORN, HOOK_MINI_BORN, 0);
}

/* v5.10 stores no more of a bool than its byte: it is read as that. */
SEC("?fentry/__inet_twsk_schedule")
int BPF_PROG(fentry____inet_twsk_schedule, struct inet_timewait_sock *tw, int timeo, __u8 rearm)
{
	return on_armed(tw, timeo, rearm);
}

SEC("?fentry/tw_timer_handler")
int BPF_PROG(fentry__tw_timer_handler, struct timer_list *timer)
{
	return on_handler(timer);
}

/* Every death passes here, expiry too. Softirq or process; still whole. */
SEC("?fentry/inet_twsk_kill")
int BPF_PROG(fentry__inet_twsk_kill, struct inet_timewait_sock *tw)
{
	return on_gone(ctx, (__u64)tw, WIRE_MINI_KILLED);
}

/* Questions of user space and their answers; only one asker at a time. */
__u32 n_peeks = 0;
struct wire_peek peeks[WIRE_PEEK_MAX] = {};

/*
 * A function by itself: the verifier goes through it once, not once for each question.
 * The address may be another mini-socket's by now: the tuple that is returned tells; or
 * free memory, which keeps what stood there, but for the references: nobody holds any.
 */
__weak int peek_at(__u32 i)
{
	const struct inet_timewait_sock *tw;
	struct mini_copy copy;
	struct wire_peek *peek;

	if (i >= WIRE_PEEK_MAX)
		return 0;
	peek = &peeks[i];
	peek->substate = 0;
	if (bpf_probe_read_kernel(&copy, sizeof(copy), (const void *)peek->addr))
		return 0;
	tw = mini_of(&copy);
	if (READ(tw, __tw_common.skc_state) != ST_TIME_WAIT ||
	    !READ(tw, __tw_common.skc_refcnt.refs.counter))
		return 0;
	read_tuple(&tw->__tw_common, READ(tw, tw_sport), &peek->tuple);
	peek->substate = READ(tw, tw_substate);
	return 0;
}

/*
 * The step from FIN_WAIT2 to TIME_WAIT is not traced at all when the new expiry
 * falls into the timer wheel's same bucket. So user space asks: it runs this
 * program itself (BPF_PROG_TEST_RUN), never attached.
 */
SEC("?raw_tp")
int peek_minisockets(void *ctx)
{
	for (__u32 i = 0; i < WIRE_PEEK_MAX && i < n_peeks; i++)
		peek_at(i);
	return 0;
}
