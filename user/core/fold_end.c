/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* fold_end: what the change to CLOSE says: who ended it, with what error, and what was in the queues. */
#include <errno.h>

#include "core/flow_priv.h"

#define SHUT_BOTH 3

evidence_set fold_options(const struct obs_sock *sock)
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

/* Before a SYN is out the sequence numbers are nobody's, or those of the socket's last life. */
static uint32_t unsent_of(const struct obs_sock *sock, uint8_t old_state)
{
	return old_state == ST_SYN_SENT && !sock->unacked ? 0 : sock->unsent;
}

/* Of a child the SYN-ACK was its request's to send, also of one by fast open. */
static uint32_t unacked_of(const struct flow *f, const struct obs_sock *sock)
{
	bool syn = f->last_old == ST_SYN_SENT || (f->last_old == ST_SYN_RECV && !(f->v.evidence & EV(ACCEPTED)));

	return sock->unacked - (syn && sock->unacked);
}

/*
 * What is thrown away, in bytes of data: SYN and FIN take a sequence number each
 * and are none. Unread bytes are lost only where nobody can read them any more.
 */
static void fold_lost(struct flow *f, const struct obs_sock *sock, bool unread_lost)
{
	struct verdict *v = &f->v;
	uint32_t unsent = unsent_of(sock, f->last_old), unacked = unacked_of(f, sock);

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
static evidence_set queue_evidence(const struct flow *f, const struct obs_sock *sock, bool unread_lost)
{
	uint32_t unsent = unsent_of(sock, f->last_old);
	evidence_set ev = 0;

	if (unread_lost && sock->unread > sock->done)
		ev |= EV(UNREAD);
	if (sock->psock && sock->unread > sock->done)
		ev |= EV(SOCKMAP);
	if (unsent)
		ev |= EV(UNSENT);
	if (unacked_of(f, sock))
		ev |= EV(UNACKED);
	/* a peer that has not answered yet has said nothing of its window */
	if (!sock->snd_wnd && unsent && f->last_old != ST_SYN_SENT)
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
static evidence_set holder_evidence(const struct flow *f, const struct obs_sock *sock, bool ended_by_peer)
{
	if (sock->dead)
		/* where it counts: no timer runs then */
		return EV(ORPHAN) | (f->last_old == ST_FIN_WAIT2 && sock->owned && !ended_by_peer ? EV(LOCKED) : 0);
	if (!sock->has_socket)
		/* nor has an MPTCP subflow a descriptor of its own */
		return sock->mptcp ? EV(SUBFLOW) : sock->owned ? 0 : EV(NOT_ACCEPTED);
	if (!sock->owned || sock->err || ended_by_peer)
		return 0;
	return EV(BY_CALL) | (sock->shutdown == SHUT_BOTH ? 0 : EV(NOT_SHUT));
}

/*
 * An ICMP error that the program never fetched (IP_RECVERR) stays on the socket
 * and ends nothing: it was there before close() did anything. What ends a
 * connection with an error writes its own; and once the handshake is over, none
 * but those of a reset, a timer or an administrator do. Nor does an RST in
 * SYN_SENT reset: that is what tcp_disconnect() left there.
 */
static bool is_old_error(const struct flow *f, const struct obs_sock *sock)
{
	if (f->last_old == ST_SYN_SENT)
		return sock->err == ECONNRESET;
	if (sock->err == ETIMEDOUT || sock->err == sock->err_soft || f->reset_called)
		return false;
	return sock->err == f->release_err || (error_evidence(sock, false) & EV(ERR_OTHER) &&
					       f->last_old != ST_SYN_RECV && !sock->mptcp);
}

/* Who destroys it is nobody's owner, but it was that task's call. */
static void fold_ender(struct flow *f, const struct obs *obs, evidence_set holder)
{
	if (!obs->has_task)
		return;
	if (holder & EV(BY_CALL))
		fold_closer(f, &obs->task);
	else if (obs->sock.err == ECONNABORTED && obs->task.meant && obs->task.pid)
		f->v.closer = owner_of(&obs->task, OWNER_DESTROY);
}

static void fold_end(struct flow *f, const struct obs *obs)
{
	const struct obs_sock *sock = &obs->sock;
	struct verdict *v = &f->v;
	evidence_set place = place_evidence(obs), holder;
	bool by_peer = f->mini || place & (EV(LAST_ACKED) | EV(PEER_FINISHED)), lost;

	holder = holder_evidence(f, sock, by_peer);
	/*
	 * With anything unread close() sends an RST, no FIN: what an orphan seems to have is none.
	 * What the network has ended in the accept queue can still be accepted, and read.
	 */
	lost = holder & (EV(BY_CALL) | EV(NOT_ACCEPTED)) && !sock->err && !sock->psock;
	v->evidence |= holder | fold_options(sock) |
		       error_evidence(sock, obs->old_state != ST_SYN_SENT && !f->reset_called) |
		       queue_evidence(f, sock, lost) | place;
	v->error = sock->dead ? 0 : sock->err;
	if (sock->unread > sock->done && !sock->psock)
		v->left_bytes = sock->unread - sock->done;
	fold_lost(f, sock, lost);
	fold_ender(f, obs, holder);
	if (!fold_fin_waits(f, sock))
		return;
	v->evidence &= ~(EV(FIN_FIRST) | EV(FIN_AFTER));
	v->evidence |= EV(CLOSED_BEFORE_FIN);
}

/* -> CLOSE: the socket is still locked, its error final, its counters true. */
void fold_close(struct flow *f, const struct obs *obs)
{
	bool is_old;

	f->v.mono_ns = obs->mono_ns;
	/* an orphan goes in the same breath: nobody need say so */
	f->destroyed |= obs->sock.dead;
	if (!obs->has_sock)
		return;
	is_old = is_old_error(f, &obs->sock);
	if (is_old || f->in_sockmap) {
		struct obs end = *obs;

		if (is_old)
			end.sock.err = 0;
		end.sock.psock |= f->in_sockmap;
		fold_end(f, &end);
	} else {
		fold_end(f, obs);
	}
}
