/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* fold: what one observation says about its socket, as evidence. Facts: KERNEL.md parts 1 to 4. */
#include <errno.h>
#include <string.h>

#include "core/flow_priv.h"

#define SHUT_SEND 2
#define SHUT_BOTH 3

void fold_path(struct flow *f, uint8_t state, uint64_t at_ns)
{
	struct verdict *v = &f->v;

	if (v->n_path && v->path[v->n_path - 1].state == state)
		return;
	if (v->n_path == PATH_MAX_STEPS)
		return;
	v->path[v->n_path++] = (struct path_step){
		.state = state,
		.at_ns = at_ns > f->born_ns ? at_ns - f->born_ns : 0,
	};
}

static struct owner owner_of(const struct obs_task *task, enum owner_source source)
{
	struct owner owner = {
		.source = source, .pid = task->pid, .tid = task->tid, .uid = task->uid,
	};

	memcpy(owner.comm, task->comm, sizeof(owner.comm));
	owner.comm[sizeof(owner.comm) - 1] = '\0';
	return owner;
}

/* The first to be known stays: who connected, accepted; else who closed or holds it. */
void fold_owner(struct flow *f, const struct obs_task *task, enum owner_source source)
{
	if (f->v.owner.source == OWNER_UNKNOWN && task->pid)
		f->v.owner = owner_of(task, source);
}

/* The task whose call sends the FIN or throws the connection away. */
static void fold_closer(struct flow *f, const struct obs_task *task)
{
	if (!task->meant || !task->pid)
		return;
	/* a kernel thread closes for somebody else: it is the closer, never the owner */
	if (!task->kthread)
		fold_owner(f, task, OWNER_CLOSE);
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
	/* the kernel counts the peer's FIN in sequence space as a byte */
	v->received_bytes = sock->bytes_received - (sock->done && sock->bytes_received);
}

static evidence_set options_evidence(const struct obs_sock *sock)
{
	evidence_set ev = 0;

	if (sock->linger)
		ev |= sock->linger_ms ? EV(LINGER_SET) : EV(LINGER_ZERO);
	if (sock->linger2 < 0)
		ev |= EV(LINGER2_NEGATIVE);
	if (sock->repair)
		ev |= EV(REPAIR);
	if (sock->keepalive)
		ev |= EV(KEEPALIVE);
	if (sock->user_timeout_ms)
		ev |= EV(USER_TIMEOUT);
	return ev;
}

static evidence_set error_evidence(const struct obs_sock *sock, bool may_be_timer)
{
	evidence_set ev = sock->err_soft ? EV(ERR_SOFT) : 0;

	/* a timer that gives up reports the ICMP error that came before, if one did */
	if (may_be_timer && sock->err && sock->err == sock->err_soft)
		return ev | EV(ERR_TIMEOUT);
	switch (sock->err) {
	case 0:
		return ev;
	case ECONNRESET:
	case ECONNREFUSED:
	case EPIPE:
		return ev | EV(ERR_RESET);
	case ETIMEDOUT:
		return ev | EV(ERR_TIMEOUT);
	case ECONNABORTED:
		return ev | EV(ERR_ABORTED);
	default:
		return ev | EV(ERR_OTHER);
	}
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
		f->v.evidence |= options_evidence(&obs->sock) & (EV(LINGER_SET) | EV(LINGER_ZERO));
}

/*
 * The linger timeout itself leaves no trace. But a close() that still waits has
 * not orphaned the socket: when the FIN is acknowledged on an orphan, and no exit
 * made close() skip the wait, the time had run out.
 */
static void fold_fin_acked(struct flow *f, const struct obs *obs)
{
	f->v.evidence |= EV(FIN_ACKED);
	if (f->v.evidence & EV(LINGER_SET) && obs->sock.dead &&
	    !(f->v.evidence & (EV(EXITING) | EV(KILLED))))
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
	if (new_state == ST_SYN_SENT && obs->has_task && obs->task.meant)
		fold_owner(f, &obs->task, OWNER_CONNECT);
	if (new_state == ST_FIN_WAIT1 || new_state == ST_LAST_ACK) {
		fold_fin(f, obs);
		if (obs->has_task)
			fold_closer(f, &obs->task);
	}
	if (new_state == ST_CLOSE_WAIT)
		f->v.evidence |= EV(PEER_FIN_FIRST);
	if (new_state == ST_CLOSING)
		f->v.evidence |= EV(FINS_CROSSED);
	if (new_state == ST_FIN_WAIT2)
		fold_fin_acked(f, obs);
}

/*
 * What is thrown away, in bytes of data: SYN and FIN take a sequence number each
 * and are none. Unread bytes are lost only where nobody can read them any more.
 */
static void fold_lost(struct flow *f, const struct obs_sock *sock, bool unread_lost)
{
	struct verdict *v = &f->v;
	uint32_t unsent = sock->unsent, unacked = sock->unacked;

	if (f->last_old == ST_SYN_SENT || f->last_old == ST_SYN_RECV)
		unacked -= unacked > 0;
	if (f->fin_queued && unsent)
		unsent--;
	else if (f->fin_queued && unacked)
		unacked--;
	v->unsent_bytes = unsent;
	v->unacked_bytes = unacked;
	if (unread_lost && sock->unread > sock->done)
		v->unread_bytes = sock->unread - sock->done;
}

/* What a program can still read is not unread for good: only where nobody can. */
static evidence_set queue_evidence(const struct obs_sock *sock, uint8_t old_state, bool unread_lost)
{
	evidence_set ev = 0;

	if (unread_lost && sock->unread > sock->done)
		ev |= EV(UNREAD);
	if (sock->unsent)
		ev |= EV(UNSENT);
	if (sock->unacked && old_state != ST_SYN_SENT && old_state != ST_SYN_RECV)
		ev |= EV(UNACKED);
	if (!sock->snd_wnd && sock->unsent)
		ev |= EV(ZERO_WINDOW);
	if (sock->probes_out)
		ev |= EV(PROBED);
	return ev;
}

static evidence_set place_evidence(const struct obs *obs)
{
	const struct obs_sock *sock = &obs->sock;

	switch (obs->old_state) {
	case ST_SYN_SENT:
		return EV(IN_SYN_SENT) | (sock->unacked ? 0 : EV(SYN_UNSENT));
	case ST_SYN_RECV:
		return EV(IN_SYN_RECV);
	case ST_FIN_WAIT2:
		/* the FIN that is taken in FIN_WAIT2 ends it in the same breath */
		return EV(IN_FIN_WAIT2) | (sock->done && !sock->err ? EV(PEER_FINISHED) : 0);
	case ST_CLOSING:
	case ST_LAST_ACK:
		/* with anything outstanding this was no acknowledgement */
		return sock->err || sock->unacked || sock->unsent ? 0 : EV(LAST_ACKED);
	}
	return 0;
}

/*
 * A lock that a process holds is no call by itself: the FIN or ACK that ends the
 * connection may have waited in the backlog while the program read.
 */
static evidence_set holder_evidence(const struct obs_sock *sock, bool ended_by_peer)
{
	if (sock->dead)
		return EV(ORPHAN);
	if (!sock->has_socket)
		/* nor has an MPTCP subflow a descriptor of its own */
		return sock->owned || sock->mptcp ? 0 : EV(NOT_ACCEPTED);
	if (!sock->owned || sock->err || ended_by_peer)
		return 0;
	return EV(BY_CALL) | (sock->shutdown == SHUT_BOTH ? 0 : EV(NOT_SHUT));
}

/* -> CLOSE: the socket is still locked, its error final, its counters true. */
void fold_close(struct flow *f, const struct obs *obs)
{
	const struct obs_sock *sock = &obs->sock;
	struct verdict *v = &f->v;
	evidence_set holder, place;

	v->mono_ns = obs->mono_ns;
	if (!obs->has_sock)
		return;
	place = place_evidence(obs);
	holder = holder_evidence(sock, f->mini || place & (EV(LAST_ACKED) | EV(PEER_FINISHED)));
	v->evidence |= holder | options_evidence(sock) |
		       error_evidence(sock, obs->old_state != ST_SYN_SENT && !f->reset_called) |
		       queue_evidence(sock, obs->old_state, holder) | place;
	v->error = sock->dead ? 0 : sock->err;
	fold_lost(f, sock, holder);
	if (holder & EV(BY_CALL) && obs->has_task)
		fold_closer(f, &obs->task);
}

static evidence_set reason_evidence(const char *reason)
{
	static const struct {
		const char *reason;
		evidence_set ev;
	} known[] = {
		{ "TCP_ABORT_ON_CLOSE", EV(REASON_CLOSE) },
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
	if (!obs->has_task)
		return;
	if (!obs->task.kthread)
		fold_owner(f, &obs->task, OWNER_CLOSE);
	if (f->stage == FLOW_OPEN)
		fold_closer(f, &obs->task);
}

void fold_destroy(struct flow *f, const struct obs *obs)
{
	f->destroyed = true;
	/* an orphan, or a socket that an administrator destroys, goes in a stranger's call */
	if (f->v.evidence & (EV(ORPHAN) | EV(ERR_ABORTED)))
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
				       EV(ERR_OTHER) | EV(RST_ACTIVE) | EV(RST_REPLY) |
				       EV(LINGER2_NEGATIVE);
	evidence_set seen = f->v.evidence;

	if (f->v.minisocket || blind & (EV(MINI_TIME_WAIT) | otherwise) || seen & (EV(GAP) | otherwise))
		return;
	/* of one that is older than the trace it may have been missed */
	if (f->state != ST_CLOSE || !(seen & EV(FIN_FIRST)) || seen & EV(OLDER))
		return;
	if (seen & (EV(PEER_FINISHED) | EV(LAST_ACKED)) || (seen & orphaned) == orphaned)
		f->v.evidence |= EV(MINI_REFUSED);
}

/*
 * tcp_reset() also runs for data that comes after close(), and then an RST is
 * sent back. Where neither the segment nor that RST can be seen, it stays open.
 */
void fold_settled(struct flow *f, evidence_set blind)
{
	/* where records were lost, an absence says nothing */
	fold_refused(f, blind);
	if (!f->reset_called || f->reset_flag_known || f->v.evidence & EV(GAP))
		return;
	if (f->v.evidence & EV(RST_REPLY) || blind & EV(RST_REPLY))
		return;
	f->v.evidence |= EV(RST_IN);
	f->v.rst_received++;
}
