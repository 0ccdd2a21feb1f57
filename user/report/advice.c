/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* advice: what follows from the facts of a bill; nothing that would be true anywhere. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "report/bill.h"

enum advice {
#define ADVICE(id, slug, doc) ADVICE_##id,
#include "report/advice.def"
	ADVICE_MAX,
};

/* A source that makes less of the whole than this is not worth a word. */
#define SHARE_PERCENT 10
#define SOURCES_MAX 3
#define SHORT_PERMILLE 700
#define FORETELL_NS UINT64_C(3000000000)

const char *bill_advice_slug(unsigned i)
{
	static const char *const slugs[] = {
#define ADVICE(id, slug, doc) slug,
#include "report/advice.def"
	};

	return i < ADVICE_MAX ? slugs[i] : NULL;
}

__attribute__((format(printf, 3, 4)))
static void say(struct bill_report *r, enum advice which, const char *format, ...)
{
	struct bill_advice *advice = &r->advice[r->n_advice];
	va_list args;

	if (r->n_advice == BILL_ADVICE_MAX)
		return;
	advice->slug = bill_advice_slug(which);
	va_start(args, format);
	vsnprintf(advice->text, sizeof(advice->text), format, args);
	va_end(args);
	/* two owners towards one destination: once is enough */
	for (size_t i = 0; i < r->n_advice; i++)
		if (!strcmp(r->advice[i].text, advice->text))
			return;
	r->n_advice++;
}

const struct bill_rules *bill_rules_of(const struct bill_report *r, uint32_t netns)
{
	for (size_t i = 0; i < r->n_rules; i++)
		if (r->rules[i]->netns == netns)
			return r->rules[i];
	return NULL;
}

/* "192.0.2.1:80"; without a port the address alone. */
static const char *peer_of(const struct bill_key *key, char *buf)
{
	struct endpoint e = { .port = key->peer_port };

	for (size_t i = 0; i < sizeof(e.addr); i++)
		e.addr[i] = key->peer_addr[i];
	return e.port ? endpoint_format(key->family, &e, buf) :
			endpoint_address(key->family, &e, buf);
}

static const char *name_of(const struct bill_key *key)
{
	return key->owned ? key->comm : "a program that is not known";
}

uint64_t bill_reusable(const struct bill_rules *rules, const struct bill_group *g)
{
	if (!rules || !rules->known || !rules->timestamps ||
	    !(rules->tw_reuse == 1 || (rules->tw_reuse == 2 && g->key.loopback)))
		return 0;
	/* those of which it is not known are as those are of which it is */
	return g->no_timestamps && !g->timestamps ? 0 : g->time_wait - g->no_timestamps;
}

/* Why one of these ports is free again early, or why not. */
static void advise_reuse(struct bill_report *r, const struct bill_group *g)
{
	const struct bill_rules *rules = bill_rules_of(r, g->key.netns);
	char peer[ENDPOINT_STRLEN], n[UNITS_STRLEN], all[UNITS_STRLEN];

	if (!rules || !rules->known || !g->time_wait)
		return;
	peer_of(&g->key, peer);
	if (!rules->timestamps)
		say(r, ADVICE_NO_TIMESTAMPS,
		    "Towards %s no port is taken again early: net.ipv4.tcp_timestamps is 0, and without "
		    "timestamps tcp_tw_reuse does nothing.", peer);
	else if (g->no_timestamps)
		say(r, ADVICE_NO_TIMESTAMPS,
		    "%s of %s towards %s had no TCP timestamps, mostly because the peer does not do them: "
		    "tcp_tw_reuse does nothing for these.", units_count(g->no_timestamps, n),
		    units_count(g->time_wait, all), peer);
	if (!rules->timestamps || (g->no_timestamps && !g->timestamps))
		return;
	if (bill_reusable(rules, g))
		say(r, ADVICE_REUSE_APPLIES,
		    "net.ipv4.tcp_tw_reuse is %u, and so connect() to %s may take such a port again after a "
		    "second: they cost memory, but do not stop new connections.", rules->tw_reuse, peer);
	else if (rules->tw_reuse == 2)
		say(r, ADVICE_REUSE_LOOPBACK_ONLY,
		    "net.ipv4.tcp_tw_reuse is 2, loopback only, and %s is not loopback: no port is taken again "
		    "before its time. With 1, connect() could take one after a second, where timestamps are on.",
		    peer);
	else
		say(r, ADVICE_REUSE_OFF,
		    "net.ipv4.tcp_tw_reuse is 0: towards %s no port is taken again before its time. With 1, "
		    "connect() could take one after a second, where timestamps are on.", peer);
}

static void advise_source(struct bill_report *r, const struct bill_group *g)
{
	char n[UNITS_STRLEN], all[UNITS_STRLEN], peer[ENDPOINT_STRLEN];

	units_count(g->now, n);
	units_count(r->now, all);
	if (!g->key.owned) {
		say(r, ADVICE_OWNER_UNKNOWN,
		    "Of %s nobody can say any more whose they were: they are older than this watch, or their "
		    "owner went unseen. Watch for a minute, and all there are have been born under our eyes.", n);
	} else if (g->key.role == ROLE_CONNECTED) {
		say(r, ADVICE_CLOSES_FIRST,
		    "%s connects to %s and closes first: %s of %s. Keep these connections open and use "
		    "them again (keep-alive, a pool), or let %s close first: then they are there.",
		    name_of(&g->key), peer_of(&g->key, peer), n, all, peer);
	} else if (g->key.role == ROLE_ACCEPTED) {
		say(r, ADVICE_SERVER_SIDE,
		    "%s accepts on port %u and closes first: %s of %s. They hold no ephemeral port of "
		    "this host and tcp_tw_reuse, which is for who connects, does nothing here: memory is all "
		    "they cost. Where clients close first, they are with the clients.",
		    name_of(&g->key), g->key.local_port, n, all);
	}
	if (g->key.role == ROLE_CONNECTED)
		advise_reuse(r, g);
}

static void advise_sources(struct bill_report *r)
{
	for (size_t i = 0; i < r->sources.n && i < SOURCES_MAX; i++)
		if (r->sources.items[i]->now * 100 >= r->now * SHARE_PERCENT)
			advise_source(r, r->sources.items[i]);
}

/*
 * A burst is no rate: what is to come is foretold only from some seconds, and where
 * ports are taken again not at all.
 */
static bool is_short(const struct bill_report *r, const struct bill_group *g)
{
	bool will_be = r->watched_ns >= FORETELL_NS && !g->reusable && g->expected >= g->range;
	uint64_t kept = g->now + g->open - g->reusable;

	return g->range && (kept * 1000 >= (uint64_t)SHORT_PERMILLE * g->range || will_be);
}

static void advise_ports(struct bill_report *r)
{
	for (size_t i = 0; i < r->destinations.n; i++) {
		const struct bill_group *g = r->destinations.items[i];
		char used[UNITS_STRLEN], range[UNITS_STRLEN], expected[UNITS_STRLEN], peer[ENDPOINT_STRLEN];

		if (!is_short(r, g))
			continue;
		say(r, ADVICE_PORTS_SHORT,
		    "%s of %s ports towards %s are taken; births at this rate come to %s. When all are, connect() "
		    "fails with EADDRNOTAVAIL. Close less often; else a wider net.ipv4.ip_local_port_range, or more "
		    "addresses on either side.", units_count(g->now + g->open, used),
		    units_count(g->range, range), peer_of(&g->key, peer), units_count(g->expected, expected));
		return;
	}
}

static bool advise_buckets(struct bill_report *r)
{
	bool any = false;

	for (size_t i = 0; i < r->n_rules; i++) {
		const struct bill_rules *rules = r->rules[i];
		char n[UNITS_STRLEN], max[UNITS_STRLEN];

		if (!rules->known || !rules->counted || rules->kernel_tw * 10 < (uint64_t)rules->max_tw * 9)
			continue;
		any = true;
		say(r, ADVICE_BUCKETS_FULL,
		    "%s mini-sockets of net.ipv4.tcp_max_tw_buckets = %s: beyond that the kernel makes none, and "
		    "connections end without TIME_WAIT's protection against segments that come late.",
		    units_count(rules->kernel_tw, n), units_count(rules->max_tw, max));
	}
	if (r->refused && !any)
		say(r, ADVICE_BUCKETS_FULL, "%" PRIu64 " refused by the kernel: tcp_max_tw_buckets, or memory.",
		    r->refused);
	return any || r->refused;
}

static void advise_calm(struct bill_report *r)
{
	char n[UNITS_STRLEN], cost[UNITS_STRLEN] = "";

	if (r->mini_bytes)
		units_bytes_short(r->now * r->mini_bytes, cost);
	say(r, ADVICE_NOT_SHORT, "Nothing is short: %s mini-sockets cost %s%sand no destination is near the end of "
	    "its ports.", units_count(r->now, n), *cost ? cost : "memory", *cost ? " of memory, " : ", ");
}

/* More are there than we know of: some of what we were told went lost. */
static bool some_are_unseen(const struct bill_report *r)
{
	return r->lost && (!r->kernel_counted || r->kernel_tw * 100 > r->now * (100 + SHARE_PERCENT));
}

void bill_advise(struct bill_report *r)
{
	bool full;

	advise_ports(r);
	full = advise_buckets(r);
	if (r->now && !r->n_advice && !full && !r->partial && !some_are_unseen(r))
		advise_calm(r);
	advise_sources(r);
	for (size_t i = 0; i < r->sources.n && r->fin_wait2 * 100 >= r->now * SHARE_PERCENT; i++) {
		const struct bill_group *g = r->sources.items[i];
		char n[UNITS_STRLEN];

		if (g->fin_wait2 * 100 < r->now * SHARE_PERCENT)
			continue;
		say(r, ADVICE_PEER_OPEN, "%s of %s are in FIN_WAIT2: the peer has not closed. Each goes when it does, or "
		    "after net.ipv4.tcp_fin_timeout; connect() takes none of them before.",
		    units_count(g->fin_wait2, n), name_of(&g->key));
		break;
	}
}
