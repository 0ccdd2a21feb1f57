/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* met: which mini-socket an observation is about. */
#include <stddef.h>

#include "core/flow_priv.h"

static struct mini *mini_by_addr(struct flow_table *t, uint64_t addr)
{
	struct index_link *link = index_first(&t->by_addr, index_mix(addr));

	for (; link; link = index_next(&t->by_addr, link)) {
		struct mini *m = container_of(link, struct mini, by_addr);

		if (m->addr == addr)
			return m;
	}
	return NULL;
}

/* Found by sock_diag, which tells no addresses, and not heard of since. */
static struct mini *mini_unmet(struct flow_table *t, const struct obs *obs)
{
	struct index_link *link = t->n_unmet ? index_first(&t->by_addr, tuple_hash(&obs->tuple)) : NULL;

	for (; link; link = index_next(&t->by_addr, link)) {
		struct mini *m = container_of(link, struct mini, by_addr);

		if (!m->addr && m->netns == obs->sock.netns_ino && tuple_equal(&m->tuple, &obs->tuple))
			return m;
	}
	return NULL;
}

void mini_index(struct flow_table *t, struct mini *m, uint64_t addr)
{
	m->addr = addr;
	t->n_unmet += !addr;
	index_add(&t->by_addr, &m->by_addr, addr ? index_mix(addr) : tuple_hash(&m->tuple));
}

static void mini_unindex(struct flow_table *t, struct mini *m)
{
	t->n_unmet -= !m->addr;
	index_remove(&t->by_addr, &m->by_addr);
}

bool mini_is_before_found(const struct mini *m, const struct obs *obs)
{
	return m && m->found_ns && obs->kind != OBS_MINI_FOUND && obs->mono_ns < m->found_ns;
}

struct mini *mini_met(struct flow_table *t, const struct obs *obs)
{
	struct mini *m = obs->mini.addr ? mini_by_addr(t, obs->mini.addr) : NULL;

	if (m)
		return m;
	m = mini_unmet(t, obs);
	if (m && obs->mini.addr && !mini_is_before_found(m, obs)) {
		mini_unindex(t, m);
		mini_index(t, m, obs->mini.addr);
	}
	return m;
}

void mini_unlink(struct flow_table *t, struct mini *m)
{
	list_remove(&m->queue);
	list_remove(&m->cancelled);
	list_remove(&m->timed);
	list_remove(&m->asking);
	mini_unindex(t, m);
}
