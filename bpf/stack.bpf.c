// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* stack: what the kernel did with the socket: its states, the resets it sent, its end. */
#include "stack.bpf.h"

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
	return first_on_state(sk, READ(sk, __sk_common.skc_state), state);
}

SEC("?fentry/tcp_set_state")
int BPF_PROG(fentry__tcp_set_state_2, struct sock *sk, int state)
{
	return second_on_state(sk, READ(sk, __sk_common.skc_state), state);
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
	on_refusal(ctx, sk, (const void *)skb, reason_arg(ctx, config.tp_reason_arg), 0);
	return on_reset_sent(sk, (const void *)skb, skb ? WIRE_RST_REPLY : WIRE_RST_ACTIVE,
			     reason_arg(ctx, config.tp_reason_arg), 0);
}

SEC("?tp_btf/tcp_send_reset")
int tp_btf__tcp_send_reset_2(__u64 *ctx)
{
	const struct sock *sk = (const void *)ctx[0];
	__u64 skb = ctx[1];

	if (take_mark(HOOK_RST_SENT, (__u64)sk, skb))
		return 0;
	on_refusal(ctx, sk, (const void *)skb, reason_arg(ctx, config.tp_reason_arg), WIRE_UNDERSTUDY);
	return on_reset_sent(sk, (const void *)skb, skb ? WIRE_RST_REPLY : WIRE_RST_ACTIVE,
			     reason_arg(ctx, config.tp_reason_arg), WIRE_UNDERSTUDY);
}

SEC("?fentry/tcp_send_active_reset")
int fentry__tcp_send_active_reset(__u64 *ctx)
{
	leave_mark(HOOK_RST_SENT, ctx[0], 1);
	return on_reset_sent((const void *)ctx[0], NULL, WIRE_RST_ACTIVE,
			     reason_arg(ctx, config.active_reason_arg), 0);
}

SEC("?fentry/tcp_send_active_reset")
int fentry__tcp_send_active_reset_2(__u64 *ctx)
{
	if (take_mark(HOOK_RST_SENT, ctx[0], 1))
		return 0;
	return on_reset_sent((const void *)ctx[0], NULL, WIRE_RST_ACTIVE,
			     reason_arg(ctx, config.active_reason_arg), WIRE_UNDERSTUDY);
}

SEC("?fentry/tcp_v4_send_reset")
int fentry__tcp_v4_send_reset(__u64 *ctx)
{
	return on_reply(ctx, (const void *)ctx[0], (const void *)ctx[1],
			 reason_arg(ctx, config.reply_reason_arg));
}

SEC("?fentry/tcp_v6_send_reset")
int fentry__tcp_v6_send_reset(__u64 *ctx)
{
	return on_reply(ctx, (const void *)ctx[0], (const void *)ctx[1],
			 reason_arg(ctx, config.reply_reason_arg));
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
