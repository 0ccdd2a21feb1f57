/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "demo/keep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "endings.h"

void keep_begin(struct keep *keep, uint16_t port, uint32_t netns, uint64_t since_ns)
{
	uint64_t last = keep->after_conn;

	for (size_t i = 0; i < keep->n; i++) {
		const struct record *r = &keep->items[i].record;
		uint64_t conn = r->kind == REC_CLOSE ? keep->items[i].close.conn :
				r->kind == REC_EVENT ? keep->items[i].event.conn : 0;

		last = conn > last ? conn : last;
	}
	*keep = (struct keep){
		.port = port, .netns = netns, .since_ns = since_ns, .after_conn = last,
		.items = keep->items, .cap = keep->cap,
	};
}

void keep_free(struct keep *keep)
{
	free(keep->items);
	*keep = (struct keep){ 0 };
}

/* One port is our server's. A listener is no connection; a client need not have got a port yet, or ever. */
static bool tuple_ours(const struct keep *keep, const struct tuple *t)
{
	return t->peer.port && (t->local.port == keep->port || t->peer.port == keep->port);
}

static bool netns_ours(const struct keep *keep, uint32_t netns)
{
	return !keep->netns || !netns || netns == keep->netns;
}

static bool conn_ours(const struct keep *keep, uint64_t conn)
{
	return !conn || conn > keep->after_conn;
}

/* When that of which the record tells began, as far as is known. */
static uint64_t born_ns(const struct record *r)
{
	switch (r->kind) {
	case REC_CLOSE:
		return span_ns(r->close->age_ns, r->mono_ns);
	case REC_MINISOCKET:
		return span_ns(r->minisocket->fin_wait2_ns + r->minisocket->time_wait_ns, r->mono_ns);
	case REC_EVENT:
	case REC_RESET:
		return r->mono_ns;
	default: /* what only ours can say */
		return UINT64_MAX;
	}
}

/* An observation of what began in time may be later. */
static bool began_later(const struct keep *keep, const struct record *r)
{
	return keep->until_ns && (r->kind == REC_CLOSE || r->kind == REC_MINISOCKET) &&
	       born_ns(r) > keep->until_ns;
}

static bool ours(const struct keep *keep, const struct record *r)
{
	if (born_ns(r) < keep->since_ns || began_later(keep, r))
		return false;
	switch (r->kind) {
	case REC_CLOSE:
		return conn_ours(keep, r->close->conn) && netns_ours(keep, r->close->netns) &&
		       tuple_ours(keep, &r->close->tuple);
	case REC_MINISOCKET:
		return conn_ours(keep, r->minisocket->conn) &&
		       netns_ours(keep, r->minisocket->netns) &&
		       tuple_ours(keep, &r->minisocket->tuple);
	case REC_EVENT:
		return conn_ours(keep, r->event->conn) &&
		       netns_ours(keep, r->event->obs->sock.netns_ino) &&
		       tuple_ours(keep, r->event->tuple.family ? &r->event->tuple
							       : &r->event->obs->tuple);
	case REC_RESET:
		return netns_ours(keep, r->reset->netns) && conn_ours(keep, r->reset->to) &&
		       tuple_ours(keep, &r->reset->tuple);
	case REC_APP:
	case REC_SEGMENT:
	case REC_LOSS:
		return true;
	default:
		return false;
	}
}

static enum side side_of(const struct keep *keep, const struct tuple *t)
{
	return t->local.port == keep->port ? SIDE_SERVER : SIDE_CLIENT;
}

static void copy(struct kept *to, const struct record *r)
{
	to->record = *r;
	switch (r->kind) {
	case REC_CLOSE:
		to->close = *r->close;
		break;
	case REC_MINISOCKET:
		to->minisocket = *r->minisocket;
		break;
	case REC_EVENT:
		to->event = *r->event;
		to->obs = *r->event->obs;
		break;
	case REC_APP:
		to->app = *r->app;
		break;
	case REC_SEGMENT:
		to->segment = *r->segment;
		break;
	case REC_RESET:
		to->reset = *r->reset;
		break;
	case REC_LOSS:
		to->loss = *r->loss;
		break;
	default:
		break;
	}
}

static int grow(struct keep *keep)
{
	size_t cap = keep->cap ? 2 * keep->cap : 64;
	struct kept *items;

	if (keep->n < keep->cap)
		return 0;
	items = realloc(keep->items, cap * sizeof(*items));
	if (!items)
		return -ENOMEM;
	keep->items = items;
	keep->cap = cap;
	return 0;
}

int keep_take(struct keep *keep, const struct record *record)
{
	int r;

	if (!ours(keep, record))
		return 0;
	if (keep->n >= KEEP_MAX && record->kind != REC_CLOSE) {
		keep->dropped++;
		return 0;
	}
	r = grow(keep);
	if (r)
		return r;
	keep->items[keep->n].arrival = (uint32_t)keep->n;
	copy(&keep->items[keep->n++], record);
	if (record->kind == REC_CLOSE) {
		keep->verdicts[side_of(keep, &record->close->tuple)]++;
		keep->minis_born += record->close->minisocket != 0;
	}
	keep->minis_ended += record->kind == REC_MINISOCKET;
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	if (x->record.mono_ns != y->record.mono_ns)
		return x->record.mono_ns < y->record.mono_ns ? -1 : 1;
	return x->arrival < y->arrival ? -1 : 1;
}

/* A connect() that failed left no local port; then its peer alone must do. */
static bool tuple_fits(const struct tuple *known, const struct tuple *asked, bool any_local)
{
	struct tuple t = *known;

	if (any_local && !asked->local.port)
		t.local = asked->local;
	return tuple_equal(&t, asked);
}

static const struct verdict *verdict_by_conn(const struct keep *keep, uint64_t conn)
{
	for (size_t i = 0; conn && i < keep->n; i++)
		if (keep->items[i].record.kind == REC_CLOSE && keep->items[i].close.conn == conn)
			return &keep->items[i].close;
	return NULL;
}

/* The client's socket is there before its SYN, the server's only after the handshake. */
static uint64_t connection_born_ns(const struct keep *keep, const struct verdict *v)
{
	const struct verdict *pair = verdict_by_conn(keep, v->pair);
	uint64_t born = span_ns(v->age_ns, v->mono_ns);
	uint64_t other = pair ? span_ns(pair->age_ns, pair->mono_ns) : born;

	return other < born ? other : born;
}

/* A tuple may live twice: the last that was born by then, else the first of all. */
static bool is_better(uint64_t born_ns, uint64_t than_ns, uint64_t at_ns)
{
	if ((born_ns <= at_ns) != (than_ns <= at_ns))
		return born_ns <= at_ns;
	return born_ns <= at_ns ? born_ns > than_ns : born_ns < than_ns;
}

static uint64_t find_closed(const struct keep *keep, const struct tuple *asked, bool any_local, uint64_t at_ns)
{
	uint64_t conn = 0, best_ns = 0;

	for (size_t i = 0; i < keep->n; i++) {
		const struct kept *k = &keep->items[i];
		uint64_t born_ns;

		if (k->record.kind != REC_CLOSE || !tuple_fits(&k->close.tuple, asked, any_local))
			continue;
		born_ns = connection_born_ns(keep, &k->close);
		if (conn && !is_better(born_ns, best_ns, at_ns))
			continue;
		conn = k->close.conn;
		best_ns = born_ns;
	}
	return conn;
}

/* Of one that has no verdict, an observation may tell. */
static uint64_t find_conn(const struct keep *keep, const struct tuple *asked, bool any_local, uint64_t at_ns)
{
	uint64_t conn = asked->family ? find_closed(keep, asked, any_local, at_ns) : 0;

	for (size_t i = 0; asked->family && !conn && i < keep->n; i++) {
		const struct kept *k = &keep->items[i];

		if (k->record.kind == REC_EVENT && k->event.conn && tuple_fits(&k->event.tuple, asked, any_local))
			conn = k->event.conn;
	}
	return conn;
}

static void join(struct keep *keep)
{
	for (size_t i = 0; i < keep->n; i++) {
		struct kept *k = &keep->items[i];
		struct tuple t = { k->segment.family, k->segment.from, k->segment.to };

		if (k->record.kind == REC_APP)
			k->app.conn = find_conn(keep, &k->app.tuple, !strcmp(k->app.call, "connect"),
						k->record.mono_ns);
		else if (k->record.kind == REC_SEGMENT)
			k->segment.conn = find_conn(keep, &t, false, k->record.mono_ns);
	}
}

int keep_emit(struct keep *keep, int (*emit)(void *ctx, const struct record *record), void *ctx)
{
	int r = 0;

	join(keep);
	if (keep->n)
		qsort(keep->items, keep->n, sizeof(*keep->items), by_time);
	for (size_t i = 0; i < keep->n && !r; i++) {
		struct kept *k = &keep->items[i];

		/* They have moved: realloc(), qsort(). All pointers of the record are one. */
		k->record.close = &k->close;
		if (k->record.kind == REC_EVENT)
			k->event.obs = &k->obs;
		r = emit(ctx, &k->record);
	}
	return r;
}

const struct verdict *keep_verdict(const struct keep *keep, int side, size_t n)
{
	for (size_t i = 0; i < keep->n; i++) {
		const struct kept *k = &keep->items[i];

		if (k->record.kind == REC_CLOSE && (int)side_of(keep, &k->close.tuple) == side &&
		    !n--)
			return &k->close;
	}
	return NULL;
}

const struct verdict *keep_verdict_of(const struct keep *keep, int side, enum cause cause)
{
	const struct verdict *v;

	for (size_t n = 0; (v = keep_verdict(keep, side, n)); n++)
		if (v->cause == cause)
			return v;
	return keep_verdict(keep, side, 0);
}

bool keep_is_gapped(const struct keep *keep)
{
	for (size_t i = 0; i < keep->n; i++)
		if (keep->items[i].record.kind == REC_CLOSE && keep->items[i].close.evidence & EV(GAP))
			return true;
	return false;
}

static bool has_verdict(const struct keep *keep, int side, uint64_t conn)
{
	const struct verdict *v = verdict_by_conn(keep, conn);

	return v && (int)side_of(keep, &v->tuple) == side;
}

const struct minisocket *keep_mini(const struct keep *keep, int side)
{
	for (size_t i = 0; i < keep->n; i++) {
		const struct kept *k = &keep->items[i];

		if (k->record.kind == REC_MINISOCKET && has_verdict(keep, side, k->minisocket.conn))
			return &k->minisocket;
	}
	return NULL;
}
