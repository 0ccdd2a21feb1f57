// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* app: what the program asked for. By probe: for the verifier the context is no struct sock. */
#define READ_BY_PROBE
#include "ends.bpf.h"
#include "sock.bpf.h"

/* What waits here for the program has not ended the connection: it lives until now. */
static __always_inline __u32 read_error(const struct sock *sk)
{
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
static __always_inline __u16 read_sockmap(const struct sock *sk)
{
	return kern_has_psock(sk) ? WIRE_PSOCK : 0;
}

static __always_inline void send_release_brief(const struct sock *sk, __u8 state, __u16 flags)
{
	const struct tcp_sock *tp = (const void *)sk;
	struct wire_brief *rec = begin(HOOK_RELEASE, sizeof(*rec));

	if (!rec)
		return;
	fill_event(&rec->ev, WIRE_RELEASE, WIRE_BRIEF, sizeof(*rec), HOOK_RELEASE, (__u64)sk);
	fill_event_sock(&rec->ev, tp, flags | read_sock_flags(tp));
	rec->ev.old_state = rec->ev.new_state = state;
	rec->ev.reason = read_error(sk);
	fill_task(&rec->task, true);
	read_sock_tuple(tp, &rec->tuple);
	submit(&rec->ev);
}

static __always_inline void send_release_task(const struct sock *sk, __u8 state, __u16 flags)
{
	struct wire_by_task *rec = begin(HOOK_RELEASE, sizeof(*rec));

	if (!rec)
		return;
	fill_event(&rec->ev, WIRE_RELEASE, WIRE_TASK, sizeof(*rec), HOOK_RELEASE, (__u64)sk);
	rec->ev.flags = flags | read_sockmap(sk);
	rec->ev.old_state = rec->ev.new_state = state;
	rec->ev.reason = read_error(sk);
	fill_task(&rec->task, true);
	submit(&rec->ev);
}

/*
 * Without -e, what the records that follow in this very call will say: the FIN or
 * the RST names the task that sends it, and the end of a socket that is CLOSE
 * already names who let go of it. What they cannot say is how long close()
 * lingers, which error was there before, and that a sockmap had the socket.
 */
static __always_inline bool is_told_next(const struct sock *sk, __u8 state)
{
	if (config.events)
		return false;
	if (state == ST_CLOSE)
		return true;
	if (state != ST_ESTABLISHED && state != ST_CLOSE_WAIT)
		return false;
	return !read_error(sk) && !read_sockmap(sk) && !(sock_lingers(sk) && READ(sk, sk_lingertime));
}

/* A subflow: of what follows nothing names who meant it, for a kernel thread does it. */
static __always_inline void on_release(const struct sock *sk, __u8 state, bool is_subflow)
{
	__u16 flags = 0;

	if (state == ST_LISTEN || is_others((__u64)sk) || !sock_wanted((const void *)sk))
		return;
	/* so that user space forgets it too */
	if (claim_for_current((__u64)sk))
		flags = WIRE_OTHERS;
	forget_end((__u64)sk);
	if (!flags && !is_subflow && is_told_next(sk, state))
		return;
	if (config.events || is_subflow || !place_follows(state))
		send_release_brief(sk, state, flags);
	else
		send_release_task(sk, state, flags);
}

/* MPTCP's own socket is on no wire: what is closed with it are its subflows, later. */
static __always_inline void on_release_mptcp(const struct sock *msk)
{
	struct list_head *node = NULL;

	for (int i = 0; i < KERN_SUBFLOWS_MAX; i++) {
		const struct sock *sk = kern_next_subflow(msk, &node);

		if (!sk || !tcp_of(sk, HOOK_RELEASE))
			break;
		on_release(sk, READ(sk, __sk_common.skc_state), true);
	}
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
	if (ctx->type != SOCK_STREAM)
		return 1;
	if (ctx->protocol == IPPROTO_TCP)
		on_release((const void *)ctx, ctx->state, false);
	else if (ctx->protocol == IPPROTO_MPTCP)
		on_release_mptcp((const void *)ctx);
	return 1;
}
