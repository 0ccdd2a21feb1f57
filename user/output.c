/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"

/* Larger than what one folio takes, so that a file grows by large ones. */
#define OUTPUT_BUFFER 131072

static bool wants_colour(FILE *file)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(file)) && !(no && *no) && !(term && !strcmp(term, "dumb"));
}

uint64_t output_wall_ns(void)
{
	return clock_wall_minus_mono_ns();
}

/*
 * A turn of the loop writes a whole batch; a terminal keeps its lines. Without a
 * buffer of ours the C library takes no notice of its size: one of 4 KiB it would be.
 */
static char *buffer_whole_turns(FILE *file)
{
	char *buffer = isatty(fileno(file)) ? NULL : malloc(OUTPUT_BUFFER);

	if (buffer)
		setvbuf(file, buffer, _IOFBF, OUTPUT_BUFFER);
	return buffer;
}

void output_start(void)
{
	/* standard output lives as long as the process */
	static char buffer[OUTPUT_BUFFER];

	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, buffer, _IOFBF, OUTPUT_BUFFER);
}

int output_open(const struct config *config, const struct sink_ops *ops, uint64_t wall_minus_mono_ns,
		struct output *ret)
{
	struct output o = { 0 };
	struct sink_config sink = {
		.utf8 = utf8_is_spoken(),
		.wide = config->wide,
		.timestamp = config->timestamp,
		.events = config->events,
		.live = config->live,
		.wall_minus_mono_ns = wall_minus_mono_ns,
	};
	int r = target_open(config->output, &o.target);

	if (r) {
		log_error("cannot write %s: %s", config->output ? config->output : "standard output", strerror(-r));
		return r;
	}
	if (o.target.owned)
		o.buffer = buffer_whole_turns(o.target.file);
	sink.out = o.target.file;
	sink.colour = wants_colour(o.target.file);
	r = ops->open(&sink, &o.sink);
	if (r) {
		log_error("cannot start the output: %s", strerror(-r));
		target_leave(&o.target);
		if (o.target.owned)
			fclose(o.target.file);
		free(o.buffer);
		return r;
	}
	*ret = o;
	return 0;
}

/* An error sticks: behind half a line no other one may begin. */
static int keep(struct output *o, int r)
{
	if (r < 0 && !o->error)
		o->error = r;
	return o->error;
}

int output_begin(struct output *o)
{
	return keep(o, target_begin(&o->target));
}

int output_take(struct output *o, const struct record *record)
{
	return o->sink && !o->error ? keep(o, o->sink->ops->take(o->sink, record)) : o->error;
}

int output_flush(struct output *o)
{
	FILE *file = o->target.file;

	if (!file || o->error)
		return o->error;
	errno = 0;
	if (!fflush(file) && !ferror(file))
		return 0;
	return keep(o, errno ? -errno : -EIO);
}

int output_close(struct output *o)
{
	struct target *t = &o->target;

	if (!t->file)
		return 0;
	target_leave(t);
	if (output_flush(o))
		target_cut(t);
	o->sink->ops->close(o->sink);
	if (t->owned && fclose(t->file))
		keep(o, -errno);
	else if (!t->owned)
		clearerr(t->file); /* it is told here */
	if (o->error && o->error != -EPIPE)
		log_error("cannot write %s: %s", t->name, strerror(-o->error));
	free(o->buffer);
	o->buffer = NULL;
	t->file = NULL;
	return o->error;
}
