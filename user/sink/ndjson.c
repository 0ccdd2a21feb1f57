/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* ndjson: one JSON object a line, one write each. What is in it says core/verdict.def. */
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/stamp.h"
#include "sink/fields.h"
#include "sink/out.h"
#include "sink/sink.h"

#define FORMAT_VERSION 1

struct ndjson {
	struct sink sink;
	struct sink_config config;
	struct stamp stamp;
	struct buf line;
	struct memo memo;
	uint64_t seq; /* of the next line */
};

static int ndjson_open(const struct sink_config *config, struct sink **ret)
{
	struct ndjson *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->sink.ops = &sink_ndjson;
	n->config = *config;
	*ret = &n->sink;
	return 0;
}

static void ndjson_close(struct sink *sink)
{
	struct ndjson *n = (struct ndjson *)sink;

	if (!n)
		return;
	buf_free(&n->line);
	free(n);
}

/* What the record's shape is read from, and what its `more` is. False: it makes no line. */
static bool sources(const struct record *r, const void *from[2])
{
	from[0] = r->close; /* the pointers of the union are all one */
	from[1] = NULL;
	if (r->kind == REC_EVENT)
		from[1] = r->event->obs;
	if (r->kind == REC_AUDIT)
		from[1] = &r->audit->count;
	return r->kind < REC_KIND_MAX && !(r->kind == REC_STORY && r->story->begin);
}

static void put_line(struct ndjson *n, const struct record *r, struct json *j, const void *from[2])
{
	const struct record_row *row = record_row(r->kind);
	struct line line = {
		.v = FORMAT_VERSION,
		.type = row->type,
		.ts = stamp_utc(&n->stamp, r->mono_ns + n->config.wall_minus_mono_ns),
		.mono_ns = r->mono_ns,
		.seq = n->seq,
	};

	json_object_begin(j);
	shape_emit(j, SHAPE_line, &line);
	shape_emit(j, row->shape, from[0]);
	if (row->more)
		shape_emit(j, row->more, from[1]);
	json_object_end(j);
}

static int ndjson_take(struct sink *sink, const struct record *record)
{
	struct ndjson *n = (struct ndjson *)sink;
	const void *from[2];
	struct json j;
	int err;

	if (!sources(record, from) || (record->kind == REC_EVENT && !n->config.events))
		return 0;
	buf_reset(&n->line);
	json_begin(&j, &n->line);
	j.memo = &n->memo;
	put_line(n, record, &j, from);
	err = json_end(&j);
	if (err)
		return err;
	buf_byte(&n->line, '\n');
	err = out_write(n->config.out, &n->line);
	if (!err)
		n->seq++;
	return err;
}

const struct sink_ops sink_ndjson = {
	.name = "json",
	.help = "one JSON object a line (tcpclose schema has the schema)",
	.open = ndjson_open,
	.take = ndjson_take,
	.close = ndjson_close,
};
