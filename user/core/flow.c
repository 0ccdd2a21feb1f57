/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "core/flow.h"

#include <errno.h>
#include <stdlib.h>

#include "core/flow_priv.h"
#include "core/judge.h"

int flow_table_new(const struct flow_config *config, struct flow_table **ret)
{
	struct flow_table *t;

	if (!config->max_flows || !config->max_minis || !config->closed)
		return -EINVAL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->config = *config;
	t->blind = evidence_blind(config->covered);
	pool_init(&t->flows, sizeof(struct flow), config->max_flows);
	pool_init(&t->minis, sizeof(struct mini), config->max_minis);
	list_init(&t->open);
	list_init(&t->settling);
	list_init(&t->waits_mini);
	list_init(&t->waits_owner);
	list_init(&t->all_minis);
	list_init(&t->cancelled);
	if (index_init(&t->by_sk) || index_init(&t->by_tuple) || index_init(&t->by_addr)) {
		flow_table_free(t);
		return -ENOMEM;
	}
	*ret = t;
	return 0;
}

void flow_table_free(struct flow_table *t)
{
	if (!t)
		return;
	pool_destroy(&t->flows);
	pool_destroy(&t->minis);
	index_destroy(&t->by_sk);
	index_destroy(&t->by_tuple);
	index_destroy(&t->by_addr);
	free(t);
}

static struct flow *flow_by_sk(struct flow_table *t, uint64_t sk)
{
	struct index_link *link = index_first(&t->by_sk, index_mix(sk));

	for (; link; link = index_next(link)) {
		struct flow *f = container_of(link, struct flow, by_sk);

		if (f->sk == sk)
			return f;
	}
	return NULL;
}

/* A tuple can live again while its former life waits for its verdict: only the open one counts. */
struct flow *flow_open_by_tuple(struct flow_table *t, const struct tuple *tuple, uint32_t netns)
{
	struct index_link *link = index_first(&t->by_tuple, tuple_hash(tuple));

	for (; link; link = index_next(link)) {
		struct flow *f = container_of(link, struct flow, by_tuple);

		if (f->stage == FLOW_OPEN && f->v.netns == netns && tuple_equal(&f->v.tuple, tuple))
			return f;
	}
	return NULL;
}

/* After tcp_disconnect() the kernel has forgotten the peer: what is known is not unlearned. */
void flow_set_tuple(struct flow_table *t, struct flow *f, const struct tuple *tuple)
{
	const struct tuple *known = &f->v.tuple;

	if (!tuple->family || (known->family && (known->local.port || !tuple->local.port)))
		return;
	index_remove(&t->by_tuple, &f->by_tuple);
	f->v.tuple = *tuple;
	index_add(&t->by_tuple, &f->by_tuple, tuple_hash(tuple));
}

static void flow_drop(struct flow_table *t, struct flow *f, bool wanted)
{
	if (f->mini)
		mini_leave_flow(t, f->mini, wanted);
	list_remove(&f->queue);
	index_remove(&t->by_sk, &f->by_sk);
	index_remove(&t->by_tuple, &f->by_tuple);
	if (f->stage == FLOW_OPEN)
		t->counts.open--;
	pool_give(&t->flows, f);
}

static struct flow *find_pair(struct flow_table *t, const struct flow *f)
{
	struct tuple mirror = tuple_mirror(&f->v.tuple);
	struct index_link *link = index_first(&t->by_tuple, tuple_hash(&mirror));
	struct flow *other = NULL;

	for (; link; link = index_next(link)) {
		struct flow *each = container_of(link, struct flow, by_tuple);

		if (!pair_fits(f, each))
			continue;
		if (!other || each->v.netns == f->v.netns)
			other = each;
	}
	return other;
}

static void join_pair(struct flow_table *t, struct flow *f)
{
	struct flow *other = f->v.tuple.family && !f->v.pair ? find_pair(t, f) : NULL;

	if (!other)
		return;
	f->v.pair = other->v.conn;
	other->v.pair = f->v.conn;
}

/* Judged, given out, forgotten. */
static void flow_emit(struct flow_table *t, struct flow *f)
{
	struct verdict *v = &f->v;

	fold_settled(f, t->blind);
	join_pair(t, f);
	v->complete = !(v->evidence & (EV(OLDER) | EV(GAP) | EV(EVICTED) | EV(TRACE_ENDED)));
	v->age_ns = v->mono_ns > f->born_ns ? v->mono_ns - f->born_ns : 0;
	judge_verdict(v, t->blind);
	flow_drop(t, f, t->config.closed(t->config.ctx, v));
}

static void flow_evict(struct flow_table *t, struct flow *f, uint64_t now_ns)
{
	if (f->stage == FLOW_OPEN) {
		f->v.mono_ns = now_ns;
		f->v.evidence |= EV(EVICTED);
	} else if (f->stage == FLOW_WAITS_MINI) {
		f->v.evidence |= EV(EVICTED);
	}
	t->counts.evicted++;
	flow_emit(t, f);
}

/* The least recently seen open one goes first; what has ended and waits goes before it. */
static void make_room(struct flow_table *t, uint64_t now_ns)
{
	struct list *victims[] = { &t->waits_owner, &t->settling, &t->open, &t->waits_mini };

	for (size_t i = 0; i < sizeof(victims) / sizeof(victims[0]); i++) {
		if (list_empty(victims[i]))
			continue;
		if (victims[i] == &t->waits_owner || victims[i] == &t->settling)
			flow_emit(t, container_of(victims[i]->next, struct flow, queue));
		else
			flow_evict(t, container_of(victims[i]->next, struct flow, queue), now_ns);
		return;
	}
}

struct flow *flow_new(struct flow_table *t, const struct obs *obs, evidence_set how_born)
{
	struct flow *f;

	if (t->flows.used == t->flows.max)
		make_room(t, obs->mono_ns);
	f = pool_take(&t->flows);
	if (!f) {
		/* out of memory, not of room: as if the record had been lost */
		t->counts.evicted++;
		return NULL;
	}
	f->v.conn = ++t->next_conn;
	f->v.evidence = how_born;
	f->born_ns = obs->mono_ns;
	f->sk = obs->sk;
	f->stage = FLOW_OPEN;
	f->v.netns = obs->sock.netns_ino;
	if (obs->has_sock)
		fold_sock(f, &obs->sock);
	index_add(&t->by_sk, &f->by_sk, index_mix(f->sk));
	list_append(&t->open, &f->queue);
	t->counts.open++;
	flow_set_tuple(t, f, &obs->tuple);
	return f;
}

static void move_to(struct flow_table *t, struct flow *f, enum flow_stage stage, struct list *queue)
{
	if (f->stage == FLOW_OPEN && stage != FLOW_OPEN)
		t->counts.open--;
	f->stage = stage;
	list_remove(&f->queue);
	list_append(queue, &f->queue);
}

static void flow_ended(struct flow_table *t, struct flow *f, uint64_t now_ns)
{
	f->due_ns = now_ns + FLOW_SETTLE_NS;
	move_to(t, f, FLOW_SETTLING, &t->settling);
}

void flow_resolved(struct flow_table *t, struct flow *f, uint64_t now_ns)
{
	if (f->stage == FLOW_WAITS_MINI)
		flow_ended(t, f, now_ns);
}

/* Whoever was at this address is gone, and we missed its end. */
static void flow_supplanted(struct flow_table *t, struct flow *f, uint64_t now_ns)
{
	if (f->stage != FLOW_OPEN) {
		/* it only waits for its verdict: a new life begins at its address */
		index_remove(&t->by_sk, &f->by_sk);
		f->destroyed = true;
		return;
	}
	f->v.evidence |= EV(GAP);
	f->v.mono_ns = now_ns;
	flow_emit(t, f);
}

/* A mini-socket of this tuple was born before any event of its socket was seen. */
static struct flow *adopt(struct flow_table *t, const struct obs *obs)
{
	struct flow *f = obs->tuple.family ?
				 flow_open_by_tuple(t, &obs->tuple, obs->sock.netns_ino) : NULL;

	if (!f || f->sk)
		return NULL;
	index_remove(&t->by_sk, &f->by_sk);
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

static struct flow *flow_for_state(struct flow_table *t, const struct obs *obs)
{
	struct flow *f = flow_by_sk(t, obs->sk);

	if (is_birth(f, obs)) {
		if (f)
			flow_supplanted(t, f, obs->mono_ns);
		return flow_new(t, obs, obs->new_state == ST_SYN_SENT ? EV(CONNECTED) : EV(ACCEPTED));
	}
	if (f && f->stage == FLOW_OPEN)
		return f;
	/* LISTEN and CLOSE are no connections; a second CLOSE says nothing new */
	if (obs->old_state == ST_LISTEN || obs->old_state == ST_CLOSE)
		return NULL;
	if (f)
		flow_supplanted(t, f, obs->mono_ns);
	return flow_older(t, obs);
}

/* No two resets of one socket are that close; two programs on one event are. */
#define REPEAT_NS (UINT64_C(100) * 1000)

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
	return f->last_kind == obs->kind && obs->mono_ns - f->last_kind_ns < REPEAT_NS;
}

static struct flow *take_state(struct flow_table *t, const struct obs *obs)
{
	struct flow *f;

	if (obs->new_state == ST_LISTEN || (obs->old_state == ST_LISTEN))
		return NULL;
	f = flow_for_state(t, obs);
	if (!f)
		return NULL;
	flow_set_tuple(t, f, &obs->tuple);
	fold_state(f, obs);
	if (obs->new_state != ST_CLOSE) {
		move_to(t, f, FLOW_OPEN, &t->open);
		return f;
	}
	fold_close(f, obs);
	if (f->mini && f->mini->state == ST_FIN_WAIT2)
		move_to(t, f, FLOW_WAITS_MINI, &t->waits_mini);
	else
		flow_ended(t, f, obs->mono_ns);
	return f;
}

static struct flow *take_destroy(struct flow_table *t, const struct obs *obs)
{
	struct flow *f = flow_by_sk(t, obs->sk);

	if (!f)
		return NULL;
	fold_destroy(f, obs);
	if (f->stage == FLOW_OPEN) {
		/* it cannot go without having been in CLOSE: that event was lost */
		f->v.evidence |= EV(GAP);
		f->v.mono_ns = obs->mono_ns;
		flow_ended(t, f, obs->mono_ns);
	}
	return f;
}

static struct flow *take_known(struct flow_table *t, const struct obs *obs)
{
	struct flow *f = flow_by_sk(t, obs->sk);
	bool is_new = false;
	uint8_t state = obs->has_sock ? obs->sock.state : obs->old_state;

	if (!f && state && state != ST_CLOSE && state != ST_LISTEN) {
		f = flow_older(t, obs);
		is_new = true;
	}
	if (!f)
		return NULL;
	flow_set_tuple(t, f, &obs->tuple);
	if (obs->others) {
		/* the sensors have stopped to watch it: it would stay open for ever */
		flow_drop(t, f, false);
		return NULL;
	}
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

uint64_t flow_take(struct flow_table *t, const struct obs *obs, struct tuple *tuple_ret)
{
	struct flow *f;

	t->counts.taken++;
	if (tuple_ret)
		*tuple_ret = obs->tuple;
	if (obs->mini.addr)
		return mini_take(t, obs, tuple_ret);
	/* an RST for no socket, a damaged tape */
	if (!obs->sk) {
		t->counts.strays++;
		return 0;
	}
	if (is_repeat(t, obs)) {
		t->counts.duplicates++;
		return 0;
	}
	if (obs->kind == OBS_STATE)
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

/* Only a close() to come, or a look at all tasks, can tell whose it was. */
static bool lacks_owner(const struct flow *f)
{
	return f->v.owner.source == OWNER_UNKNOWN && !f->released && !f->destroyed &&
	       !(f->v.evidence & EV(NOT_ACCEPTED));
}

static void settle(struct flow_table *t, uint64_t now_ns)
{
	while (!list_empty(&t->settling)) {
		struct flow *f = container_of(t->settling.next, struct flow, queue);

		if (f->due_ns > now_ns)
			return;
		if (!lacks_owner(f)) {
			flow_emit(t, f);
			continue;
		}
		f->due_ns = now_ns + FLOW_OWNER_WAIT_NS;
		move_to(t, f, FLOW_WAITS_OWNER, &t->waits_owner);
	}
}

/* Whoever got an owner in the meantime goes at once, wherever it stands in the queue. */
static void settle_owners(struct flow_table *t, uint64_t now_ns)
{
	struct list *at = t->waits_owner.next;

	while (at != &t->waits_owner) {
		struct flow *f = container_of(at, struct flow, queue);

		at = at->next;
		if (!lacks_owner(f) || (f->asked_owner && f->due_ns <= now_ns)) {
			flow_emit(t, f);
		} else if (f->due_ns <= now_ns) {
			f->asked_owner = true;
			f->due_ns = now_ns + FLOW_OWNER_WAIT_NS;
		}
	}
}

void flow_tick(struct flow_table *t, uint64_t now_ns)
{
	mini_tick(t, now_ns);
	settle(t, now_ns);
	settle_owners(t, now_ns);
}

bool flow_wants_owners(const struct flow_table *t)
{
	for (const struct list *at = t->waits_owner.next; at != &t->waits_owner; at = at->next)
		if (container_of(at, struct flow, queue)->asked_owner)
			return true;
	return false;
}

void flow_gap(struct flow_table *t)
{
	struct list *queues[] = { &t->open, &t->settling, &t->waits_mini, &t->waits_owner };

	for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++)
		for (struct list *at = queues[i]->next; at != queues[i]; at = at->next)
			container_of(at, struct flow, queue)->v.evidence |= EV(GAP);
}

static void emit_all(struct flow_table *t, struct list *queue)
{
	while (!list_empty(queue))
		flow_emit(t, container_of(queue->next, struct flow, queue));
}

void flow_finish(struct flow_table *t, uint64_t now_ns)
{
	mini_finish(t, now_ns);
	for (struct list *at = t->waits_mini.next; at != &t->waits_mini; at = at->next)
		container_of(at, struct flow, queue)->v.evidence |= EV(TRACE_ENDED);
	emit_all(t, &t->settling);
	emit_all(t, &t->waits_owner);
	emit_all(t, &t->waits_mini);
}

struct flow_counts flow_counts(const struct flow_table *t)
{
	struct flow_counts counts = t->counts;

	counts.pending = t->flows.used - counts.open;
	counts.minis = t->minis.used;
	return counts;
}
