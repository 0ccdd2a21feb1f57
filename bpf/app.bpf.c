// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* app: what the program asked for. */
#include "sock.bpf.h"

/*
 * The last close() of a user's socket, in the closing task, before TCP does
 * anything and without the socket's lock. Also for kernels without fentry the
 * one place that names the closer of a socket that the network ended before.
 * The context is the struct sock itself, whatever the verifier calls it.
 */
SEC("?cgroup/sock_release")
int cgroup__sock_release(struct bpf_sock *ctx)
{
	const struct sock *sk = (const void *)ctx;
	struct wire_brief *rec;
	bool others;
	__u8 state;

	if (ctx->protocol != IPPROTO_TCP || ctx->type != SOCK_STREAM)
		return 1;
	state = BPF_CORE_READ(sk, __sk_common.skc_state);
	if (state == ST_LISTEN || is_others(sk) || !sock_wanted(sk))
		return 1;
	others = claim_for_current(sk);
	rec = begin(HOOK_RELEASE, sizeof(*rec));
	if (!rec)
		return 1;
	__builtin_memset(rec, 0, sizeof(*rec));
	fill_event(&rec->ev, WIRE_RELEASE, WIRE_BRIEF, sizeof(*rec), HOOK_RELEASE, (__u64)sk);
	fill_event_sock(&rec->ev, sk);
	/* so that user space forgets it too */
	if (others)
		rec->ev.flags |= WIRE_OTHERS;
	rec->ev.old_state = state;
	rec->ev.new_state = state;
	fill_task(&rec->task, true);
	read_sock_tuple(sk, &rec->tuple);
	submit(rec);
	return 1;
}
