// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* app: what the program asked for. By probe: for the verifier the context is no struct sock. */
#define READ_BY_PROBE
#include "ends.bpf.h"
#include "sock.bpf.h"

/* What waits here for the program has not ended the connection: it lives until now. */
static __always_inline __u32 read_error(struct bpf_sock *ctx)
{
	const struct sock *sk = (const void *)ctx;

	return READ(sk, sk_err);
}

/*
 * Who closes, and nothing of the socket: the state change that follows has it. But
 * what is on its way out already may go on in a mini-socket next, and then must
 * be known by where it is.
 */
static __always_inline bool place_follows(__u8 state)
{
	return state == ST_ESTABLISHED || state == ST_CLOSE_WAIT || state == ST_CLOSE;
}

/* A sockmap lets go of the socket before TCP closes it: the state change comes too late to tell. */
static __always_inline __u16 read_sockmap(struct bpf_sock *ctx)
{
	return kern_has_psock((const void *)ctx) ? WIRE_PSOCK : 0;
}

static __always_inline void send_release_brief(struct bpf_sock *ctx, __u16 flags)
{
	const struct tcp_sock *tp = (const void *)ctx;
	struct wire_brief *rec = begin(HOOK_RELEASE, sizeof(*rec));

	if (!rec)
		return;
	fill_event(&rec->ev, WIRE_RELEASE, WIRE_BRIEF, sizeof(*rec), HOOK_RELEASE, (__u64)ctx);
	fill_event_sock(&rec->ev, tp, flags | read_sock_flags(tp));
	rec->ev.old_state = rec->ev.new_state = ctx->state;
	rec->ev.reason = read_error(ctx);
	fill_task(&rec->task, true);
	read_sock_tuple(tp, &rec->tuple);
	submit(&rec->ev);
}

static __always_inline void send_release_task(struct bpf_sock *ctx, __u16 flags)
{
	struct wire_by_task *rec = begin(HOOK_RELEASE, sizeof(*rec));

	if (!rec)
		return;
	fill_event(&rec->ev, WIRE_RELEASE, WIRE_TASK, sizeof(*rec), HOOK_RELEASE, (__u64)ctx);
	rec->ev.flags = flags | read_sockmap(ctx);
	rec->ev.old_state = rec->ev.new_state = ctx->state;
	rec->ev.reason = read_error(ctx);
	fill_task(&rec->task, true);
	submit(&rec->ev);
}

/*
 * Without -e, what the records that follow in this very call will say: the FIN or
 * the RST names the task that sends it, and the end of a socket that is CLOSE
 * already names who let go of it. What they cannot say is how long close()
 * lingers, which error was there before, and that a sockmap had the socket.
 */
static __always_inline bool is_told_next(struct bpf_sock *ctx)
{
	const struct sock *sk = (const void *)ctx;

	if (config.events)
		return false;
	if (ctx->state == ST_CLOSE)
		return true;
	if (ctx->state != ST_ESTABLISHED && ctx->state != ST_CLOSE_WAIT)
		return false;
	return !read_error(ctx) && !read_sockmap(ctx) && !(sock_lingers(sk) && READ(sk, sk_lingertime));
}

/*
 * The last close() of a user's socket, in the closing task, before TCP does
 * anything and without the socket's lock. Also for kernels without fentry the
 * one place that names the closer of a socket that the network ended before.
 * The context is the struct sock itself, whatever the verifier calls it.
 */
SEC("?cgroup/sock_release")
int cgroup__sock_release(struct bpf_sock *ctx)
{
	__u16 flags = 0;

	if (ctx->protocol != IPPROTO_TCP || ctx->type != SOCK_STREAM || ctx->state == ST_LISTEN)
		return 1;
	if (is_others((__u64)ctx) || !sock_wanted((const void *)ctx))
		return 1;
	/* so that user space forgets it too */
	if (claim_for_current((__u64)ctx))
		flags = WIRE_OTHERS;
	forget_end((__u64)ctx);
	if (!flags && is_told_next(ctx))
		return 1;
	if (config.events || !place_follows(ctx->state))
		send_release_brief(ctx, flags);
	else
		send_release_task(ctx, flags);
	return 1;
}
