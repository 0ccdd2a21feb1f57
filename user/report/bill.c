/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "report/bill_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"

#define SECOND_NS UINT64_C(1000000000)
#define GROUPS_MAX 65536
#define RULES_MAX 1024
/* TCP_TIMEWAIT_LEN: no kernel has a knob for it. */
#define LIFE_NS (60 * SECOND_NS)

const char *bill_role_slug(enum bill_role role)
{
	static const char *const slugs[BILL_ROLE_MAX] = {
		[ROLE_CONNECTED] = "connected", [ROLE_ACCEPTED] = "accepted",
	};

	return slugs[role];
}

const char *bill_came_slug(const struct bill_key *key)
{
	if (key->came == CAME_VERDICT)
		return cause_row((enum cause)key->cause)->slug;
	return key->came == CAME_PENDING ? "pending" : "older";
}

int bill_new(uint64_t began_ns, struct bill **ret)
{
	struct bill *b = calloc(1, sizeof(*b));
	struct tally *groups[] = { &b->owners, &b->locals, &b->peers,
				   &b->came, &b->destinations, &b->sources, &b->shared };

	if (!b)
		return -ENOMEM;
	b->began_ns = began_ns;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		tally_init(groups[i], sizeof(struct bill_group), sizeof(struct bill_key), GROUPS_MAX);
	tally_init(&b->people, sizeof(struct person), sizeof(struct bill_key), GROUPS_MAX);
	tally_init(&b->rules, sizeof(struct bill_rules), sizeof(uint32_t), RULES_MAX);
	*ret = b;
	return 0;
}

static void reset(struct bill *b)
{
	tally_reset(&b->owners);
	tally_reset(&b->people);
	tally_reset(&b->locals);
	tally_reset(&b->peers);
	tally_reset(&b->came);
	tally_reset(&b->destinations);
	tally_reset(&b->sources);
	tally_reset(&b->rules);
	tally_reset(&b->shared);
}

void bill_free(struct bill *b)
{
	if (!b)
		return;
	reset(b);
	free(b->dead);
	free(b);
}

/* --- deaths ---------------------------------------------------------------------- */

static void add_lifetime(struct bill_lifetime *l, uint64_t ns)
{
	l->min_ns = !l->measured || ns < l->min_ns ? ns : l->min_ns;
	l->max_ns = ns > l->max_ns ? ns : l->max_ns;
	l->sum_ns += ns;
	l->measured++;
	l->mean_ns = l->sum_ns / l->measured;
}

/* Forgets whose birth no window reaches any more. */
static void bury(struct bill *b, uint64_t now_ns)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_dead; i++)
		if (b->dead[i].born_ns + BILL_WINDOW_NS > now_ns)
			b->dead[n++] = b->dead[i];
	b->n_dead = n;
}

static bool has_room(struct bill *b)
{
	size_t cap = b->cap_dead ? 2 * b->cap_dead : 1024;
	struct dead *dead;

	/* half empty is good enough: who is buried one by one is buried at every death */
	if (b->n_dead < b->cap_dead)
		return true;
	if (cap > DEAD_MAX)
		return false;
	dead = realloc(b->dead, cap * sizeof(*dead));
	if (!dead)
		return false;
	b->dead = dead;
	b->cap_dead = cap;
	return true;
}

static void remember(struct bill *b, const struct minisocket *m, uint64_t lived_ns)
{
	if (b->n_dead && b->n_dead == b->cap_dead)
		bury(b, m->mono_ns);
	if (has_room(b))
		b->dead[b->n_dead++] = (struct dead){ *m, span_ns(lived_ns, m->mono_ns) };
	else
		b->forgotten++;
}

void bill_ended(struct bill *b, const struct minisocket *m)
{
	struct bill_lifetime *l = &b->lifetimes[m->end];
	struct slot *slot = &b->slots[m->mono_ns / SLOT_NS % SLOTS];

	l->count++;
	if (m->end == MINI_NEVER_CREATED) {
		b->report.refused++;
		return;
	}
	if (m->complete) {
		uint64_t lived_ns = m->fin_wait2_ns + m->time_wait_ns;

		add_lifetime(l, lived_ns);
		b->known_ended++;
		if (lived_ns < BILL_WINDOW_NS)
			remember(b, m, lived_ns);
	}
	b->report.ended++;
	if (slot->number != m->mono_ns / SLOT_NS)
		*slot = (struct slot){ .number = m->mono_ns / SLOT_NS };
	slot->ended++;
}

static uint64_t recent_deaths(const struct bill *b, uint64_t now_ns)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < SLOTS; i++)
		if (b->slots[i].number + SLOTS > now_ns / SLOT_NS)
			sum += b->slots[i].ended;
	return sum;
}

/* --- a look ---------------------------------------------------------------------- */

void bill_begin(struct bill *b, uint64_t now_ns)
{
	struct bill_report *r = &b->report;

	reset(b);
	b->dying = 0;
	*r = (struct bill_report){ .mono_ns = now_ns, .watched_ns = span_ns(b->began_ns, now_ns),
				   .born = r->born, .ended = r->ended, .refused = r->refused };
}

void bill_partial(struct bill *b)
{
	b->report.partial = true;
}

void bill_rules(struct bill *b, const struct bill_rules *rules)
{
	struct bill_rules *mine = tally_item(&b->rules, &rules->netns);

	if (mine)
		*mine = *rules;
}

/* --- the sum --------------------------------------------------------------------- */

static int most_first(const void *a, const void *b)
{
	const struct bill_group *x = *(struct bill_group *const *)a, *y = *(struct bill_group *const *)b;

	if (x->now != y->now)
		return x->now < y->now ? 1 : -1;
	/* any order, but the same one every time */
	return memcmp(&x->key, &y->key, sizeof(x->key));
}

static int fullest_first(const void *a, const void *b)
{
	const struct bill_group *x = *(struct bill_group *const *)a, *y = *(struct bill_group *const *)b;

	if (x->used_permille != y->used_permille)
		return x->used_permille < y->used_permille ? 1 : -1;
	return most_first(a, b);
}

static uint64_t rate(uint64_t count, uint64_t over_ns)
{
	uint64_t ms = over_ns / 1000000;

	/* the first moment of a watch says nothing of a rate */
	return ms < 100 ? 0 : count * 1000 * 1000 / ms;
}

static void add_up(struct bill *b, struct tally *tally, struct bill_groups *ret,
		   int (*compare)(const void *a, const void *b))
{
	uint64_t over = b->report.watched_ns < BILL_WINDOW_NS ? b->report.watched_ns : BILL_WINDOW_NS;

	for (size_t i = 0; i < tally->n; i++) {
		struct bill_group *g = tally->items[i];

		g->born_per_s_milli = rate(g->recent, over);
		g->elsewhere = g->key.netns && b->report.n_rules && g->key.netns != b->report.rules[0]->netns;
	}
	tally_sort(tally, compare);
	*ret = (struct bill_groups){ (struct bill_group *const *)tally->items, tally->n };
}

/* How full each destination is, and will be. Rates are not set yet: see add_up(). */
static void fill_destinations(struct bill *b)
{
	uint64_t over = b->report.watched_ns < BILL_WINDOW_NS ? b->report.watched_ns : BILL_WINDOW_NS;

	for (size_t i = 0; i < b->destinations.n; i++) {
		struct bill_group *g = b->destinations.items[i];
		const struct bill_rules *rules = bill_rules_at(b, g->key.netns);
		uint64_t used = g->now + g->open;

		g->reusable = bill_reusable(rules, g);
		g->reused = g->reusable;
		g->expected = rate(g->recent, over) * (b->report.life_ns / 1000000) / 1000000 + g->open;
		g->range = rules ? rules->ports : 0;
		if (!g->range)
			continue;
		g->used_permille = used >= g->range ? 1000 : (uint32_t)(used * 1000 / g->range);
	}
}

static void fill_lifetimes(struct bill *b)
{
	struct bill_report *r = &b->report;
	const struct bill_lifetime *expired = &b->lifetimes[MINI_EXPIRED];

	for (int end = 0; end < MINI_END_MAX; end++) {
		if (!b->lifetimes[end].count)
			continue;
		r->lifetimes[r->n_lifetimes] = b->lifetimes[end];
		r->lifetimes[r->n_lifetimes++].end = (enum mini_end)end;
	}
	r->life_ns = expired->measured ? expired->mean_ns : LIFE_NS;
}

/* Who is here and was not has been born, and so has who has died since. */
static void fill_births(struct bill *b)
{
	struct bill_report *r = &b->report;
	uint64_t died = b->known_ended - b->ended_at_look;
	uint64_t known = r->now - r->older + b->dying;
	uint64_t over = r->watched_ns < BILL_WINDOW_NS ? r->watched_ns : BILL_WINDOW_NS;
	uint64_t recent = 0;

	if (known + died > b->now_at_look)
		r->born += known + died - b->now_at_look;
	b->ended_at_look = b->known_ended;
	b->now_at_look = known;
	for (size_t i = 0; i < b->came.n; i++)
		recent += ((struct bill_group *)b->came.items[i])->recent;
	r->born_per_s_milli = rate(recent, over);
	r->ended_per_s_milli = rate(recent_deaths(b, r->mono_ns), over);
}

static void fill_rules(struct bill *b)
{
	struct bill_report *r = &b->report;

	r->rules = (const struct bill_rules *const *)b->rules.items;
	r->n_rules = b->rules.n;
	r->kernel_counted = r->n_rules > 0;
	for (size_t i = 0; i < r->n_rules; i++) {
		r->kernel_counted &= r->rules[i]->counted;
		r->kernel_tw += r->rules[i]->kernel_tw;
	}
}

/* Each mini-socket is counted in every grouping once: what found no room is in the fullest of them. */
static uint64_t passed_over(const struct bill *b)
{
	const struct tally *groups[] = { &b->owners, &b->people, &b->locals, &b->peers, &b->came,
					 &b->destinations, &b->sources, &b->shared, &b->rules };
	size_t most = 0;

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (groups[i]->passed > most)
			most = groups[i]->passed;
	return most;
}

const struct bill_report *bill_done(struct bill *b, uint32_t mini_bytes, uint64_t lost, bool last)
{
	struct bill_report *r = &b->report;

	for (size_t i = 0; i < b->n_dead; i++)
		bill_count_dead(b, &b->dead[i]);
	r->mini_bytes = mini_bytes;
	r->lost = lost + b->forgotten + passed_over(b);
	r->last = last;
	fill_rules(b);
	fill_lifetimes(b);
	fill_births(b);
	fill_destinations(b);
	add_up(b, &b->owners, &r->owners, most_first);
	add_up(b, &b->locals, &r->locals, most_first);
	add_up(b, &b->peers, &r->peers, most_first);
	add_up(b, &b->came, &r->came, most_first);
	add_up(b, &b->destinations, &r->destinations, fullest_first);
	add_up(b, &b->sources, &r->sources, most_first);
	bill_advise(r);
	return r;
}
