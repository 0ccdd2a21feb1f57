/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* stuck: sockets that do not get to their end, for people: two or three lines each. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/units.h"
#include "report/stuck.h"
#include "sink/frame.h"
#include "sink/sink.h"
#include "sink/words.h"

#define SOCKETS_MAX 200
#define OWNER_COLUMNS 21

struct stuck_sink {
	struct sink sink;
	struct sink_config config;
	struct buf text;
};

static int stuck_sink_open(const struct sink_config *config, struct sink **ret)
{
	struct stuck_sink *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->sink.ops = &sink_stuck;
	s->config = *config;
	*ret = &s->sink;
	return 0;
}

static void stuck_sink_close(struct sink *sink)
{
	struct stuck_sink *s = (struct stuck_sink *)sink;

	if (!s)
		return;
	buf_free(&s->text);
	free(s);
}

/* ">" says at least; columns are counted. */
static void put_age(struct buf *b, const struct stuck_sock *sock)
{
	char age[1 + UNITS_STRLEN] = ">";

	units_duration(sock->age_ns, sock->at_least ? age + 1 : age);
	buf_printf(b, "%8s ", age);
}

static void put_bytes(struct buf *b, const struct stuck_sock *sock)
{
	char text[UNITS_STRLEN];

	if (sock->seen)
		buf_printf(b, "%8s %8s ", units_bytes_short(sock->unread_bytes, text),
			   units_bytes_short((uint64_t)sock->unsent_bytes + sock->unacked_bytes,
					     (char[UNITS_STRLEN]){ 0 }));
	else
		buf_puts(b, "       ?        ? ");
}

static void put_holders(struct buf *b, const struct stuck_sock *sock)
{
	CLEANUP(buf) struct buf text = BUF_INIT;

	if (sock->n_holders < 2)
		return;
	buf_puts(&text, "held by");
	for (size_t i = 0; i < sock->n_holders && i < STUCK_HOLDERS_MAX; i++) {
		const struct stuck_holder *h = &sock->holders[i];

		buf_printf(&text, "%s %s:%" PRIu32 " fd %" PRIu32, i ? "," : "", h->comm, h->pid, h->fd);
	}
	if (sock->n_holders > STUCK_HOLDERS_MAX)
		buf_printf(&text, " and %" PRIu32 " more", sock->n_holders - STUCK_HOLDERS_MAX);
	if (buf_string(&text))
		frame_wrap(b, "    ", text.data);
}

static void put_sock(struct buf *b, const struct stuck_sock *sock)
{
	char end[ENDPOINT_STRLEN];

	buf_printf(b, "%-10s ", state_name(sock->state));
	put_age(b, sock);
	put_bytes(b, sock);
	buf_puts(b, endpoint_format(sock->tuple.family, &sock->tuple.local, end));
	buf_puts(b, " - ");
	buf_puts(b, endpoint_format(sock->tuple.family, &sock->tuple.peer, end));
	buf_byte(b, '\n');
	frame_wrap(b, "    ", sock->words);
	put_holders(b, sock);
}

/* Who had it, where no descriptor says so. */
static void put_former(struct buf *b, const struct stuck_sock *sock)
{
	if (sock->n_holders || sock->owner.source == OWNER_UNKNOWN)
		return;
	buf_puts(b, "    it was ");
	process_put(b, sock->owner.comm, sock->owner.pid, OWNER_COLUMNS, false);
	buf_puts(b, "'s\n");
}

static void put_foot(struct buf *b, const struct stuck_report *r)
{
	char n[UNITS_STRLEN], older[UNITS_STRLEN], watched[UNITS_STRLEN], words[320];

	units_duration(r->older_ns, older);
	if (!r->n)
		buf_printf(b, "No socket is known to be stuck for %s or more.\n", older);
	if (r->younger) {
		snprintf(words, sizeof(words),
			 "%s more %s between first FIN and end, but not known to be so for %s. Watched for %s: "
			 "-d watches for longer.", units_count(r->younger, n), r->younger == 1 ? "is" : "are",
			 older, units_duration(r->watched_ns, watched));
		frame_wrap(b, "", words);
	}
	if (r->passed)
		buf_printf(b, "more sockets than can be listed: %s sightings were passed over\n", units_count(r->passed, n));
	if (r->lost)
		buf_printf(b, "%s events were lost: ages may be too small\n", units_count(r->lost, n));
}

static int stuck_sink_take(struct sink *sink, const struct record *record)
{
	struct stuck_sink *s = (struct stuck_sink *)sink;
	const struct stuck_report *r = record->stuck;
	struct buf *b = &s->text;

	if (record->kind != REC_STUCK)
		return 0;
	buf_reset(b);
	if (r->n)
		buf_puts(b, "STATE           FOR   UNREAD   UNSENT LOCAL - PEER\n");
	for (size_t i = 0; i < r->n && i < SOCKETS_MAX; i++) {
		put_sock(b, r->items[i]);
		put_former(b, r->items[i]);
	}
	if (r->n > SOCKETS_MAX)
		buf_printf(b, "and %zu more (--json has all)\n", r->n - SOCKETS_MAX);
	put_foot(b, r);
	return frame_write(&s->config, b, r->last);
}

const struct sink_ops sink_stuck = {
	.open = stuck_sink_open,
	.take = stuck_sink_take,
	.close = stuck_sink_close,
};
