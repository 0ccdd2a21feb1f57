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

static __always_inline int next_on_state(const struct sock *sk, int old_state, int new_state, int understudy)
{
	if (find_mark(HOOK_STATE, (__u64)sk, state_key(old_state, new_state), understudy))
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
	return next_on_state(sk, old_state, new_state, FIRST_UNDERSTUDY);
}

SEC("?tp_btf/inet_sock_set_state")
int BPF_PROG(tp_btf__inet_sock_set_state_3, const struct sock *sk, int old_state, int new_state)
{
	return next_on_state(sk, old_state, new_state, SECOND_UNDERSTUDY);
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
	return next_on_state(sk, READ(sk, __sk_common.skc_state), state, FIRST_UNDERSTUDY);
}

SEC("?fentry/tcp_set_state")
int BPF_PROG(fentry__tcp_set_state_3, struct sock *sk, int state)
{
	return next_on_state(sk, READ(sk, __sk_common.skc_state), state, SECOND_UNDERSTUDY);
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
static __always_inline int on_reset_tracepoint(__u64 *ctx, __u16 flags)
{
	const struct sk_buff *skb = (const void *)ctx[1];
	__u32 reason = reason_arg(ctx, config.tp_reason_arg);

	on_refusal(ctx, (const void *)ctx[0], skb, reason, flags);
	return on_reset_sent((const void *)ctx[0], skb, skb ? WIRE_RST_REPLY : WIRE_RST_ACTIVE, reason, flags);
}

static __always_inline int next_on_reset_tracepoint(__u64 *ctx, int understudy)
{
	return find_mark(HOOK_RST_SENT, ctx[0], ctx[1], understudy) ? 0 :
								      on_reset_tracepoint(ctx, WIRE_UNDERSTUDY);
}

SEC("?tp_btf/tcp_send_reset")
int tp_btf__tcp_send_reset(__u64 *ctx)
{
	leave_mark(HOOK_RST_SENT, ctx[0], ctx[1]);
	return on_reset_tracepoint(ctx, 0);
}

SEC("?tp_btf/tcp_send_reset")
int tp_btf__tcp_send_reset_2(__u64 *ctx)
{
	return next_on_reset_tracepoint(ctx, FIRST_UNDERSTUDY);
}

SEC("?tp_btf/tcp_send_reset")
int tp_btf__tcp_send_reset_3(__u64 *ctx)
{
	return next_on_reset_tracepoint(ctx, SECOND_UNDERSTUDY);
}

static __always_inline int on_active_reset(__u64 *ctx, __u16 flags)
{
	return on_reset_sent((const void *)ctx[0], NULL, WIRE_RST_ACTIVE,
			     reason_arg(ctx, config.active_reason_arg), flags);
}

static __always_inline int next_on_active_reset(__u64 *ctx, int understudy)
{
	return find_mark(HOOK_RST_SENT, ctx[0], 1, understudy) ? 0 : on_active_reset(ctx, WIRE_UNDERSTUDY);
}

SEC("?fentry/tcp_send_active_reset")
int fentry__tcp_send_active_reset(__u64 *ctx)
{
	leave_mark(HOOK_RST_SENT, ctx[0], 1);
	return on_active_reset(ctx, 0);
}

SEC("?fentry/tcp_send_active_reset")
int fentry__tcp_send_active_reset_2(__u64 *ctx)
{
	return next_on_active_reset(ctx, FIRST_UNDERSTUDY);
}

SEC("?fentry/tcp_send_active_reset")
int fentry__tcp_send_active_reset_3(__u64 *ctx)
{
	return next_on_active_reset(ctx, SECOND_UNDERSTUDY);
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

static __always_inline int first_on_destroy(const struct sock *sk)
{
	leave_mark(HOOK_DESTROY, (__u64)sk, 1);
	return on_destroy(sk, 0);
}

static __always_inline int next_on_destroy(const struct sock *sk, int understudy)
{
	return find_mark(HOOK_DESTROY, (__u64)sk, 1, understudy) ? 0 : on_destroy(sk, WIRE_UNDERSTUDY);
}

SEC("?tp_btf/tcp_destroy_sock")
int BPF_PROG(tp_btf__tcp_destroy_sock, struct sock *sk)
{
	return first_on_destroy(sk);
}

SEC("?tp_btf/tcp_destroy_sock")
int BPF_PROG(tp_btf__tcp_destroy_sock_2, struct sock *sk)
{
	return next_on_destroy(sk, FIRST_UNDERSTUDY);
}

SEC("?tp_btf/tcp_destroy_sock")
int BPF_PROG(tp_btf__tcp_destroy_sock_3, struct sock *sk)
{
	return next_on_destroy(sk, SECOND_UNDERSTUDY);
}

SEC("?fentry/tcp_v4_destroy_sock")
int BPF_PROG(fentry__tcp_v4_destroy_sock, struct sock *sk)
{
	return first_on_destroy(sk);
}

SEC("?fentry/tcp_v4_destroy_sock")
int BPF_PROG(fentry__tcp_v4_destroy_sock_2, struct sock *sk)
{
	return next_on_destroy(sk, FIRST_UNDERSTUDY);
}

SEC("?fentry/tcp_v4_destroy_sock")
int BPF_PROG(fentry__tcp_v4_destroy_sock_3, struct sock *sk)
{
	return next_on_destroy(sk, SECOND_UNDERSTUDY);
}
