/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "core/now.h"

#include "core/flow_priv.h"

/* A path begins with the first state that was seen: entered then only by who was born then. */
static struct flow_now of_flow(const struct flow *f)
{
	const struct verdict *v = &f->v;
	bool knows = v->n_path && v->path[v->n_path - 1].state == f->state;

	return (struct flow_now){
		.conn = v->conn,
		.sk = f->sk,
		.tuple = &v->tuple,
		.netns = v->netns,
		.owner = &v->owner,
		.evidence = v->evidence,
		.state = f->state,
		.since_ns = f->born_ns + (knows ? v->path[v->n_path - 1].at_ns : 0),
		.at_least = !knows || (v->n_path == 1 && v->evidence & EV(OLDER)),
	};
}

void flow_each_open(const struct flow_table *t,
		    void (*see)(void *ctx, const struct flow_now *flow), void *ctx)
{
	for (const struct list *at = t->open.next; at != &t->open; at = at->next) {
		const struct flow *f = container_of(at, struct flow, queue);
		struct flow_now now;

		if (f->mini)
			continue;
		now = of_flow(f);
		see(ctx, &now);
	}
}
