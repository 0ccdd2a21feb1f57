/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* output: one sink on a file or on standard output; all zero, it takes everything and writes nothing. */
#ifndef TCPCLOSE_OUTPUT_H
#define TCPCLOSE_OUTPUT_H

#include "opts.h"
#include "sink/sink.h"

struct output {
	struct sink *sink;
	FILE *file;
	char *buffer; /* of a file of our own; NULL = as stdio has it */
	bool owned;
};

/* CLOCK_REALTIME - CLOCK_MONOTONIC as it is now. */
uint64_t output_wall_ns(void);
/*
 * Opens config->output (or standard output) with that sink, which tells the time
 * by the difference of the two clocks. Negative errno, logged.
 */
int output_open(const struct config *config, const struct sink_ops *ops, uint64_t wall_minus_mono_ns,
		struct output *ret);
int output_take(struct output *output, const struct record *record);
/* What was written is out now. Negative errno: -EPIPE when the reader has gone. */
int output_flush(struct output *output);
/* 0, or negative errno of what could not be written. */
int output_close(struct output *output);

#endif
