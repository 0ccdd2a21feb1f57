// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* app: what the program asked for. By probe: for the verifier the context is no struct sock. */
#define READ_BY_PROBE
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
	const struct tcp_sock *tp = (const void *)ctx;
	struct wire_brief *rec;
	bool others;

	if (ctx->protocol != IPPROTO_TCP || ctx->type != SOCK_STREAM || ctx->state == ST_LISTEN)
		return 1;
	if (is_others((__u64)ctx) || !sock_wanted(tp))
		return 1;
	others = claim_for_current((__u64)ctx);
	rec = begin(HOOK_RELEASE, sizeof(*rec));
	if (!rec)
		return 1;
	fill_event(&rec->ev, WIRE_RELEASE, WIRE_BRIEF, sizeof(*rec), HOOK_RELEASE, (__u64)ctx);
	fill_event_sock(&rec->ev, tp);
	/* so that user space forgets it too */
	if (others)
		rec->ev.flags |= WIRE_OTHERS;
	rec->ev.old_state = ctx->state;
	rec->ev.new_state = rec->ev.old_state;
	fill_task(&rec->task, true);
	read_sock_tuple(tp, &rec->tuple);
	submit(rec);
	return 1;
}
