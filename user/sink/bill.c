/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* bill: time-wait's report for people: how many, whose, where to, how long, and what to do. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/units.h"
#include "report/bill.h"
#include "sink/frame.h"
#include "sink/sink.h"
#include "sink/words.h"

/* Of each table; JSON has them all. A screen has less room. */
#define ROWS_MAX 8
#define ROWS_LIVE 4
#define ENDS_COLUMNS 46

struct bill_sink {
	struct sink sink;
	struct sink_config config;
	struct buf text;
};

static int bill_sink_open(const struct sink_config *config, struct sink **ret)
{
	struct bill_sink *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->sink.ops = &sink_bill;
	s->config = *config;
	*ret = &s->sink;
	return 0;
}

static void bill_sink_close(struct sink *sink)
{
	struct bill_sink *s = (struct bill_sink *)sink;

	if (!s)
		return;
	buf_free(&s->text);
	free(s);
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void put_head(struct buf *b, const struct bill_report *r)
{
	char n[UNITS_STRLEN], tw[UNITS_STRLEN], fw2[UNITS_STRLEN], watched[UNITS_STRLEN];

	buf_printf(b, "%s mini-socket%s: %s in TIME_WAIT, %s in FIN_WAIT2", units_count(r->now, n),
		   plural(r->now), units_count(r->time_wait, tw), units_count(r->fin_wait2, fw2));
	if (r->kernel_counted && r->kernel_tw != r->now)
		buf_printf(b, "; the kernel counts %s", units_count(r->kernel_tw, n));
	buf_printf(b, "\nborn %" PRIu64 ".%" PRIu64 "/s, gone %" PRIu64 ".%" PRIu64 "/s; watched for %s",
		   r->born_per_s_milli / 1000, r->born_per_s_milli / 100 % 10,
		   r->ended_per_s_milli / 1000, r->ended_per_s_milli / 100 % 10,
		   units_duration(r->watched_ns, watched));
	if (r->older)
		buf_printf(b, "; %s %s older than that", units_count(r->older, n), r->older == 1 ? "is" : "are");
	buf_byte(b, '\n');
	if (r->refused)
		buf_printf(b, "%s refused by the kernel: these connections ended without TIME_WAIT\n",
			   units_count(r->refused, n));
	if (r->lost)
		buf_printf(b, "%s events were lost: counts may be wrong by as many\n", units_count(r->lost, n));
}

/* "  1,234     56.7  " */
static void put_numbers(struct buf *b, const struct bill_group *g)
{
	char n[UNITS_STRLEN], rate[UNITS_STRLEN];

	buf_printf(b, "%10s %8s.%" PRIu64 "  ", units_count(g->now, n),
		   units_count(g->born_per_s_milli / 1000, rate), g->born_per_s_milli / 100 % 10);
}

static void put_owner(struct buf *b, const struct bill_group *g)
{
	if (!g->key.owned) {
		buf_puts(b, "? (not known)");
		return;
	}
	if (g->processes == 1) {
		process_put(b, g->key.comm, g->pid, ENDS_COLUMNS, false);
		return;
	}
	text_put(b, g->key.comm, strnlen(g->key.comm, sizeof(g->key.comm)), ENDS_COLUMNS, false);
	buf_printf(b, " (%" PRIu32 " processes)", g->processes);
}

/* "192.0.2.1:80", "192.0.2.1:*" where there are many. */
static void put_end(struct buf *b, uint8_t family, const uint8_t *addr, uint16_t port)
{
	struct endpoint e = { .port = port };
	char words[ENDPOINT_STRLEN];

	memcpy(e.addr, addr, sizeof(e.addr));
	if (port)
		buf_puts(b, endpoint_format(family, &e, words));
	else
		buf_printf(b, family == 6 ? "[%s]:*" : "%s:*", endpoint_address(family, &e, words));
}

/* Addresses are the same in every namespace: which one it is, where it is not the first. */
static void put_netns(struct buf *b, const struct bill_group *g)
{
	if (g->elsewhere)
		buf_printf(b, "  netns %" PRIu32, g->key.netns);
}

static void put_role(struct buf *b, const struct bill_group *g)
{
	static const char *const words[BILL_ROLE_MAX] = {
		[ROLE_CONNECTED] = "  we connected", [ROLE_ACCEPTED] = "  we accepted",
	};

	if (words[g->key.role])
		buf_puts(b, words[g->key.role]);
	put_netns(b, g);
}

static void put_local(struct buf *b, const struct bill_group *g)
{
	put_end(b, g->key.family, g->key.local_addr, g->key.local_port);
	put_role(b, g);
}

static void put_peer(struct buf *b, const struct bill_group *g)
{
	put_end(b, g->key.family, g->key.peer_addr, g->key.peer_port);
	put_role(b, g);
}

static void put_came(struct buf *b, const struct bill_group *g)
{
	buf_puts(b, bill_came_slug(&g->key));
	if (g->key.came == CAME_PENDING)
		buf_puts(b, "  the peer has not closed, or has just now");
	if (g->key.came == CAME_OLDER)
		buf_puts(b, "  than this watch");
}

static void put_table(struct buf *b, size_t rows, const char *title, const struct bill_groups *groups,
		      void (*put)(struct buf *b, const struct bill_group *g))
{
	if (!groups->n)
		return;
	buf_printf(b, "\n       NOW     BORN/S  %s\n", title);
	for (size_t i = 0; i < groups->n && i < rows; i++) {
		put_numbers(b, groups->items[i]);
		put(b, groups->items[i]);
		buf_byte(b, '\n');
	}
	if (groups->n > rows)
		buf_printf(b, "                      and %zu more\n", groups->n - rows);
}

static void put_destination(struct buf *b, const struct bill_group *g)
{
	char held[UNITS_STRLEN], open[UNITS_STRLEN], range[UNITS_STRLEN], expected[UNITS_STRLEN];

	buf_printf(b, "%8s %6s ", units_count(g->now, held), units_count(g->open, open));
	if (g->range)
		buf_printf(b, "%7s %3" PRIu32 ".%" PRIu32 "%% ", units_count(g->range, range),
			   g->used_permille / 10, g->used_permille % 10);
	else
		buf_puts(b, "      ?      ? ");
	buf_printf(b, "%8s  ", g->reused ? "(reused)" : units_count(g->expected, expected));
	put_end(b, g->key.family, g->key.peer_addr, g->key.peer_port);
	put_netns(b, g);
	buf_byte(b, '\n');
}

static void put_destinations(struct buf *b, size_t rows, const struct bill_report *r)
{
	const struct bill_groups *groups = &r->destinations;
	size_t n = 0;

	for (size_t i = 0; i < groups->n && n < rows; i++) {
		/* open connections alone are no bill of TIME_WAIT's */
		if (!groups->items[i]->now)
			continue;
		if (!n++)
			buf_printf(b, "\nPORTS%s\n    HELD   OPEN      OF   USED EXPECTED  TOWARDS\n",
				   r->partial ? " (of those asked for; others may hold more)" : "");
		put_destination(b, groups->items[i]);
	}
}

static void put_lifetimes(struct buf *b, const struct bill_report *r)
{
	char n[UNITS_STRLEN], min[UNITS_STRLEN], mean[UNITS_STRLEN], max[UNITS_STRLEN];

	if (r->n_lifetimes)
		buf_puts(b, "\n     ENDED  HOW             LIVED FOR\n");
	for (size_t i = 0; i < r->n_lifetimes; i++) {
		const struct bill_lifetime *l = &r->lifetimes[i];

		buf_printf(b, "%10s  %-14s", units_count(l->count, n), mini_end_slug(l->end));
		if (l->measured)
			buf_printf(b, "  %s to %s, %s in the mean", units_duration(l->min_ns, min),
				   units_duration(l->max_ns, max), units_duration(l->mean_ns, mean));
		else if (l->end != MINI_NEVER_CREATED)
			buf_puts(b, "  not known: born before this watch");
		buf_byte(b, '\n');
	}
}

static void put_advice(struct buf *b, const struct bill_report *r)
{
	if (r->n_advice)
		buf_puts(b, "\nADVICE\n");
	for (size_t i = 0; i < r->n_advice; i++)
		frame_wrap(b, "  * ", r->advice[i].text);
}

static int bill_sink_take(struct sink *sink, const struct record *record)
{
	struct bill_sink *s = (struct bill_sink *)sink;
	const struct bill_report *r = record->time_wait;
	size_t rows = s->config.live && !r->last ? ROWS_LIVE : ROWS_MAX;
	struct buf *b = &s->text;

	if (record->kind != REC_TIME_WAIT)
		return 0;
	buf_reset(b);
	put_head(b, r);
	put_table(b, rows, "BY OWNER", &r->owners, put_owner);
	put_destinations(b, rows, r);
	put_advice(b, r);
	put_table(b, rows, "BY REMOTE END", &r->peers, put_peer);
	put_table(b, rows, "BY LOCAL END", &r->locals, put_local);
	put_table(b, rows, "BY HOW THEY CAME TO BE", &r->came, put_came);
	put_lifetimes(b, r);
	return frame_write(&s->config, b, r->last);
}

const struct sink_ops sink_bill = {
	.open = bill_sink_open,
	.take = bill_sink_take,
	.close = bill_sink_close,
};
