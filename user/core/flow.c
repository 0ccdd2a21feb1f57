/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "core/flow.h"

#include <errno.h>
#include <stdlib.h>

#include "base/span.h"
#include "core/flow_priv.h"
#include "core/judge.h"

#define REQUEST_VANTAGES (UINT32_C(1) << VANTAGE_REQUEST | UINT32_C(1) << VANTAGE_REQUEST_CALLER)
#define ANSWER_VANTAGES	 (UINT32_C(1) << VANTAGE_STATE | UINT32_C(1) << VANTAGE_RST_REPLY)

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
	t->of_sockets = ~evidence_blind(~REQUEST_VANTAGES);
	t->of_requests = evidence_blind(~(REQUEST_VANTAGES | ANSWER_VANTAGES));
	t->told_apart = evidence_blind(UINT32_C(1) << VANTAGE_STATE);
	pool_init(&t->flows, sizeof(struct flow), config->max_flows);
	pool_init(&t->minis, sizeof(struct mini), config->max_minis);
	list_init(&t->open);
	list_init(&t->settling);
	list_init(&t->waits_rest);
	list_init(&t->waits_mini);
	list_init(&t->waits_owner);
	list_init(&t->all_minis);
	list_init(&t->cancelled);
	list_init(&t->asking);
	list_init(&t->timed);
	list_init(&t->unseen);
	if (strays_init(t) || index_init(&t->by_sk) || index_init(&t->by_tuple) || index_init(&t->by_addr)) {
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
	strays_free(t);
	free(t);
}

struct flow *flow_by_sk(struct flow_table *t, uint64_t sk)
{
	struct index_link *link = index_first(&t->by_sk, index_mix(sk));

	for (; link; link = index_next(&t->by_sk, link)) {
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

	for (; link; link = index_next(&t->by_tuple, link)) {
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

void flow_drop(struct flow_table *t, struct flow *f, bool wanted)
{
	if (f->mini)
		mini_leave_flow(t, f->mini, wanted);
	list_remove(&f->queue);
	index_remove(&t->by_sk, &f->by_sk);
	index_remove(&t->by_tuple, &f->by_tuple);
	if (f->stage == FLOW_OPEN)
		t->counts.open--;
	t->n_unmet_flows -= !f->sk;
	pool_give(&t->flows, f);
}

/* Of several namespaces that use the same addresses nothing says which is whose: then, nor later. */
static void pair_is_unclear(struct flow_table *t, const struct flow *f, const struct tuple *mirror)
{
	struct index_link *link = index_first(&t->by_tuple, tuple_hash(mirror));

	for (; link; link = index_next(&t->by_tuple, link)) {
		struct flow *each = container_of(link, struct flow, by_tuple);

		if (pair_fits(f, each))
			each->pair_unclear = true;
	}
}

struct flow *flow_pair(struct flow_table *t, const struct flow *f)
{
	struct tuple mirror = tuple_mirror(&f->v.tuple);
	struct index_link *link = index_first(&t->by_tuple, tuple_hash(&mirror));
	struct flow *near = NULL, *far = NULL;
	size_t n_far = 0;

	for (; link; link = index_next(&t->by_tuple, link)) {
		struct flow *each = container_of(link, struct flow, by_tuple);

		if (!pair_fits(f, each))
			continue;
		if (each->v.netns == f->v.netns) {
			near = each;
		} else {
			far = each;
			n_far++;
		}
	}
	if (near || !far)
		return near;
	if (n_far > 1)
		pair_is_unclear(t, f, &mirror);
	return f->pair_unclear || far->pair_unclear ? NULL : far;
}

static void join_pair(struct flow_table *t, struct flow *f)
{
	struct flow *other = f->v.tuple.family && !f->v.pair ? flow_pair(t, f) : NULL;

	if (!other)
		return;
	f->v.pair = other->v.conn;
	other->v.pair = f->v.conn;
	/* what the other end had still to read is known once that one has ended */
	other->v.peer_left_known = true;
	other->v.peer_left_bytes = f->v.left_bytes;
	f->v.peer_left_known = other->stage != FLOW_OPEN;
	f->v.peer_left_bytes = other->v.left_bytes;
}

/* It never was a socket: what only these can have is out of no other one's sight. */
static bool is_request(const struct flow *f)
{
	return f->v.evidence & (EV(REQUEST) | EV(QUEUE_FULL));
}

/*
 * What could not be seen of it. Where a record may have been lost the absence of what
 * other hooks tell means nothing either; what the state changes tell does: they say
 * where they come from, so that one that is missing is known (take.c).
 */
static evidence_set blind_to(const struct flow_table *t, const struct flow *f)
{
	evidence_set lost = f->v.evidence & EV(GAP) ? t->told_apart : 0;
	evidence_set blind = (t->blind | lost) & (is_request(f) ? t->of_requests : t->of_sockets);

	/* a call has ended it, and nothing was left that a sockmap could have taken */
	if (f->v.evidence & EV(BY_CALL) && !(f->v.evidence & EV(UNREAD)))
		blind &= ~EV(SOCKMAP);
	if (!fold_asks_for_close(f))
		blind &= ~EV(NOT_CLOSED);
	return blind;
}

void flow_keep_gap(struct flow *f)
{
	f->v.evidence |= f->in_gap ? EV(GAP) : 0;
	f->in_gap = false;
}

/* Judged, given out, forgotten. */
void flow_emit(struct flow_table *t, struct flow *f)
{
	struct verdict *v = &f->v;
	bool wanted;

	flow_keep_gap(f);
	if (request_became_socket(t, f) || flow_is_twin(f)) {
		t->counts.strays++;
		flow_drop(t, f, false);
		return;
	}
	fold_settled(f, t->blind);
	listener_owns(t, f);
	join_pair(t, f);
	v->complete = !(v->evidence & (EV(OLDER) | EV(GAP) | EV(EVICTED) | EV(TRACE_ENDED)));
	v->age_ns = span_ns(f->born_ns, v->mono_ns);
	judge_verdict(&t->judged, v, blind_to(t, f));
	audit_verdict(t->config.audit, v);
	wanted = t->config.closed(t->config.ctx, v);
	strays_remember(t, v, wanted);
	if (wanted && v->evidence & EV(MINI_REFUSED))
		mini_refused(t, f);
	flow_drop(t, f, wanted);
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

/* It has ended, and what belongs to its end, an RST above all, may still be on its way. */
static void flow_cut_short(struct flow_table *t, struct flow *f)
{
	f->v.evidence |= EV(GAP);
	t->counts.evicted++;
	flow_emit(t, f);
}

/*
 * The least recently seen open one goes first; what has ended and waits goes before it.
 * Of a request there is one record, and of who only lacks an owner all that counts is known.
 */
static void make_room(struct flow_table *t, uint64_t now_ns)
{
	struct list *victims[] = { &t->waits_owner, &t->waits_rest, &t->settling, &t->open,
				   &t->waits_mini };
	struct flow *f;

	for (size_t i = 0; i < sizeof(victims) / sizeof(victims[0]); i++) {
		if (list_empty(victims[i]))
			continue;
		f = container_of(victims[i]->next, struct flow, queue);
		if (victims[i] == &t->open || victims[i] == &t->waits_mini)
			flow_evict(t, f, now_ns);
		else if (victims[i] == &t->waits_owner || f->v.evidence & (EV(REQUEST) | EV(QUEUE_FULL)))
			flow_emit(t, f);
		else
			flow_cut_short(t, f);
		return;
	}
}

/*
 * Sockets that were found without an address carry the earliest time at which they
 * can have been seen: that may be before they were born. Then its birth, which comes
 * next, is what is followed.
 */
void flow_forget_found(struct flow_table *t, const struct flow *born)
{
	const struct tuple *tuple = &born->v.tuple;
	struct index_link *link = t->n_unmet_flows && tuple->family && tuple->local.port ?
					  index_first(&t->by_tuple, tuple_hash(tuple)) : NULL;

	while (link) {
		struct flow *f = container_of(link, struct flow, by_tuple);

		link = index_next(&t->by_tuple, link);
		if (!f->sk && f->only_met && f->v.netns == born->v.netns &&
		    tuple_equal(&f->v.tuple, tuple))
			flow_drop(t, f, false);
	}
}

struct flow *flow_new(struct flow_table *t, const struct obs *obs, evidence_set how_born)
{
	struct flow *f;

	if (t->flows.used == t->flows.max)
		make_room(t, obs->mono_ns);
	f = index_room(&t->by_sk) && index_room(&t->by_tuple) ? pool_take(&t->flows) : NULL;
	if (!f) {
		/* out of memory, not of room: as if the record had been lost */
		t->counts.evicted++;
		return NULL;
	}
	f->v.conn = ++t->next_conn;
	f->v.evidence = how_born;
	f->in_gap = t->gap_until_ns && obs->mono_ns <= t->gap_until_ns;
	f->born_ns = obs->mono_ns;
	f->sk = obs->sk;
	f->stage = FLOW_OPEN;
	f->v.netns = obs->sock.netns_ino;
	if (obs->has_sock)
		fold_sock(f, &obs->sock);
	if (f->sk)
		index_add(&t->by_sk, &f->by_sk, index_mix(f->sk));
	t->n_unmet_flows += !f->sk;
	list_append(&t->open, &f->queue);
	t->counts.open++;
	flow_set_tuple(t, f, &obs->tuple);
	return f;
}

void flow_move_to(struct flow_table *t, struct flow *f, enum flow_stage stage,
		  struct list *queue)
{
	if (f->stage == FLOW_OPEN && stage != FLOW_OPEN) {
		t->counts.open--;
		flow_keep_gap(f);
	}
	f->stage = stage;
	list_remove(&f->queue);
	list_append(queue, &f->queue);
}

void flow_ended(struct flow_table *t, struct flow *f, uint64_t now_ns)
{
	f->due_ns = now_ns + FLOW_SETTLE_NS;
	flow_move_to(t, f, FLOW_SETTLING, &t->settling);
}

void flow_resolved(struct flow_table *t, struct flow *f, uint64_t now_ns)
{
	if (f->stage == FLOW_WAITS_MINI)
		flow_ended(t, f, now_ns);
}

struct flow_counts flow_counts(const struct flow_table *t)
{
	struct flow_counts counts = t->counts;

	counts.pending = t->flows.used - counts.open + t->strays.waiting.used;
	counts.minis = counts.minis_born + counts.minis_found - counts.minis_ended;
	return counts;
}
