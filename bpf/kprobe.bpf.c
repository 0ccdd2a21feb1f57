// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * kprobe: the other sensors' bodies once more, where nothing better can be
 * attached. A kprobe's arguments are numbers, so all is read by probe.
 */
#define READ_BY_PROBE
#include "request.bpf.h"
#include "stack.bpf.h"

SEC("?kprobe/tcp_set_state")
int BPF_KPROBE(kprobe__tcp_set_state, struct sock *sk, int state)
{
	return on_state(sk, READ(sk, __sk_common.skc_state), state, 0);
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
	return on_reset_sent(sk, NULL, WIRE_RST_ACTIVE, kprobe_reason(ctx, config.active_reason_arg), 0);
}

SEC("?kprobe/tcp_v4_send_reset")
int BPF_KPROBE(kprobe__tcp_v4_send_reset, struct sock *sk, struct sk_buff *skb)
{
	return on_reply(ctx, sk, skb, kprobe_reason(ctx, config.reply_reason_arg));
}

SEC("?kprobe/tcp_v6_send_reset")
int BPF_KPROBE(kprobe__tcp_v6_send_reset, struct sock *sk, struct sk_buff *skb)
{
	return on_reply(ctx, sk, skb, kprobe_reason(ctx, config.reply_reason_arg));
}

SEC("?kprobe/tcp_reset")
int BPF_KPROBE(kprobe__tcp_reset, struct sock *sk, struct sk_buff *skb)
{
	return on_reset_received(sk, config.reset_skb_arg ? segment_flags(skb) : 0);
}

SEC("?kprobe/tcp_v4_destroy_sock")
int BPF_KPROBE(kprobe__tcp_v4_destroy_sock, struct sock *sk)
{
	return on_destroy(sk, 0);
}

SEC("?kprobe/inet_twsk_hashdance_schedule")
int BPF_KPROBE(kprobe__inet_twsk_hashdance_schedule, struct inet_timewait_sock *tw, struct sock *sk,
	       void *hashinfo, int timeo)
{
	return send_mini((__u64)tw, WIRE_MINI_BORN, HOOK_MINI_BORN, timeo);
}

SEC("?kprobe/inet_twsk_hashdance")
int BPF_KPROBE(kprobe__inet_twsk_hashdance, struct inet_timewait_sock *tw)
{
	return send_mini((__u64)tw, WIRE_MINI_BORN, HOOK_MINI_BORN, 0);
}

SEC("?kprobe/__inet_twsk_schedule")
int BPF_KPROBE(kprobe____inet_twsk_schedule, struct inet_timewait_sock *tw, int timeo, __u8 rearm)
{
	return on_armed(tw, timeo, rearm);
}

SEC("?kprobe/tw_timer_handler")
int BPF_KPROBE(kprobe__tw_timer_handler, struct timer_list *timer)
{
	return on_handler(timer);
}

SEC("?kprobe/inet_twsk_kill")
int BPF_KPROBE(kprobe__inet_twsk_kill, struct inet_timewait_sock *tw)
{
	return on_gone(ctx, (__u64)tw, WIRE_MINI_KILLED);
}

SEC("?kprobe/__inet_csk_reqsk_queue_drop")
int BPF_KPROBE(kprobe____inet_csk_reqsk_queue_drop, struct sock *sk, struct request_sock *req,
	       __u8 from_timer)
{
	return on_request_drop(ctx, req, from_timer);
}
