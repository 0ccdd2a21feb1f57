/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* output: one sink on a file or on standard output; all zero, it takes everything and writes nothing. */
#ifndef TCPCLOSE_OUTPUT_H
#define TCPCLOSE_OUTPUT_H

#include "opts.h"
#include "sink/sink.h"
#include "target.h"

struct output {
	struct sink *sink;
	struct target target;
	char *buffer; /* of a file of our own; NULL = as stdio has it */
	int error;    /* the first one: from then on nothing is written */
};

/* Before anything is printed: standard output takes as much at once as a file of our own. */
void output_start(void);
/* CLOCK_REALTIME - CLOCK_MONOTONIC as it is now. */
uint64_t output_wall_ns(void);
/*
 * Opens config->output (or standard output) with that sink, which tells the time
 * by the difference of the two clocks. What the file has it keeps until
 * output_begin(). Negative errno, logged.
 */
int output_open(const struct config *config, const struct sink_ops *ops, uint64_t wall_minus_mono_ns,
		struct output *ret);
/* There will be something to write. 0, or negative errno. */
int output_begin(struct output *output);
int output_take(struct output *output, const struct record *record);
/* What was written is out now. Negative errno: -EPIPE when the reader has gone. */
int output_flush(struct output *output);
/* 0, or negative errno of what could not be written, logged; but -EPIPE is for nobody to read. */
int output_close(struct output *output);

#endif
