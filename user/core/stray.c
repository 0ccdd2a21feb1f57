/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * stray: RSTs that no connection sent. Each waits until it is settled whose tuple
 * that was: the verdict of who had it may still be under way.
 */
#include <errno.h>
#include <stddef.h>

#include "base/span.h"
#include "core/flow_priv.h"

/* A verdict is due that long after the deciding event; then there is something to say. */
#define STRAY_SETTLE_NS (FLOW_SETTLE_NS + UINT64_C(10) * 1000 * 1000)
/* Who waits for an owner or for a mini-socket is not waited for beyond that. */
#define STRAY_WAIT_NS (FLOW_OWNER_WAIT_NS + FLOW_LOOK_WAIT_NS + UINT64_C(2000) * 1000 * 1000)
#define STRAYS_MAX 16384
#define RECENTS_MAX 65536
#define RECENT_NS (UINT64_C(300) * 1000 * 1000 * 1000)

/* A connection that has its verdict, remembered for a while by its tuple. */
struct recent {
	struct index_link by_tuple;
	struct list queue; /* oldest first */
	struct tuple tuple;
	uint32_t netns;
	uint64_t conn, ended_ns;
	uint64_t left_ns; /* when its FIN went; else when it ended */
	struct owner owner;
	enum cause cause;
	bool wanted;
};

struct stray {
	struct list queue; /* in the order in which they came */
	struct reset reset;
};

int strays_init(struct flow_table *t)
{
	struct strays *s = &t->strays;

	pool_init(&s->waiting, sizeof(struct stray), STRAYS_MAX);
	pool_init(&s->recents, sizeof(struct recent), RECENTS_MAX);
	list_init(&s->queue);
	list_init(&s->oldest);
	s->fresh = &s->oldest;
	return index_init(&s->by_tuple);
}

void strays_free(struct flow_table *t)
{
	pool_destroy(&t->strays.waiting);
	pool_destroy(&t->strays.recents);
	index_destroy(&t->strays.by_tuple);
}

/* --- who had it before ---------------------------------------------------------- */

static void forget(struct strays *s, struct recent *r)
{
	if (s->fresh == &r->queue)
		s->fresh = r->queue.next;
	list_remove(&r->queue);
	index_remove(&s->by_tuple, &r->by_tuple);
	pool_give(&s->recents, r);
}

static void forget_old(struct strays *s, uint64_t now_ns)
{
	while (!list_empty(&s->oldest)) {
		struct recent *r = container_of(s->oldest.next, struct recent, queue);

		if (r->ended_ns + RECENT_NS > now_ns && s->recents.used < s->recents.max)
			return;
		forget(s, r);
	}
}

/* When this side was done with it: a FIN may go long before the end. */
static uint64_t left_at(const struct verdict *v)
{
	uint64_t born_ns = span_ns(v->age_ns, v->mono_ns);

	for (unsigned i = 0; i < v->n_path; i++)
		if (v->path[i].state == ST_FIN_WAIT1 || v->path[i].state == ST_LAST_ACK)
			return born_ns + v->path[i].at_ns;
	return v->mono_ns;
}

void strays_remember(struct flow_table *t, const struct verdict *v, bool wanted)
{
	struct strays *s = &t->strays;
	struct recent *r;

	if (!t->config.reset || !v->tuple.family)
		return;
	forget_old(s, v->mono_ns);
	r = pool_take(&s->recents);
	if (!r)
		return;
	r->tuple = v->tuple;
	r->netns = v->netns;
	r->conn = v->conn;
	r->ended_ns = v->mono_ns;
	r->left_ns = left_at(v);
	r->owner = v->owner;
	r->cause = v->cause;
	r->wanted = wanted;
	list_append(&s->oldest, &r->queue);
	if (s->fresh == &s->oldest)
		s->fresh = &r->queue;
}

/*
 * Most are forgotten before anybody asks, and to index each would cost more than all
 * the rest of remembering it: so it is done when somebody does.
 */
static void index_fresh(struct strays *s)
{
	for (; s->fresh != &s->oldest; s->fresh = s->fresh->next) {
		struct recent *r = container_of(s->fresh, struct recent, queue);

		index_add(&s->by_tuple, &r->by_tuple, tuple_hash(&r->tuple));
	}
}

static bool was_there(const struct recent *r, const struct tuple *tuple, uint32_t netns)
{
	return r->netns == netns && tuple_equal(&r->tuple, tuple);
}

/* The last one that this side had left by then: the same tuple may have lived several times. */
static const struct recent *find_former(struct strays *s, const struct reset *reset)
{
	const struct recent *found = NULL;
	struct index_link *link;

	index_fresh(s);
	link = index_first(&s->by_tuple, tuple_hash(&reset->tuple));
	for (; link; link = index_next(&s->by_tuple, link)) {
		const struct recent *r = container_of(link, struct recent, by_tuple);

		if (!was_there(r, &reset->tuple, reset->netns) || r->left_ns > reset->mono_ns ||
		    r->left_ns + RECENT_NS < reset->mono_ns)
			continue;
		if (!found || r->left_ns > found->left_ns)
			found = r;
	}
	return found;
}

/* Who was at the other end and has got its verdict since: the first to end after it. */
static uint64_t find_late_receiver(struct strays *s, const struct reset *reset)
{
	struct tuple mirror = tuple_mirror(&reset->tuple);
	const struct recent *found = NULL;
	struct index_link *link;

	index_fresh(s);
	link = index_first(&s->by_tuple, tuple_hash(&mirror));
	for (; link; link = index_next(&s->by_tuple, link)) {
		const struct recent *r = container_of(link, struct recent, by_tuple);

		if (!was_there(r, &mirror, reset->netns) || r->ended_ns < reset->mono_ns)
			continue;
		if (!found || r->ended_ns < found->ended_ns)
			found = r;
	}
	return found ? found->conn : 0;
}

/* --- who gets it ---------------------------------------------------------------- */

/* The other end, when it is on this host: in this namespace rather than in another. */
static uint64_t find_receiver(struct flow_table *t, const struct reset *reset)
{
	struct tuple mirror = tuple_mirror(&reset->tuple);
	struct index_link *link = index_first(&t->by_tuple, tuple_hash(&mirror));
	uint64_t found = 0;

	for (; link; link = index_next(&t->by_tuple, link)) {
		const struct flow *f = container_of(link, struct flow, by_tuple);

		if (!tuple_equal(&f->v.tuple, &mirror))
			continue;
		if (f->v.netns == reset->netns)
			return f->v.conn;
		found = f->v.conn;
	}
	return found;
}

static enum reset_by answered_by(const struct obs *obs)
{
	if (obs->kind == OBS_RST_REPLY)
		return RESET_MINISOCKET;
	return obs->old_state == ST_LISTEN	 ? RESET_LISTENER :
	       obs->old_state == ST_NEW_SYN_RECV ? RESET_REQUEST :
						   RESET_NO_SOCKET;
}

/* No two resets of one tuple are that close; two programs on one event are. */
#define REPEAT_NS (UINT64_C(100) * 1000)

bool strays_is_repeat(const struct flow_table *t, const struct obs *obs)
{
	const struct stray *last;

	if (!obs->understudy || list_empty(&t->strays.queue))
		return false;
	last = container_of(t->strays.queue.prev, struct stray, queue);
	return span_ns(last->reset.mono_ns, obs->mono_ns) < REPEAT_NS && last->reset.netns == obs->sock.netns_ino &&
	       tuple_equal(&last->reset.tuple, &obs->tuple);
}

void strays_take(struct flow_table *t, const struct obs *obs)
{
	struct stray *stray;

	if (!t->config.reset)
		return;
	stray = pool_take(&t->strays.waiting);
	if (!stray) {
		t->counts.evicted++;
		return;
	}
	stray->reset = (struct reset){
		.mono_ns = obs->mono_ns,
		.tuple = obs->tuple,
		.netns = obs->sock.netns_ino,
		.reason = obs->rst_reason,
		.by = answered_by(obs),
	};
	stray->reset.to = find_receiver(t, &stray->reset);
	list_append(&t->strays.queue, &stray->queue);
}

/* --- telling ---------------------------------------------------------------------- */

static void tell(struct flow_table *t, struct stray *stray)
{
	struct strays *s = &t->strays;
	struct reset *reset = &stray->reset;
	const struct recent *had = find_former(s, reset);
	bool wanted = true;

	if (had) {
		reset->of = had->conn;
		reset->owner = had->owner;
		reset->cause = had->cause;
		reset->after_ns = span_ns(had->left_ns, reset->mono_ns);
		wanted = had->wanted;
	}
	if (!reset->to)
		reset->to = find_late_receiver(s, reset);
	if (wanted)
		t->config.reset(t->config.ctx, reset);
	list_remove(&stray->queue);
	pool_give(&s->waiting, stray);
}

/* Somebody had that tuple, and has no verdict yet. */
static bool is_unsettled(const struct flow_table *t, const struct reset *reset)
{
	struct index_link *link = index_first(&t->by_tuple, tuple_hash(&reset->tuple));

	for (; link; link = index_next(&t->by_tuple, link)) {
		const struct flow *f = container_of(link, struct flow, by_tuple);

		if (f->stage != FLOW_OPEN && f->v.netns == reset->netns &&
		    tuple_equal(&f->v.tuple, &reset->tuple))
			return true;
	}
	return false;
}

void strays_tick(struct flow_table *t, uint64_t now_ns)
{
	struct list *at = t->strays.queue.next;

	while (at != &t->strays.queue) {
		struct stray *stray = container_of(at, struct stray, queue);
		uint64_t since_ns = stray->reset.mono_ns;

		at = at->next;
		if (since_ns + STRAY_SETTLE_NS > now_ns)
			return;
		if (since_ns + STRAY_WAIT_NS <= now_ns || !is_unsettled(t, &stray->reset))
			tell(t, stray);
	}
}

bool strays_are_due(const struct flow_table *t, uint64_t now_ns)
{
	const struct list *queue = &t->strays.queue;

	return !list_empty(queue) &&
	       container_of(queue->next, struct stray, queue)->reset.mono_ns + STRAY_SETTLE_NS <= now_ns;
}

void strays_finish(struct flow_table *t)
{
	while (!list_empty(&t->strays.queue))
		tell(t, container_of(t->strays.queue.next, struct stray, queue));
}

bool strays_pending_in(const struct flow_table *t, uint32_t netns)
{
	const struct list *queue = &t->strays.queue;

	for (const struct list *at = queue->next; at != queue; at = at->next)
		if (container_of(at, struct stray, queue)->reset.netns == netns)
			return true;
	return false;
}
