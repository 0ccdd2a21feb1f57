/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* mini: FIN_WAIT2 and TIME_WAIT after the socket is gone (docs/ARCHITECTURE.md: how a mini-socket ends). */
#include <stddef.h>

#include "base/span.h"
#include "core/flow_priv.h"

/* FIN_WAIT2 is over: the peer's FIN came. The socket's verdict need not wait any longer. */
static void mini_to_time_wait(struct flow_table *t, struct mini *m, uint64_t at_ns)
{
	struct flow *f = m->flow;

	if (m->state == ST_TIME_WAIT)
		return;
	m->state = ST_TIME_WAIT;
	m->time_wait_ns = at_ns;
	mini_wind(t, m, at_ns + TIME_WAIT_NS);
	list_remove(&m->asking);
	if (!f)
		return;
	fold_path(f, ST_TIME_WAIT, at_ns);
	f->v.evidence |= EV(MINI_TIME_WAIT);
	flow_resolved(t, f, at_ns);
}

/*
 * It was found there: the step was not traced (the timer is wound up to the same slot of
 * its wheel), and lies as far back as the last look at most.
 */
static void mini_met_in_time_wait(struct flow_table *t, struct mini *m, uint64_t at_ns)
{
	if (m->state == ST_TIME_WAIT)
		return;
	m->fin_wait2_at_most = true;
	if (m->flow)
		m->flow->v.fin_wait2_at_most = true;
	mini_to_time_wait(t, m, at_ns);
}

/* Whoever acknowledged a FIN has taken it, and if that left no trace there, it was now. */
void mini_peer_done(struct flow_table *t, const struct flow *f)
{
	struct flow *other = list_empty(&t->asking) ? NULL : flow_pair(t, f);

	/* nor is one meant that is over, or about to be */
	if (other && other->mini && !other->mini->cancel_ns && other->v.netns == f->v.netns)
		mini_to_time_wait(t, other->mini, f->v.mono_ns);
}

/* Reported and given back. */
static void mini_report(struct flow_table *t, struct mini *m)
{
	uint64_t fin_wait2_until = m->time_wait_ns ? m->time_wait_ns : m->ended_ns;
	struct minisocket record = {
		.conn = m->conn, .mono_ns = m->ended_ns, .tuple = m->tuple,
		.netns = m->netns, .owner = m->owner, .end = (enum mini_end)m->end,
		.complete = !m->found_ns, .fin_wait2_at_most = m->fin_wait2_at_most,
		.evidence = m->evidence, .judged = m->judged, .cause = (enum cause)m->cause,
	};

	if (m->born_state == ST_FIN_WAIT2)
		record.fin_wait2_ns = span_ns(m->born_ns, fin_wait2_until);
	if (m->time_wait_ns)
		record.time_wait_ns = span_ns(m->time_wait_ns, m->ended_ns);
	audit_mini_ended(t->config.audit, &record);
	if (t->config.mini_ended && !m->hidden)
		t->config.mini_ended(t->config.ctx, &record);
	pool_give(&t->minis, m);
}

void mini_refused(struct flow_table *t, const struct flow *f)
{
	struct minisocket record = {
		.conn = f->v.conn, .mono_ns = f->v.mono_ns, .tuple = f->v.tuple,
		.netns = f->v.netns, .owner = f->v.owner, .end = MINI_NEVER_CREATED,
		.complete = true,
	};

	if (t->config.mini_ended)
		t->config.mini_ended(t->config.ctx, &record);
}

void mini_leave_flow(struct flow_table *t, struct mini *m, bool wanted)
{
	m->owner = m->flow->v.owner;
	m->evidence = m->flow->v.evidence;
	m->cause = (uint8_t)m->flow->v.cause;
	m->judged = true;
	m->hidden = !wanted;
	m->flow->mini = NULL;
	m->flow = NULL;
	if (m->over)
		mini_report(t, m);
}

/* ev is what its end proves of a FIN_WAIT2 that was never finished. */
static void mini_ended(struct flow_table *t, struct mini *m, enum mini_end end, evidence_set ev,
		       uint64_t at_ns)
{
	struct flow *f = m->flow;

	if (f && m->state == ST_FIN_WAIT2) {
		f->v.evidence |= ev;
		f->v.mono_ns = at_ns;
		flow_resolved(t, f, at_ns);
	}
	m->end = end;
	m->ended_ns = at_ns;
	m->over = true;
	t->counts.minis_ended++;
	mini_unlink(t, m);
	if (!f)
		mini_report(t, m);
}

/* What its end is called, and what it proves of a FIN_WAIT2 that was never finished. */
static const struct {
	enum mini_end end;
	evidence_set ev;
} killers[MINI_BY_MAX] = {
	[MINI_BY_UNKNOWN] = { MINI_UNSEEN, 0 },
	[MINI_BY_REARM] = { MINI_UNSEEN, 0 },
	[MINI_BY_RST] = { MINI_RESET, EV(MINI_RST_IN) },
	/* on that path the kernel answers first, also where the answer cannot be seen */
	[MINI_BY_SEGMENT] = { MINI_DATA, EV(MINI_REPLY) },
	[MINI_BY_CONNECT] = { MINI_REUSED, EV(MINI_REUSED) },
	[MINI_BY_ABORT] = { MINI_DESTROYED, EV(MINI_ABORTED) },
	[MINI_BY_PURGE] = { MINI_NAMESPACE_GONE, EV(MINI_PURGED) },
};

/* It is gone, and the hooks that tell of that were not run for it: a gap. */
static evidence_set vanished(const struct flow_table *t)
{
	return flow_covers(t, VANTAGE_MINI_EXPIRED) && flow_covers(t, VANTAGE_MINI_KILLED) ? EV(GAP) : 0;
}

void mini_killed(struct flow_table *t, struct mini *m, uint64_t at_ns)
{
	evidence_set ev = m->vanished ? vanished(t) : EV(MINI_KILLED) | killers[m->caller].ev;
	enum mini_end end = killers[m->caller].end;

	/* in TIME_WAIT the one segment that ends it, and is no RST, is a newer SYN that a listener takes */
	if (end == MINI_DATA && m->state == ST_TIME_WAIT)
		end = MINI_NEW_SYN;
	else if (end == MINI_DATA && m->flow && !m->replied)
		m->flow->v.rst_sent++;
	else if (end == MINI_RESET && m->flow && m->state == ST_FIN_WAIT2)
		m->flow->v.rst_received++;
	if (end == MINI_UNSEEN && m->replied)
		end = MINI_DATA;
	mini_ended(t, m, end, ev, at_ns);
}

/* No event of that socket was ever seen: it is older than the trace; its CLOSE comes next. */
static struct flow *flow_unseen(struct flow_table *t, const struct obs *obs)
{
	struct flow *f = flow_new(t, obs, EV(OLDER));

	if (!f)
		return NULL;
	/* a mini-socket only ever takes over from the side whose FIN went first */
	f->v.evidence |= EV(FIN_FIRST);
	f->due_ns = obs->mono_ns + FLOW_SETTLE_NS;
	flow_move_to(t, f, FLOW_OPEN, &t->unseen);
	return f;
}

void mini_orphaned(struct flow_table *t, struct mini *m)
{
	struct flow *f = m->flow;

	m->found_ns = m->born_ns;
	m->flow = NULL;
	f->mini = NULL;
	if (m->over)
		mini_report(t, m);
}

static void mini_evict_oldest(struct flow_table *t, uint64_t now_ns)
{
	struct flow *f;
	struct mini *m;

	/* all there are may be over and wait for their sockets' verdicts */
	if (list_empty(&t->all_minis))
		return;
	m = container_of(t->all_minis.next, struct mini, queue);
	f = m->flow;
	t->minis_evicted = true;
	t->counts.evicted++;
	mini_ended(t, m, MINI_UNSEEN, EV(EVICTED), now_ns);
	/* its room is needed now */
	if (f)
		mini_leave_flow(t, m, true);
}

/* As the kernel tells of it, and nobody's yet. */
static struct mini *mini_new(struct flow_table *t, const struct obs *obs)
{
	struct mini *m;

	if (t->minis.used == t->minis.max)
		mini_evict_oldest(t, obs->mono_ns);
	m = index_room(&t->by_addr) ? pool_take(&t->minis) : NULL;
	if (!m) {
		t->counts.evicted++;
		return NULL;
	}
	m->tuple = obs->tuple;
	m->netns = obs->sock.netns_ino;
	m->born_ns = obs->mono_ns;
	m->born_state = m->state = obs->mini.substate;
	m->ts_known = obs->mini.ts_known;
	m->ts = obs->mini.ts;
	list_init(&m->cancelled);
	list_init(&m->timed);
	list_init(&m->asking);
	list_append(&t->all_minis, &m->queue);
	mini_index(t, m, obs->mini.addr);
	return m;
}

static void mini_join(struct mini *m, struct flow *f)
{
	m->flow = f;
	m->conn = f->v.conn;
	m->owner = f->v.owner;
	f->mini = m;
	f->v.minisocket = m->state;
	fold_path(f, m->state, m->born_ns);
	f->v.evidence |= m->state == ST_TIME_WAIT ? EV(MINI_TIME_WAIT) : EV(MINI_FIN_WAIT2);
}

/*
 * Where its timer tells of its birth, another CPU may have found it and given it the peer's
 * FIN before: since v6.11 (commit b334b924c9b7) it has its references before its timer is
 * armed. The socket knows: of a FIN that it took itself it bears the mark.
 */
void mini_was_born(struct flow *f, const struct obs *obs)
{
	struct mini *m = f->mini;

	if (!m || m->found_ns || m->born_state != ST_TIME_WAIT || obs->old_state != ST_FIN_WAIT2 || obs->sock.done)
		return;
	m->born_state = ST_FIN_WAIT2;
	f->v.minisocket = ST_FIN_WAIT2;
	f->v.evidence |= EV(MINI_FIN_WAIT2);
}

static void mini_born(struct flow_table *t, const struct obs *obs)
{
	struct flow *f = flow_open_by_tuple(t, &obs->tuple, obs->sock.netns_ino);
	struct mini *m = mini_new(t, obs);

	if (!m) {
		/* nor will what becomes of it be known */
		if (f)
			f->v.evidence |= EV(GAP);
		return;
	}
	t->counts.minis_born++;
	audit_mini_born(t->config.audit, m->netns, m->born_ns);
	if (m->state == ST_TIME_WAIT)
		m->time_wait_ns = obs->mono_ns;
	mini_ask(t, m, obs);
	if (!f || f->mini)
		f = flow_unseen(t, obs);
	if (f)
		mini_join(m, f);
}

/*
 * One that is older than the trace. What is left of TIME_WAIT's minute says since
 * when it is there at least: every ACK winds it up again. How long FIN_WAIT2 was
 * to last is not known.
 */
static struct mini *take_found(struct flow_table *t, const struct obs *obs)
{
	/* what the trace saw being born is worth more than what was there before */
	struct mini *m = t->minis.used < t->minis.max ? mini_new(t, obs) : NULL;
	uint64_t left = obs->mini.timeout_ns, age = 0;

	if (!m)
		return NULL;
	t->counts.minis_found++;
	if (m->state == ST_TIME_WAIT && (left || obs->kind == OBS_MINI_EXPIRED) && left < TIME_WAIT_NS)
		age = TIME_WAIT_NS - left;
	m->born_ns -= age < m->born_ns ? age : 0;
	if (m->state == ST_TIME_WAIT)
		m->time_wait_ns = m->born_ns;
	m->found_ns = obs->mono_ns;
	m->conn = ++t->next_conn;
	mini_ask(t, m, obs);
	return m;
}

/*
 * Its timer is armed again: same address, same tuple, and no open socket that a
 * new mini-socket could come from (the same memory may soon serve the same tuple's
 * next life). Anything else at that address is a new one, and the old one's end
 * was missed or is due.
 */
static bool is_armed_again(struct flow_table *t, const struct mini *m, const struct obs *obs)
{
	const struct flow *f;

	if (!m || m->netns != obs->sock.netns_ino || !tuple_equal(&m->tuple, &obs->tuple))
		return false;
	if (m->state == ST_TIME_WAIT && obs->mini.substate == ST_FIN_WAIT2)
		return false;
	f = flow_open_by_tuple(t, &obs->tuple, obs->sock.netns_ino);
	return !f || f->mini == m;
}

/* Forgotten as if it had never been found: its birth is in the ring. */
static void mini_unfind(struct flow_table *t, struct mini *m)
{
	mini_unlink(t, m);
	pool_give(&t->minis, m);
	t->counts.minis_found--;
}

/* It lives on; where it stands is told. */
static void armed_again(struct flow_table *t, struct mini *m, const struct obs *obs)
{
	m->cancel_ns = 0;
	m->caller = MINI_BY_UNKNOWN;
	m->vanished = false;
	list_remove(&m->cancelled);
	if (obs->mini.substate == ST_TIME_WAIT)
		mini_to_time_wait(t, m, obs->mono_ns);
	else
		mini_ask(t, m, obs);
	if (m->state == ST_TIME_WAIT)
		mini_wind(t, m, obs->mono_ns + TIME_WAIT_NS);
}

static void take_born(struct flow_table *t, struct mini *m, const struct obs *obs)
{
	if (mini_is_before_found(m, obs)) {
		mini_unfind(t, m);
		m = NULL;
	}
	if (is_armed_again(t, m, obs)) {
		armed_again(t, m, obs);
		return;
	}
	if (m)
		mini_killed(t, m, m->cancel_ns ? m->cancel_ns : obs->mono_ns);
	mini_born(t, obs);
}

/* By itself no end; but it tells where the mini-socket stands, also after a step that was not traced. */
static void take_cancel(struct flow_table *t, struct mini *m, const struct obs *obs)
{
	if (obs->mini.substate == ST_TIME_WAIT)
		mini_met_in_time_wait(t, m, obs->mono_ns);
	m->cancel_ns = obs->mono_ns;
	m->caller = obs->mini.caller;
	m->vanished = obs->kind == OBS_MINI_PEEK;
	list_remove(&m->timed);
	list_remove(&m->asking);
	list_remove(&m->cancelled);
	list_append(&t->cancelled, &m->cancelled);
}

bool mini_is_repeat(struct flow_table *t, const struct obs *obs)
{
	const struct mini *m = obs->understudy ? mini_met(t, obs) : NULL;

	return m && obs->kind == OBS_RST_REPLY && m->replied;
}

/* An RST in reply to a segment for a mini-socket: data or a SYN came to its FIN_WAIT2. */
static void take_reply(struct mini *m, const struct obs *obs)
{
	struct flow *f = m->flow;

	m->replied = true;
	if (!f || m->state != ST_FIN_WAIT2)
		return;
	f->v.rst_sent++;
	f->v.evidence |= EV(MINI_REPLY);
	if (obs->rst_reason)
		f->v.rst_reason = obs->rst_reason;
}

static void take_peek(struct flow_table *t, struct mini *m, const struct obs *obs)
{
	if (obs->mini.substate == ST_TIME_WAIT)
		mini_met_in_time_wait(t, m, obs->mono_ns);
	else if (!obs->mini.substate && !m->cancel_ns)
		/* gone; the record that says why may still be on its way */
		take_cancel(t, m, obs);
	if (m->due_ns && obs->mono_ns > m->due_ns)
		/* it lives on: how it came to that was not seen */
		mini_wind(t, m, obs->mono_ns);
	if (!mini_may_step(m, obs->mono_ns))
		list_remove(&m->asking);
}

static void take_end(struct flow_table *t, struct mini *m, const struct obs *obs)
{
	if (obs->mini.substate == ST_TIME_WAIT)
		mini_met_in_time_wait(t, m, obs->mono_ns);
	if (obs->kind == OBS_MINI_EXPIRED) {
		mini_ended(t, m, MINI_EXPIRED, EV(MINI_EXPIRED), obs->mono_ns);
		return;
	}
	m->caller = obs->mini.caller;
	mini_killed(t, m, obs->mono_ns);
}

static bool is_rearm(const struct obs *obs)
{
	return obs->kind == OBS_MINI_ARMED ||
	       (obs->kind == OBS_MINI_CANCEL && obs->mini.caller == MINI_BY_REARM);
}

/*
 * It was there, whoever it is: wound up again, run out, or ended by a call. Not the
 * death that follows the last two, nor any of one that was given up for room.
 */
static bool is_sign_of_life(const struct flow_table *t, const struct obs *obs)
{
	if (obs->kind == OBS_MINI_FOUND || is_rearm(obs))
		return true;
	if (t->minis_evicted)
		return false;
	return obs->kind == OBS_MINI_EXPIRED ||
	       ((obs->kind == OBS_MINI_CANCEL || obs->kind == OBS_MINI_KILLED) && obs->mini.caller);
}

/* Which one is meant: it may have to be made first. NULL: none that is followed. */
static struct mini *mini_meant(struct flow_table *t, const struct obs *obs)
{
	struct mini *m = mini_met(t, obs);

	if (obs->kind == OBS_MINI_BORN)
		take_born(t, m, obs);
	else if (!m && is_sign_of_life(t, obs))
		take_found(t, obs);
	else if (mini_is_before_found(m, obs))
		return NULL;
	m = mini_met(t, obs);
	/* its memory is another's by now: that one's events tell */
	return m && obs->tuple.family && !tuple_equal(&m->tuple, &obs->tuple) ? NULL : m;
}

uint64_t mini_take(struct flow_table *t, const struct obs *obs, struct tuple *tuple_ret)
{
	struct mini *m = mini_meant(t, obs);
	uint64_t conn;

	if (!m) {
		t->counts.strays++;
		return 0;
	}
	conn = m->conn;
	if (tuple_ret)
		*tuple_ret = m->tuple;
	if (is_rearm(obs))
		armed_again(t, m, obs);
	else if (obs->kind == OBS_MINI_CANCEL)
		take_cancel(t, m, obs);
	else if (obs->kind == OBS_RST_REPLY)
		take_reply(m, obs);
	else if (obs->kind == OBS_MINI_PEEK)
		take_peek(t, m, obs);
	else if (obs->kind == OBS_MINI_EXPIRED || obs->kind == OBS_MINI_KILLED)
		take_end(t, m, obs);
	return conn;
}

void mini_tick(struct flow_table *t, uint64_t now_ns)
{
	mini_sweep(t, now_ns);
	while (!list_empty(&t->cancelled)) {
		struct mini *m = container_of(t->cancelled.next, struct mini, cancelled);

		if (m->cancel_ns + FLOW_CANCEL_GRACE_NS > now_ns)
			return;
		mini_killed(t, m, m->cancel_ns);
	}
}

bool mini_is_due(const struct flow_table *t, uint64_t now_ns)
{
	if (mini_is_overdue(t, now_ns))
		return true;
	return !list_empty(&t->cancelled) &&
	       container_of(t->cancelled.next, struct mini, cancelled)->cancel_ns + FLOW_CANCEL_GRACE_NS <= now_ns;
}

void mini_finish(struct flow_table *t, uint64_t now_ns)
{
	mini_tick(t, now_ns + FLOW_CANCEL_GRACE_NS);
}
