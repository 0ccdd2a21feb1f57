/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* held: the mini-sockets that are there, and what has to be asked about them. */
#include "core/flow_priv.h"

/*
 * A FIN in FIN_WAIT2 winds the timer up to TIME_WAIT's minute. Where that lands in
 * the same bucket of the timer wheel, the kernel only writes the new time down and
 * nothing is traced. A bucket of timers that run for a minute is 512 jiffies wide
 * (4096 with 1000 jiffies a second), at most 5.12 s: further apart, it is traced.
 */
#define BUCKET_NS (UINT64_C(6) * 1000 * 1000 * 1000)

void mini_ask(struct flow_table *t, struct mini *m, const struct obs *obs)
{
	if (obs->mini.timeout_ns)
		mini_wind(t, m, obs->mono_ns + obs->mini.timeout_ns);
	else
		mini_wind(t, m, m->state == ST_TIME_WAIT ? obs->mono_ns + TIME_WAIT_NS : 0);
	list_remove(&m->asking);
	/* who is asked is asked by address */
	if (m->addr && (m->state == ST_FIN_WAIT2 || m->found_ns))
		list_append(&t->asking, &m->asking);
}

bool mini_may_step(const struct mini *m, uint64_t now_ns)
{
	if (m->state != ST_FIN_WAIT2)
		return false;
	return !m->due_ns || now_ns + TIME_WAIT_NS <= m->due_ns + BUCKET_NS;
}

void mini_wind(struct flow_table *t, struct mini *m, uint64_t due_ns)
{
	m->due_ns = due_ns;
	list_remove(&m->timed);
	if (due_ns)
		list_append(&t->timed, &m->timed);
}

/*
 * A timer runs out up to a bucket late; later than that, no record of the end will
 * come. They stand in the order in which they were wound up, nearly all for a
 * minute: who has less time waits for those before it, a minute at most.
 */
bool mini_is_overdue(const struct flow_table *t, uint64_t now_ns)
{
	uint64_t due_ns;

	if (list_empty(&t->timed))
		return false;
	due_ns = container_of(t->timed.next, struct mini, timed)->due_ns;
	/* no sum: at the end of time it would begin anew, and a sweep never end */
	return now_ns >= due_ns && now_ns - due_ns >= BUCKET_NS;
}

void mini_sweep(struct flow_table *t, uint64_t now_ns)
{
	while (mini_is_overdue(t, now_ns)) {
		struct mini *m = container_of(t->timed.next, struct mini, timed);

		if (!m->addr) {
			/* there is no asking after it */
			m->vanished = true;
			mini_killed(t, m, now_ns);
			continue;
		}
		mini_wind(t, m, now_ns);
		list_remove(&m->asking);
		list_append(&t->asking, &m->asking);
	}
}

size_t flow_peeks(struct flow_table *t, struct flow_peek *ret, size_t max)
{
	struct list *last = t->asking.prev;
	size_t n = 0;

	/* who was asked after goes to the end, so that all have their turn */
	while (!list_empty(&t->asking) && n < max) {
		struct list *at = t->asking.next;
		const struct mini *m = container_of(at, struct mini, asking);

		ret[n++] = (struct flow_peek){ .mini_addr = m->addr, .tuple = m->tuple };
		list_remove(at);
		list_append(&t->asking, at);
		if (at == last)
			break;
	}
	return n;
}

static struct flow_mini held(const struct mini *m)
{
	return (struct flow_mini){
		.conn = m->conn, .tuple = m->tuple, .netns = m->netns,
		.owner = m->flow ? m->flow->v.owner : m->owner,
		.born_state = m->born_state, .state = m->state, .born_ns = m->born_ns,
		.time_wait_ns = m->time_wait_ns, .older = m->found_ns, .hidden = m->hidden,
		.dying = m->cancel_ns, .judged = m->judged, .cause = (enum cause)m->cause,
		.ts_known = m->ts_known, .ts = m->ts,
		.evidence = m->flow ? m->flow->v.evidence : m->evidence,
	};
}

void flow_minis(const struct flow_table *t, void (*each)(void *ctx, const struct flow_mini *mini),
		void *ctx)
{
	for (const struct list *at = t->all_minis.next; at != &t->all_minis; at = at->next) {
		struct flow_mini mini = held(container_of(at, struct mini, queue));

		each(ctx, &mini);
	}
}

void flow_minis_untold(const struct flow_table *t,
		       void (*each)(void *ctx, const struct flow_mini *mini), void *ctx)
{
	const struct list *waiting[] = { &t->settling, &t->waits_owner };

	for (size_t i = 0; i < sizeof(waiting) / sizeof(waiting[0]); i++)
		for (const struct list *at = waiting[i]->next; at != waiting[i]; at = at->next) {
			const struct mini *m = container_of(at, struct flow, queue)->mini;
			struct flow_mini mini;

			if (!m || !m->over)
				continue;
			mini = held(m);
			mini.dying = true;
			each(ctx, &mini);
		}
}
