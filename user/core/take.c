/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* take: which flow an observation belongs to, or begins. */
#include "base/span.h"
#include "core/flow_priv.h"

/* Whoever was at this address is gone, and we missed its end. */
static void flow_supplanted(struct flow_table *t, struct flow *f, uint64_t now_ns)
{
	if (f->stage != FLOW_OPEN || f->destroyed) {
		/*
		 * It only waits for its verdict, or went when its end was no longer
		 * watched and gets none: a new life begins at its address.
		 */
		index_remove(&t->by_sk, &f->by_sk);
		f->destroyed = true;
		return;
	}
	if (f->only_met) {
		/* found as it was going: what is at its address now says that it is gone */
		t->counts.strays++;
		flow_drop(t, f, false);
		return;
	}
	f->v.evidence |= EV(GAP);
	f->v.mono_ns = now_ns;
	flow_emit(t, f);
}

/* Not every record says where: what began with one that does not is found by the next that does. */
static void learn_place(struct flow_table *t, struct flow *f, const struct obs *obs)
{
	const struct tuple *known = &f->v.tuple;

	/* next to always it is known */
	if (!known->family || !known->local.port)
		flow_set_tuple(t, f, &obs->tuple);
	if (!f->v.netns)
		f->v.netns = obs->sock.netns_ino;
}

/* The look around took no lock: the first event tells where the socket really stood. */
static void correct_met(struct flow *f, const struct obs *obs)
{
	if (f->only_met && f->state != obs->old_state) {
		f->v.n_path = 0;
		fold_path(f, obs->old_state, f->born_ns);
		fold_past(f, obs->old_state);
	}
	f->only_met = false;
}

/* A mini-socket of this tuple was born before any event of its socket was seen. */
static struct flow *adopt(struct flow_table *t, const struct obs *obs)
{
	struct flow *f = obs->tuple.family ?
				 flow_open_by_tuple(t, &obs->tuple, obs->sock.netns_ino) : NULL;

	if (!f || f->sk)
		return NULL;
	t->n_unmet_flows--;
	f->sk = obs->sk;
	index_add(&t->by_sk, &f->by_sk, index_mix(f->sk));
	return f;
}

static struct flow *flow_older(struct flow_table *t, const struct obs *obs)
{
	struct flow *f = adopt(t, obs);

	if (f) {
		fold_past(f, obs->old_state);
		return f;
	}
	f = flow_new(t, obs, EV(OLDER));
	if (f)
		fold_snapshot(f, obs, true);
	return f;
}

static bool is_birth(const struct flow *f, const struct obs *obs)
{
	if (obs->old_state == ST_CLOSE && obs->new_state == ST_SYN_SENT)
		return true;
	/* a simultaneous open passes SYN_RECV too: then the socket is known as such */
	return obs->old_state == ST_SYN_RECV && !(f && f->stage == FLOW_OPEN && f->state == ST_SYN_RECV);
}

/*
 * A child whose tuple was taken by a twin on another CPU looks like one whose
 * listener closes (fast open, or a close() that overtook the end of the handshake).
 * But of that one the peer is told: an RST follows.
 */
static bool may_be_twin(const struct obs *obs)
{
	const struct obs_sock *sock = &obs->sock;

	return obs->new_state == ST_CLOSE && !sock->err && !sock->has_socket && !sock->unread;
}

/* Of a fast-open child anything may be told before it leaves SYN_RECV. */
static struct flow *flow_accepted(struct flow_table *t, const struct obs *obs)
{
	struct flow *f = flow_new(t, obs, EV(ACCEPTED));

	if (!f)
		return NULL;
	if (obs->kind == OBS_STATE) {
		f->maybe_twin = may_be_twin(obs);
	} else {
		f->state = ST_SYN_RECV;
		fold_path(f, f->state, obs->mono_ns);
	}
	return f;
}

/* What ends a connection is told within that time of its first step out of where it was open. */
#define STEP_NS (UINT64_C(1000) * 1000 * 1000)

/*
 * Records were lost while it was open, but now it goes on from where it stood, and
 * all that leads there is younger: none of them was its own. Only what waits for
 * somebody to close it is that still; in the other states it hears of things that
 * change none.
 */
static bool was_still(const struct flow_table *t, const struct flow *f, const struct obs *obs)
{
	return f->state == obs->old_state && (f->state == ST_ESTABLISHED || f->state == ST_CLOSE_WAIT) &&
	       obs->mono_ns > t->gap_until_ns + STEP_NS && tuple_equal(&f->v.tuple, &obs->tuple);
}

/* Another one has that address by now, and what would have said so was lost. */
static bool is_another(const struct flow *f, const struct obs *obs)
{
	return f->v.tuple.family && f->v.tuple.local.port && obs->tuple.family && obs->tuple.local.port &&
	       obs->tuple.peer.port && !tuple_equal(&f->v.tuple, &obs->tuple);
}

/*
 * Does the change begin where it stood? What was only met is corrected (correct_met()). If
 * not, no program was run for what lies between, whether or not anything counted that.
 */
static bool goes_on(const struct flow *f, const struct obs *obs)
{
	return f->only_met || f->state == obs->old_state;
}

static struct flow *flow_for_state(struct flow_table *t, const struct obs *obs)
{
	struct flow *f = flow_by_sk(t, obs->sk);

	if (is_birth(f, obs)) {
		if (f)
			flow_supplanted(t, f, obs->mono_ns);
		/* a child that the kernel throws away as it makes it, for want of memory: nothing was ever open */
		if (obs->sock.dead)
			return NULL;
		return obs->new_state == ST_SYN_SENT ? flow_new(t, obs, EV(CONNECTED)) : flow_accepted(t, obs);
	}
	if (f && f->stage == FLOW_OPEN && !((f->in_gap || !goes_on(f, obs)) && is_another(f, obs))) {
		if (!goes_on(f, obs))
			fold_missed(f, obs->old_state);
		return f;
	}
	/* LISTEN and CLOSE are no connections; a second CLOSE says nothing new */
	if (obs->old_state == ST_LISTEN || obs->old_state == ST_CLOSE)
		return NULL;
	if (f)
		flow_supplanted(t, f, obs->mono_ns);
	return flow_older(t, obs);
}

/* No two resets of one socket are that close; two programs on one event are ... */
#define REPEAT_NS (UINT64_C(100) * 1000)
/*
 * ... or where its task may lose the CPU between them, as v7.x lets it: then another's
 * event is the last one that the understudy knows of. A softirq loses nothing, and
 * of a task's own accord a socket sends one RST.
 */
#define REPEAT_BY_TASK_NS (UINT64_C(1000) * 1000 * 1000)

/* The understudy's record and the first program's may both arrive: see sense.bpf.h. */
static bool is_repeat(struct flow_table *t, const struct obs *obs)
{
	const struct flow *f = obs->understudy ? flow_by_sk(t, obs->sk) : NULL;

	if (!f)
		return false;
	if (obs->kind == OBS_STATE)
		return f->state == obs->new_state && f->last_old == obs->old_state;
	if (obs->kind == OBS_DESTROY)
		return f->destroyed;
	return f->last_kind == obs->kind &&
	       span_ns(f->last_kind_ns, obs->mono_ns) < (obs->kind == OBS_RST_ACTIVE ? REPEAT_BY_TASK_NS : REPEAT_NS);
}

static struct flow *take_state(struct flow_table *t, const struct obs *obs)
{
	struct flow *f;

	if (obs->new_state == ST_LISTEN || (obs->old_state == ST_LISTEN))
		return NULL;
	f = flow_for_state(t, obs);
	if (!f)
		return NULL;
	f->place_late = obs->new_state == ST_CLOSE && !f->v.tuple.local.port;
	learn_place(t, f, obs);
	flow_forget_found(t, f);
	correct_met(f, obs);
	if (f->in_gap && was_still(t, f, obs))
		f->in_gap = false;
	if (obs->reset_called)
		fold_rst_received(f, obs);
	fold_state(f, obs);
	if (obs->new_state != ST_CLOSE) {
		flow_move_to(t, f, FLOW_OPEN, &t->open);
		return f;
	}
	mini_was_born(f, obs);
	fold_close(f, obs);
	if (f->v.evidence & EV(LAST_ACKED) && obs->old_state == ST_LAST_ACK)
		mini_peer_done(t, f);
	listener_closes(t, f, obs);
	/* another CPU may have ended the mini-socket before this one came to say CLOSE */
	if (f->mini && f->mini->state == ST_FIN_WAIT2 && !f->mini->over)
		flow_move_to(t, f, FLOW_WAITS_MINI, &t->waits_mini);
	else
		flow_ended(t, f, obs->mono_ns);
	return f;
}

/* State changes may go unseen by now. */
static bool is_stopped(const struct flow_table *t, const struct obs *obs)
{
	return t->stopped_ns && obs->mono_ns >= t->stopped_ns;
}

static struct flow *take_destroy(struct flow_table *t, const struct obs *obs)
{
	struct flow *f = flow_by_sk(t, obs->sk);

	if (!f)
		return NULL;
	fold_destroy(f, obs);
	if (is_stopped(t, obs))
		return f;
	if (f->stage == FLOW_OPEN) {
		/* it cannot go without having been in CLOSE: that event was lost */
		f->v.evidence |= EV(GAP);
		f->v.mono_ns = obs->mono_ns;
		flow_ended(t, f, obs->mono_ns);
	}
	return f;
}

static bool is_rst(enum obs_kind kind)
{
	return kind == OBS_RST_ACTIVE || kind == OBS_RST_REPLY || kind == OBS_RST_RECEIVED;
}

/* MPTCP keeps its first subflow, disconnected, for as long as a program has the connection. */
static bool is_kept_subflow(const struct tuple *ours, const struct obs *obs)
{
	return obs->sock.mptcp && obs->old_state == ST_CLOSE && !obs->tuple.peer.port &&
	       obs->tuple.local.port == ours->local.port;
}

/*
 * The memory of one that is gone is soon another's: a stranger's close() is not
 * its own. Where nothing tells that it is gone, the ports do.
 */
static bool is_stranger(const struct flow *f, const struct obs *obs, uint8_t state)
{
	const struct tuple *ours = &f->v.tuple, *its = &obs->tuple;

	/* an RST in a state that ours has left for good: of a life whose birth was lost */
	if (is_rst(obs->kind))
		return f->stage != FLOW_OPEN && state && state != ST_CLOSE;
	if (obs->kind != OBS_RELEASE && obs->kind != OBS_SNAPSHOT)
		return false;
	if (f->destroyed)
		return true;
	if (is_kept_subflow(ours, obs))
		return false;
	return f->stage != FLOW_OPEN && ours->family && its->family &&
	       (ours->peer.port != its->peer.port || ours->local.port != its->local.port);
}

static struct flow *take_known(struct flow_table *t, const struct obs *obs)
{
	struct flow *f = flow_by_sk(t, obs->sk);
	bool is_new = false;
	uint8_t state = obs->has_sock ? obs->sock.state : obs->old_state;

	if (f && is_stranger(f, obs, state)) {
		flow_supplanted(t, f, obs->mono_ns);
		f = NULL;
	}
	/* who is met only when the end is no longer watched is open as far as we know */
	if (!f && state && state != ST_CLOSE && state != ST_LISTEN && !is_stopped(t, obs)) {
		f = state == ST_SYN_RECV && obs->kind != OBS_SNAPSHOT ? flow_accepted(t, obs) :
									flow_older(t, obs);
		is_new = true;
	}
	if (!f)
		return NULL;
	learn_place(t, f, obs);
	f->only_met = obs->kind == OBS_SNAPSHOT && (is_new || f->only_met);
	f->last_kind = obs->kind;
	f->last_kind_ns = obs->mono_ns;
	switch (obs->kind) {
	case OBS_RST_ACTIVE:
	case OBS_RST_REPLY:
		fold_rst_sent(f, obs);
		break;
	case OBS_RST_RECEIVED:
		if (f->state != ST_CLOSE)
			fold_rst_received(f, obs);
		break;
	case OBS_RELEASE:
		fold_release(f, obs);
		break;
	default:
		if (!is_new)
			fold_snapshot(f, obs, false);
		break;
	}
	return f;
}

/*
 * The sensors have stopped to watch it: it would stay open for ever. Its birth may
 * have been kept from us too: then whoever was at its address before is another.
 */
static struct flow *take_leave(struct flow_table *t, const struct obs *obs)
{
	struct flow *f = flow_by_sk(t, obs->sk);

	if (f && obs->kind == OBS_STATE && (f->stage != FLOW_OPEN || f->state != obs->old_state))
		return NULL;
	if (f && !f->destroyed)
		flow_drop(t, f, false);
	return NULL;
}

/* In any stage: what its own events told is newer than what was found, or soon will be. */
static bool is_known_tuple(const struct flow_table *t, const struct obs *obs)
{
	struct index_link *link = index_first(&t->by_tuple, tuple_hash(&obs->tuple));

	for (; link; link = index_next(&t->by_tuple, link)) {
		const struct flow *f = container_of(link, struct flow, by_tuple);

		if (f->v.netns == obs->sock.netns_ino && tuple_equal(&f->v.tuple, &obs->tuple))
			return true;
	}
	return false;
}

/* An RST that no connection sent. */
static void take_stray(struct flow_table *t, const struct obs *obs)
{
	audit_obs(t->config.audit, obs);
	strays_take(t, obs);
}

static uint64_t told_again(struct flow_table *t)
{
	t->counts.duplicates++;
	return FLOW_REPEATED;
}

uint64_t flow_take(struct flow_table *t, const struct obs *obs, struct tuple *tuple_ret)
{
	struct flow *f;

	t->counts.taken++;
	if (tuple_ret)
		*tuple_ret = obs->tuple;
	if (obs->mini.addr || obs->kind == OBS_MINI_FOUND) {
		if (mini_is_repeat(t, obs))
			return told_again(t);
		if (obs->kind == OBS_RST_REPLY)
			take_stray(t, obs);
		return mini_take(t, obs, tuple_ret);
	}
	if (obs->kind == OBS_RST_STRAY) {
		if (strays_is_repeat(t, obs))
			return told_again(t);
		take_stray(t, obs);
		return 0;
	}
	if (obs->kind == OBS_OVERFLOW)
		return overflow_take(t, obs);
	if (obs->kind == OBS_REQUEST_GONE)
		return request_take(t, obs);
	/* found without its address and known already, a damaged tape */
	if (!obs->sk && (obs->kind != OBS_SNAPSHOT || is_known_tuple(t, obs))) {
		t->counts.strays++;
		return 0;
	}
	if (listener_is_meant(obs) && listener_take(t, obs))
		return 0;
	if (is_repeat(t, obs))
		return told_again(t);
	audit_obs(t->config.audit, obs);
	if (obs->others)
		f = take_leave(t, obs);
	else if (obs->kind == OBS_STATE)
		f = take_state(t, obs);
	else if (obs->kind == OBS_DESTROY)
		f = take_destroy(t, obs);
	else
		f = take_known(t, obs);
	if (!f) {
		t->counts.strays++;
		return 0;
	}
	if (tuple_ret)
		*tuple_ret = f->v.tuple;
	return f->v.conn;
}
