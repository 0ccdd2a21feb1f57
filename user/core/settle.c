/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* settle: when a verdict is due. Time is what observations and flow_tick() say. */
#include "core/flow_priv.h"

/* Only a close() to come, or a look at all tasks, can tell whose it was. */
static bool lacks_owner(const struct flow *f)
{
	return f->v.owner.source == OWNER_UNKNOWN && !f->released && !f->destroyed &&
	       !(f->v.evidence & (EV(NOT_ACCEPTED) | EV(QUEUE_FULL) | EV(REQUEST)));
}

/*
 * An abort by a call: the kernel says CLOSE, sends the RST and frees the socket,
 * one after the other in the caller's task, which may be put off in between.
 * connect(AF_UNSPEC) frees nothing; in SYN_SENT it sends nothing either.
 */
static bool lacks_rest(const struct flow_table *t, const struct flow *f)
{
	const evidence_set errors = EV(ERR_RESET) | EV(ERR_TIMEOUT) | EV(ERR_ABORTED) |
				    EV(ERR_OTHER);
	evidence_set seen = f->v.evidence;

	if (f->destroyed || seen & (EV(RST_ACTIVE) | EV(GAP) | errors) || f->state != ST_CLOSE)
		return false;
	if (f->v.minisocket || seen & (EV(LAST_ACKED) | EV(PEER_FINISHED)))
		return false;
	if (!(seen & (EV(BY_CALL) | EV(NOT_ACCEPTED))) || !flow_covers(t, VANTAGE_RST_ACTIVE))
		return false;
	if (seen & EV(NOT_SHUT))
		return !(seen & (EV(IN_SYN_SENT) | EV(REPAIR)));
	return flow_covers(t, VANTAGE_DESTROY);
}

static void settle_one(struct flow_table *t, struct flow *f, uint64_t now_ns)
{
	if (lacks_rest(t, f) && !f->rest_awaited) {
		f->rest_awaited = true;
		f->due_ns = now_ns + FLOW_REST_WAIT_NS;
		flow_move_to(t, f, FLOW_WAITS_REST, &t->waits_rest);
	} else if (lacks_owner(f)) {
		f->due_ns = now_ns + FLOW_OWNER_WAIT_NS;
		f->asked_ns = 0;
		flow_move_to(t, f, FLOW_WAITS_OWNER, &t->waits_owner);
	} else {
		flow_emit(t, f);
	}
}

/* Whatever has come in the meantime: wherever it stands in the queue. */
static void settle_rest(struct flow_table *t, uint64_t now_ns)
{
	struct list *at = t->waits_rest.next;

	while (at != &t->waits_rest) {
		struct flow *f = container_of(at, struct flow, queue);

		at = at->next;
		if (!lacks_rest(t, f) || f->due_ns <= now_ns)
			settle_one(t, f, now_ns);
	}
}

static void settle(struct flow_table *t, uint64_t now_ns)
{
	while (!list_empty(&t->settling)) {
		struct flow *f = container_of(t->settling.next, struct flow, queue);

		if (f->due_ns > now_ns)
			return;
		settle_one(t, f, now_ns);
	}
}

/* Nobody held it when all tasks were looked at; or nobody looks. */
static bool is_in_vain(const struct flow_table *t, const struct flow *f, uint64_t now_ns)
{
	return t->looked_ns > f->asked_ns || f->due_ns <= now_ns;
}

/* Whoever got an owner in the meantime goes at once, wherever it stands in the queue. */
static void settle_owners(struct flow_table *t, uint64_t now_ns)
{
	struct list *at = t->waits_owner.next;

	while (at != &t->waits_owner) {
		struct flow *f = container_of(at, struct flow, queue);

		at = at->next;
		if (!lacks_owner(f) || (f->asked_ns && is_in_vain(t, f, now_ns))) {
			flow_emit(t, f);
		} else if (!f->asked_ns && f->due_ns <= now_ns) {
			f->asked_ns = now_ns;
			f->due_ns = now_ns + FLOW_LOOK_WAIT_NS;
		}
	}
}

/*
 * The record of a mini-socket's birth and that of its socket's CLOSE follow each
 * other within microseconds. Where the second does not come, the socket is not
 * asked for (-p), or the record was lost: there is no end of it to wait for.
 */
static void settle_unseen(struct flow_table *t, uint64_t now_ns)
{
	while (!list_empty(&t->unseen)) {
		struct flow *f = container_of(t->unseen.next, struct flow, queue);

		if (f->sk) {
			/* it was seen, and has not ended */
			flow_move_to(t, f, FLOW_OPEN, &t->open);
			continue;
		}
		if (f->due_ns > now_ns)
			return;
		if (f->mini)
			mini_orphaned(t, f->mini);
		flow_drop(t, f, false);
	}
}

void flow_tick(struct flow_table *t, uint64_t now_ns)
{
	settle_unseen(t, now_ns);
	mini_tick(t, now_ns);
	settle(t, now_ns);
	settle_rest(t, now_ns);
	settle_owners(t, now_ns);
	strays_tick(t, now_ns);
}

bool flow_is_due(const struct flow_table *t, uint64_t now_ns)
{
	if (!list_empty(&t->unseen) || !list_empty(&t->waits_rest) || !list_empty(&t->waits_owner) || mini_is_due(t, now_ns) ||
	    strays_are_due(t, now_ns))
		return true;
	return !list_empty(&t->settling) &&
	       container_of(t->settling.next, struct flow, queue)->due_ns <= now_ns;
}

bool flow_closing(const struct flow_table *t)
{
	for (const struct list *at = t->open.next; at != &t->open; at = at->next) {
		uint8_t state = container_of(at, struct flow, queue)->state;

		if (state == ST_FIN_WAIT1 || state == ST_CLOSING || state == ST_LAST_ACK)
			return true;
	}
	return false;
}

bool flow_pending_in(const struct flow_table *t, uint32_t netns)
{
	const struct list *queues[] = { &t->settling, &t->waits_rest, &t->waits_mini, &t->waits_owner };

	for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++)
		for (const struct list *at = queues[i]->next; at != queues[i]; at = at->next)
			if (container_of(at, struct flow, queue)->v.netns == netns)
				return true;
	return strays_pending_in(t, netns);
}

bool flow_lacks_owners(const struct flow_table *t)
{
	const struct list *queues[] = { &t->settling, &t->waits_rest, &t->waits_owner };

	for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++)
		for (const struct list *at = queues[i]->next; at != queues[i]; at = at->next)
			if (lacks_owner(container_of(at, struct flow, queue)))
				return true;
	return false;
}

bool flow_wants_owners(const struct flow_table *t)
{
	for (const struct list *at = t->waits_owner.next; at != &t->waits_owner; at = at->next)
		if (container_of(at, struct flow, queue)->asked_ns)
			return true;
	return false;
}

void flow_looked(struct flow_table *t, uint64_t began_ns)
{
	t->looked_ns = began_ns;
}

void flow_gap(struct flow_table *t, uint64_t until_ns)
{
	struct list *ended[] = { &t->settling, &t->waits_rest, &t->waits_mini, &t->waits_owner };
	struct list *open[] = { &t->open, &t->unseen };

	for (size_t i = 0; i < sizeof(ended) / sizeof(ended[0]); i++)
		for (struct list *at = ended[i]->next; at != ended[i]; at = at->next)
			container_of(at, struct flow, queue)->v.evidence |= EV(GAP);
	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		for (struct list *at = open[i]->next; at != open[i]; at = at->next)
			container_of(at, struct flow, queue)->in_gap = true;
	t->gap_until_ns = until_ns;
}

void flow_stop(struct flow_table *t, uint64_t since_ns)
{
	t->stopped_ns = since_ns;
}

static void emit_all(struct flow_table *t, struct list *queue)
{
	while (!list_empty(queue))
		flow_emit(t, container_of(queue->next, struct flow, queue));
}

void flow_finish(struct flow_table *t, uint64_t now_ns)
{
	mini_finish(t, now_ns);
	settle_unseen(t, UINT64_MAX);
	for (struct list *at = t->waits_mini.next; at != &t->waits_mini; at = at->next)
		container_of(at, struct flow, queue)->v.evidence |= EV(TRACE_ENDED);
	emit_all(t, &t->settling);
	emit_all(t, &t->waits_rest);
	emit_all(t, &t->waits_owner);
	emit_all(t, &t->waits_mini);
	strays_finish(t);
}
