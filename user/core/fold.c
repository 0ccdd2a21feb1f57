/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* fold: what one observation says about its socket, as evidence. */
#include <errno.h>
#include <string.h>

#include "base/span.h"
#include "core/flow_priv.h"

#define SHUT_SEND 2

void fold_path(struct flow *f, uint8_t state, uint64_t at_ns)
{
	struct verdict *v = &f->v;
	uint64_t since_ns = v->n_path ? v->path[v->n_path - 1].at_ns : 0;

	if (v->n_path && v->path[v->n_path - 1].state == state)
		return;
	if (v->n_path == PATH_MAX_STEPS)
		return;
	at_ns = span_ns(f->born_ns, at_ns);
	v->path[v->n_path++] = (struct path_step){
		.state = state,
		.at_ns = at_ns > since_ns ? at_ns : since_ns,
	};
}

struct owner owner_of(const struct obs_task *task, enum owner_source source)
{
	struct owner owner = {
		.source = source, .pid = task->pid, .tid = task->tid, .uid = task->uid,
	};

	memcpy(owner.comm, task->comm, sizeof(owner.comm));
	owner.comm[sizeof(owner.comm) - 1] = '\0';
	return owner;
}

/* The first to be known stays: who connected; else who closed or holds it. */
void fold_owner(struct flow *f, const struct obs_task *task, enum owner_source source)
{
	if (f->v.owner.source == OWNER_UNKNOWN && task->pid)
		f->v.owner = owner_of(task, source);
}

/* The task whose call sends the FIN or throws the connection away. */
void fold_closer(struct flow *f, const struct obs_task *task)
{
	if (!task->meant || !task->pid)
		return;
	/* a kernel thread closes for somebody else: at most it is the closer, never the owner */
	if (!task->kthread)
		fold_owner(f, task, OWNER_CLOSE);
	else if (f->released && f->v.closer.pid)
		return;
	f->v.closer = owner_of(task, OWNER_CLOSE);
	if (!task->exiting)
		return;
	f->v.exit_code = task->exit_code;
	f->v.evidence |= task->exit_code & 0x7f ? EV(KILLED) : EV(EXITING);
}

void fold_sock(struct flow *f, const struct obs_sock *sock)
{
	struct verdict *v = &f->v;

	v->netns = sock->netns_ino;
	v->cgroup_id = sock->cgroup_id;
	v->linger_on = sock->linger;
	v->linger_ms = sock->linger ? sock->linger_ms : 0;
	v->sent_bytes = sock->bytes_sent;
	v->retransmits = sock->total_retrans;
	/* the kernel counts the peer's FIN in sequence space as a byte */
	v->received_bytes = sock->bytes_received - (sock->done && sock->bytes_received);
}

/* Our FIN goes into the queue: by close() or shutdown(), in ESTABLISHED or CLOSE_WAIT. */
static void fold_fin(struct flow *f, const struct obs *obs)
{
	f->fin_queued = true;
	if (obs->new_state == ST_LAST_ACK)
		f->v.evidence |= EV(FIN_AFTER);
	else
		f->v.evidence |= EV(FIN_FIRST);
	if (obs->new_state == ST_FIN_WAIT1 && obs->sock.shutdown == SHUT_SEND &&
	    obs->sock.has_socket)
		f->v.evidence |= EV(HALF_CLOSED);
	if (obs->has_sock)
		f->v.evidence |= fold_options(&obs->sock) & (EV(LINGER_SET) | EV(LINGER_ZERO));
}

/* SO_LINGER has a time, and no exit made close() skip the wait. */
static bool lingers(const struct flow *f)
{
	return f->v.evidence & EV(LINGER_SET) && !(f->v.evidence & (EV(EXITING) | EV(KILLED)));
}

/*
 * The linger timeout itself leaves no trace. But a close() that still waits has
 * not orphaned the socket: when the FIN is acknowledged on an orphan, and no exit
 * made close() skip the wait, the time had run out.
 */
static void fold_fin_acked(struct flow *f, const struct obs *obs)
{
	f->v.evidence |= EV(FIN_ACKED);
	if (lingers(f) && obs->sock.dead)
		f->v.evidence |= EV(LINGER_EXPIRED);
}

/* Our FIN is still in the queue, behind data that may not leave: nobody has seen it. */
bool fold_fin_waits(const struct flow *f, const struct obs_sock *sock)
{
	return f->fin_queued && sock->unsent;
}

/* Both have closed, and neither knew of the other. But whose FIN was out? */
static void fold_closing(struct flow *f, const struct obs *obs)
{
	if (!obs->has_sock || !fold_fin_waits(f, &obs->sock)) {
		f->v.evidence |= EV(FINS_CROSSED);
		return;
	}
	f->v.evidence &= ~EV(FIN_FIRST);
	f->v.evidence |= EV(CLOSED_BEFORE_FIN) | EV(PEER_FIN_FIRST);
}

static bool is_unacked_fin(uint8_t state)
{
	return state == ST_FIN_WAIT1 || state == ST_CLOSING || state == ST_LAST_ACK;
}

/*
 * A close() that lingers waits until its FIN is acknowledged, or something breaks:
 * then the socket is no orphan yet. Of one that is, the time had run out, or a
 * signal had come, and neither leaves a trace: how long it was at most is all that
 * is known. An exit does not wait.
 */
static void fold_linger(struct flow *f, const struct obs *obs)
{
	uint64_t waited = span_ns(f->closing_ns, obs->mono_ns);
	uint64_t limit = (uint64_t)f->v.linger_ms * 1000000;

	if (!f->closing_ns || !is_unacked_fin(obs->old_state) || is_unacked_fin(obs->new_state))
		return;
	f->closing_ns = 0;
	if (!lingers(f))
		return;
	f->v.linger_wait_ns = obs->sock.dead && waited > limit ? limit : waited;
	if (obs->sock.dead)
		f->v.evidence |= EV(LINGER_EXPIRED);
}

void fold_state(struct flow *f, const struct obs *obs)
{
	uint8_t old_state = obs->old_state, new_state = obs->new_state;

	/* the mini-socket's states come from the mini-socket */
	if (!(new_state == ST_CLOSE && f->mini))
		fold_path(f, new_state, obs->mono_ns);
	f->last_old = old_state;
	f->state = new_state;
	if (obs->has_sock)
		fold_sock(f, &obs->sock);
	if (new_state == old_state) {
		/* close() after an earlier shutdown() */
		if (obs->has_task)
			fold_closer(f, &obs->task);
		return;
	}
	fold_linger(f, obs);
	/* a subflow more is MPTCP's own doing, for whoever has the connection */
	if (new_state == ST_SYN_SENT && obs->has_task && obs->task.meant &&
	    !(obs->task.kthread && obs->sock.mptcp))
		fold_owner(f, &obs->task, OWNER_CONNECT);
	if (new_state == ST_FIN_WAIT1 || new_state == ST_LAST_ACK) {
		fold_fin(f, obs);
		if (obs->has_task)
			fold_closer(f, &obs->task);
	}
	if (new_state == ST_CLOSE_WAIT)
		f->v.evidence |= EV(PEER_FIN_FIRST);
	if (new_state == ST_CLOSING)
		fold_closing(f, obs);
	if (new_state == ST_FIN_WAIT2)
		fold_fin_acked(f, obs);
}

static evidence_set reason_evidence(const char *reason)
{
	static const struct {
		const char *reason;
		evidence_set ev;
	} known[] = {
		{ "TCP_ABORT_ON_CLOSE", EV(REASON_CLOSE) },
		{ "TCP_STATE", EV(REASON_STATE) },
		{ "TCP_ABORT_ON_LINGER", EV(REASON_LINGER) },
		{ "TCP_ABORT_ON_MEMORY", EV(REASON_MEMORY) },
		{ "TCP_KEEPALIVE_TIMEOUT", EV(REASON_KEEPALIVE) },
	};

	for (size_t i = 0; reason && i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].reason, reason))
			return known[i].ev;
	return 0;
}

/*
 * An RST in reply to one bad segment (a bad ACK in SYN_SENT) ends nothing: it
 * counts as sent, and as evidence only once the socket has ended.
 */
void fold_rst_sent(struct flow *f, const struct obs *obs)
{
	struct verdict *v = &f->v;

	v->rst_sent++;
	if (obs->rst_reason)
		v->rst_reason = obs->rst_reason;
	if (obs->kind == OBS_RST_ACTIVE)
		v->evidence |= EV(RST_ACTIVE) | reason_evidence(obs->rst_reason);
	else if (f->stage != FLOW_OPEN)
		v->evidence |= EV(RST_REPLY);
}

void fold_rst_received(struct flow *f, const struct obs *obs)
{
	f->reset_called = true;
	f->v.evidence |= EV(RESET_CALLED);
	if (!obs->rst_flag_known)
		return;
	f->reset_flag_known = true;
	if (!obs->rst_flag)
		return;
	f->v.evidence |= EV(RST_IN);
	f->v.rst_received++;
}

void fold_release(struct flow *f, const struct obs *obs)
{
	f->released = true;
	if (f->stage == FLOW_OPEN) {
		f->close_called = true;
		f->release_err = obs->release_err;
		f->in_sockmap = obs->sock.psock;
		/* MPTCP's close() waits for no subflow */
		f->closing_ns = obs->sock.mptcp ? 0 : obs->mono_ns;
	}
	/* not meant: it let go of the socket only because it was looking at it */
	if (!obs->has_task || !obs->task.meant)
		return;
	if (!obs->task.kthread)
		fold_owner(f, &obs->task, OWNER_CLOSE);
	if (f->stage == FLOW_OPEN)
		fold_closer(f, &obs->task);
}

void fold_destroy(struct flow *f, const struct obs *obs)
{
	evidence_set seen = f->v.evidence;

	/* told again, or of whoever is at its address by now */
	if (f->destroyed)
		return;
	f->destroyed = true;
	/*
	 * An orphan goes in a stranger's call, and so may what an administrator destroys
	 * before anybody has it. Of the rest it is close() that lets go.
	 */
	if (seen & EV(ORPHAN) || (seen & EV(ERR_ABORTED) && seen & (EV(NOT_ACCEPTED) | EV(SUBFLOW))))
		return;
	if (obs->has_task && obs->task.meant && !obs->task.kthread)
		fold_owner(f, &obs->task, OWNER_CLOSE);
}

void fold_past(struct flow *f, uint8_t state)
{
	switch (state) {
	case ST_FIN_WAIT2:
		f->v.evidence |= EV(FIN_ACKED);
		/* fall through */
	case ST_FIN_WAIT1:
		f->v.evidence |= EV(FIN_FIRST);
		f->fin_queued = true;
		break;
	case ST_LAST_ACK:
		f->v.evidence |= EV(FIN_AFTER);
		f->fin_queued = true;
		/* fall through */
	case ST_CLOSE_WAIT:
		f->v.evidence |= EV(PEER_FIN_FIRST);
		break;
	case ST_CLOSING:
		f->v.evidence |= EV(FINS_CROSSED) | EV(FIN_FIRST);
		f->fin_queued = true;
		break;
	}
}

void fold_missed(struct flow *f, uint8_t state)
{
	f->v.evidence |= EV(GAP);
	fold_past(f, state);
}

void fold_snapshot(struct flow *f, const struct obs *obs, bool is_new)
{
	if (is_new) {
		f->state = obs->has_sock ? obs->sock.state : obs->old_state;
		fold_past(f, f->state);
		fold_path(f, f->state, obs->mono_ns);
	}
	if (obs->has_sock && f->stage == FLOW_OPEN)
		fold_sock(f, &obs->sock);
	/*
	 * Who holds it now need not be who will close it (a server that forks): that
	 * counts for what was there before, and for what the network has ended.
	 */
	if (!(f->v.evidence & EV(OLDER)) && f->stage == FLOW_OPEN)
		return;
	/* who destroys it has not got it */
	if (obs->kind == OBS_RST_ACTIVE || (obs->kind == OBS_STATE && obs->sock.err == ECONNABORTED))
		return;
	if (obs->has_task && obs->task.meant && !obs->task.kthread)
		fold_owner(f, &obs->task, OWNER_HOLDS);
}

/*
 * An orderly end in FIN_WAIT2 or CLOSING goes on in a mini-socket, and so does
 * an orphan's FIN_WAIT2. Where one would have been seen and none was, the kernel
 * had none to give (tcp_max_tw_buckets, memory).
 */
static void fold_refused(struct flow *f, evidence_set blind)
{
	const evidence_set orphaned = EV(ORPHAN) | EV(IN_FIN_WAIT2);
	const evidence_set otherwise = EV(ERR_RESET) | EV(ERR_TIMEOUT) | EV(ERR_ABORTED) |
				       EV(ERR_OTHER) | EV(RST_ACTIVE) | EV(RST_REPLY);
	evidence_set seen = f->v.evidence;

	if (f->v.minisocket || blind & (EV(MINI_TIME_WAIT) | otherwise) || seen & (EV(GAP) | otherwise))
		return;
	/* of one that is older than the trace it may have been missed */
	if (f->state != ST_CLOSE || !(seen & EV(FIN_FIRST)) || seen & EV(OLDER) || f->place_late)
		return;
	if (seen & (EV(PEER_FINISHED) | EV(LAST_ACKED)) ||
	    (seen & (orphaned | EV(LINGER2_NEGATIVE))) == orphaned)
		f->v.evidence |= EV(MINI_REFUSED);
}

/* Where data still flows in one direction nothing but close() shuts the last of the two. */
bool fold_asks_for_close(const struct flow *f)
{
	bool open = f->last_old == ST_ESTABLISHED || f->last_old == ST_CLOSE_WAIT || f->last_old == ST_SYN_SENT;

	return (f->v.evidence & (EV(BY_CALL) | EV(NOT_SHUT))) == EV(BY_CALL) && !open && !f->close_called;
}

/*
 * tcp_reset() also runs for data that comes after close(), and then an RST is
 * sent back. Where neither the segment nor that RST can be seen, it stays open.
 */
void fold_settled(struct flow *f, evidence_set blind)
{
	/* where records were lost, an absence says nothing */
	fold_refused(f, blind);
	if (fold_asks_for_close(f) && !(blind & EV(NOT_CLOSED)) && !(f->v.evidence & EV(GAP)))
		f->v.evidence |= EV(NOT_CLOSED);
	/* it tells whose RST that was; where there is none, whether the FIN waited for the lock is chance */
	if (!(f->v.evidence & EV(RST_ACTIVE)))
		f->v.evidence &= ~EV(LOCKED);
	if (!f->reset_called || f->reset_flag_known || f->v.evidence & EV(GAP))
		return;
	if (f->v.evidence & EV(RST_REPLY) || blind & EV(RST_REPLY))
		return;
	f->v.evidence |= EV(RST_IN);
	f->v.rst_received++;
}
