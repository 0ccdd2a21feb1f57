/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* bill_count: one mini-socket, or one open connection, into every grouping. */
#include <string.h>

#include "report/bill_priv.h"

static bool in_range(const struct bill_rules *rules, uint16_t port)
{
	return rules && rules->known && port >= rules->port_first && port <= rules->port_last;
}

const struct bill_rules *bill_rules_at(struct bill *b, uint32_t netns)
{
	for (size_t i = 0; i < b->rules.n; i++) {
		const struct bill_rules *rules = b->rules.items[i];

		if (rules->netns == netns)
			return rules;
	}
	return NULL;
}

/*
 * Who connected to whom: seen, or, of what is older than the trace, as good as
 * certain where only one of its ports is one that connect() would choose.
 */
static enum bill_role role_of(const struct bill_rules *rules, evidence_set evidence,
			      const struct tuple *tuple)
{
	bool local = in_range(rules, tuple->local.port), peer = in_range(rules, tuple->peer.port);

	if (evidence & EV(CONNECTED))
		return ROLE_CONNECTED;
	if (evidence & EV(ACCEPTED))
		return ROLE_ACCEPTED;
	if (!rules || !rules->known || local == peer)
		return ROLE_UNKNOWN;
	return local ? ROLE_CONNECTED : ROLE_ACCEPTED;
}

static void put_ends(struct bill_key *key, const struct tuple *tuple, bool local, bool peer)
{
	key->family = tuple->family;
	if (local)
		memcpy(key->local_addr, tuple->local.addr, sizeof(key->local_addr));
	if (peer)
		memcpy(key->peer_addr, tuple->peer.addr, sizeof(key->peer_addr));
}

static struct bill_key end_key(uint32_t netns, uint8_t family, const struct endpoint *end, bool is_peer)
{
	struct bill_key key = { .netns = netns, .family = family, .role = is_peer, .local_port = end->port };

	memcpy(key.local_addr, end->addr, sizeof(key.local_addr));
	return key;
}

static uint64_t *sharers(struct bill *b, const struct bill_key *key)
{
	struct bill_group *g = tally_item(&b->shared, key);

	return g ? &g->now : NULL;
}

void bill_expect(struct bill *b, const struct flow_mini *m)
{
	const struct tuple *t = &m->tuple;

	if (m->evidence & (EV(CONNECTED) | EV(ACCEPTED)))
		return;
	for (int is_peer = 0; is_peer < 2; is_peer++) {
		struct bill_key key = end_key(m->netns, t->family, is_peer ? &t->peer : &t->local, is_peer);
		uint64_t *n = sharers(b, &key);

		if (n)
			++*n;
	}
}

/* The port of the end that more have in common; of two that are alike, none. */
static void put_shared(struct bill *b, uint32_t netns, const struct tuple *t, struct bill_key *local,
		       struct bill_key *peer)
{
	struct bill_key keys[2] = { end_key(netns, t->family, &t->local, false),
				    end_key(netns, t->family, &t->peer, true) };
	const uint64_t *here = sharers(b, &keys[0]), *there = sharers(b, &keys[1]);

	if (!here || !there)
		return;
	if (*here > *there)
		local->local_port = t->local.port;
	if (*there > *here)
		peer->peer_port = t->peer.port;
}

/* One mini-socket, with what all groupings need to know of it. */
struct one {
	const struct flow_mini *mini;
	enum bill_role role;
	bool recent, owned, no_timestamps, timestamps;
	bool dead; /* it only counts as born */
};

static void count_in(struct tally *tally, const struct bill_key *key, const struct one *one)
{
	struct bill_group *g = tally_item(tally, key);

	if (!g)
		return;
	g->recent += one->recent;
	if (one->dead)
		return;
	g->now++;
	g->fin_wait2 += one->mini->state == ST_FIN_WAIT2;
	g->time_wait += one->mini->state == ST_TIME_WAIT;
	g->no_timestamps += one->no_timestamps;
	g->timestamps += one->timestamps;
}

static void key_owner(struct bill_key *key, const struct one *one)
{
	key->owned = one->owned;
	if (one->owned)
		memcpy(key->comm, one->mini->owner.comm, sizeof(key->comm));
}

static void count_owner(struct bill *b, const struct one *one)
{
	struct bill_key key = { 0 };
	size_t people = b->people.n;
	struct bill_group *g;

	key_owner(&key, one);
	count_in(&b->owners, &key, one);
	g = tally_item(&b->owners, &key);
	if (!one->owned || !g)
		return;
	key.pid = one->mini->owner.pid;
	tally_item(&b->people, &key);
	/* a name may be many processes: how many is counted, and which one when it is one */
	if (b->people.n == people)
		return;
	g->processes++;
	g->pid = g->processes == 1 ? key.pid : 0;
}

static void count_ends(struct bill *b, const struct one *one)
{
	const struct tuple *tuple = &one->mini->tuple;
	struct bill_key local = { .netns = one->mini->netns, .role = (uint8_t)one->role };
	struct bill_key peer = local;

	put_ends(&local, tuple, true, false);
	put_ends(&peer, tuple, false, true);
	if (one->role == ROLE_ACCEPTED)
		local.local_port = tuple->local.port;
	if (one->role == ROLE_CONNECTED)
		peer.peer_port = tuple->peer.port;
	if (one->role == ROLE_UNKNOWN)
		put_shared(b, one->mini->netns, tuple, &local, &peer);
	count_in(&b->locals, &local, one);
	count_in(&b->peers, &peer, one);
}

static void count_came(struct bill *b, const struct one *one)
{
	const struct flow_mini *m = one->mini;
	struct bill_key key = { 0 };

	key.came = m->older ? CAME_OLDER : m->judged ? CAME_VERDICT : CAME_PENDING;
	key.cause = m->judged && !m->older ? (uint8_t)m->cause : 0;
	b->report.older += key.came == CAME_OLDER && !one->dead;
	b->report.pending += key.came == CAME_PENDING && !one->dead;
	count_in(&b->came, &key, one);
}

/* From which address to where: a port is free or taken for each of these apart. */
static void key_destination(struct bill_key *key, const struct tuple *tuple, uint32_t netns)
{
	key->netns = netns;
	put_ends(key, tuple, true, true);
	key->peer_port = tuple->peer.port;
	key->loopback = endpoint_is_loopback(tuple->family, &tuple->peer) ||
			endpoint_is_loopback(tuple->family, &tuple->local);
}

static void count_destination(struct bill *b, const struct one *one, const struct bill_rules *rules)
{
	struct bill_key key = { 0 };

	if (one->role == ROLE_ACCEPTED || !in_range(rules, one->mini->tuple.local.port))
		return;
	key_destination(&key, &one->mini->tuple, one->mini->netns);
	count_in(&b->destinations, &key, one);
}

/* Whose, and between where and where: what advice is about. */
static void count_source(struct bill *b, const struct one *one)
{
	const struct flow_mini *m = one->mini;
	struct bill_key key = { .netns = m->netns, .role = (uint8_t)one->role };

	key_owner(&key, one);
	if (one->role != ROLE_ACCEPTED)
		key_destination(&key, &m->tuple, m->netns);
	if (one->role == ROLE_UNKNOWN)
		key.peer_port = 0;
	if (one->role == ROLE_ACCEPTED) {
		put_ends(&key, &m->tuple, true, false);
		key.local_port = m->tuple.local.port;
	}
	count_in(&b->sources, &key, one);
}

static void count(struct bill *b, const struct one *one, const struct bill_rules *rules)
{
	count_owner(b, one);
	count_ends(b, one);
	count_came(b, one);
	count_destination(b, one, rules);
	count_source(b, one);
}

void bill_mini(struct bill *b, const struct flow_mini *m)
{
	const struct bill_rules *rules = bill_rules_at(b, m->netns);
	struct one one = {
		.mini = m,
		.role = role_of(rules, m->evidence, &m->tuple),
		.recent = m->born_ns + BILL_WINDOW_NS > b->report.mono_ns && !m->older,
		.owned = m->owner.source != OWNER_UNKNOWN,
		.no_timestamps = m->state == ST_TIME_WAIT && m->ts_known && !m->ts,
		.timestamps = m->state == ST_TIME_WAIT && m->ts_known && m->ts,
	};

	if (m->dying) {
		one.dead = true;
		b->dying += !m->older;
		count(b, &one, rules);
		return;
	}
	b->report.now++;
	b->report.fin_wait2 += m->state == ST_FIN_WAIT2;
	b->report.time_wait += m->state == ST_TIME_WAIT;
	count(b, &one, rules);
}

/* Who is gone already was born all the same. */
void bill_count_dead(struct bill *b, const struct dead *dead)
{
	const struct bill_rules *rules = bill_rules_at(b, dead->mini.netns);
	struct flow_mini mini = {
		.conn = dead->mini.conn, .tuple = dead->mini.tuple, .netns = dead->mini.netns,
		.owner = dead->mini.owner, .evidence = dead->mini.evidence,
		.judged = dead->mini.judged, .cause = dead->mini.cause,
	};
	struct one one = {
		.mini = &mini,
		.role = role_of(rules, mini.evidence, &mini.tuple),
		.recent = true,
		.owned = mini.owner.source != OWNER_UNKNOWN,
		.dead = true,
	};

	if (dead->born_ns + BILL_WINDOW_NS > b->report.mono_ns)
		count(b, &one, rules);
}

void bill_open(struct bill *b, const struct flow_now *f)
{
	const struct bill_rules *rules = bill_rules_at(b, f->netns);
	struct bill_key key = { 0 };
	struct bill_group *g;

	if (!f->tuple->family || !in_range(rules, f->tuple->local.port) ||
	    role_of(rules, f->evidence, f->tuple) == ROLE_ACCEPTED)
		return;
	key_destination(&key, f->tuple, f->netns);
	g = tally_item(&b->destinations, &key);
	if (g)
		g->open++;
}
