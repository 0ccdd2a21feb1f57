/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* ndjson: one JSON object a line, one write each. core/verdict.def says what is in it. */
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/stamp.h"
#include "sink/fields.h"
#include "sink/out.h"
#include "sink/sink.h"

#define FORMAT_VERSION 1
/* What is remembered of former lines: of a line all but its numbers, and whole values in it. */
#define LINES	    256
#define LINE_BYTES  1536
#define VALUES	    256
#define VALUE_BYTES 160

struct ndjson {
	struct sink sink;
	struct sink_config config;
	struct stamp stamp;
	struct buf line;
	struct forms forms, values;
	uint64_t seq; /* of the next line */
};

static void ndjson_close(struct sink *sink)
{
	struct ndjson *n = (struct ndjson *)sink;

	if (!n)
		return;
	buf_free(&n->line);
	forms_destroy(&n->forms);
	forms_destroy(&n->values);
	free(n);
}

static int ndjson_open(const struct sink_config *config, struct sink **ret)
{
	struct ndjson *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->sink.ops = &sink_ndjson;
	n->config = *config;
	if (forms_init(&n->forms, LINES, LINE_BYTES) || forms_init(&n->values, VALUES, VALUE_BYTES)) {
		ndjson_close(&n->sink);
		return -ENOMEM;
	}
	*ret = &n->sink;
	return 0;
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

/* The line of the record: it begins like all lines. */
static struct line line_of(struct ndjson *n, const struct record *r)
{
	return (struct line){
		.v = FORMAT_VERSION,
		.type = record_row(r->kind)->type,
		.ts = stamp_utc(&n->stamp, r->mono_ns + n->config.wall_minus_mono_ns + (uint64_t)r->wall_step_ns),
		.mono_ns = r->mono_ns,
		.seq = n->seq,
	};
}

static void put_line(struct ndjson *n, const struct record *r, struct json *j, const void *from[2])
{
	const struct record_row *row = record_row(r->kind);
	struct line line = line_of(n, r);
	struct form_key key;

	key.n = 0;
	shape_hold(&key, SHAPE_line, &line);
	shape_hold(&key, row->shape, from[0]);
	if (row->more)
		shape_hold(&key, row->more, from[1]);
	form_key_end(&key);
	if (json_form_begin(j, &n->forms, &key)) {
		shape_fill(j, SHAPE_line, &line);
		shape_fill(j, row->shape, from[0]);
		if (row->more)
			shape_fill(j, row->more, from[1]);
	} else {
		json_object_begin(j);
		shape_write(j, SHAPE_line, &line);
		shape_write(j, row->shape, from[0]);
		if (row->more)
			shape_write(j, row->more, from[1]);
		json_object_end(j);
	}
	json_form_end(j, &key);
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
	j.values = &n->values;
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
	.open = ndjson_open,
	.take = ndjson_take,
	.close = ndjson_close,
};
