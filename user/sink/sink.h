/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* sink: where records become something to read. One file, one exported struct, one method. */
#ifndef TCPCLOSE_SINK_SINK_H
#define TCPCLOSE_SINK_SINK_H

#include <stdbool.h>
#include <stdio.h>

#include "core/record.h"

struct sink_config {
	FILE *out;	   /* borrowed; never closed by a sink */
	bool colour;	   /* the caller has checked for a terminal and NO_COLOR */
	bool utf8;	   /* the locale says so */
	bool wide;	   /* -w */
	bool timestamp;	   /* -T: wall clock per line (text) */
	bool events;	   /* -e */
	bool live;	   /* a terminal, and the same thing again and again: drawn in place */
	uint64_t wall_minus_mono_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC */
};

struct sink;

struct sink_ops {
	/* 0 and *ret, or -ENOMEM. */
	int (*open)(const struct sink_config *config, struct sink **ret);
	/*
	 * Takes one record; borrowed for the call. 0, or negative errno of the output
	 * (-EPIPE when the reader has gone). Kinds that mean nothing to it are passed over.
	 */
	int (*take)(struct sink *sink, const struct record *record);
	/* Frees it; writes nothing. NULL is fine. */
	void (*close)(struct sink *sink);
};

/* First member of every sink's own struct. */
struct sink {
	const struct sink_ops *ops;
};

extern const struct sink_ops sink_text, sink_ndjson, sink_ladder, sink_bill, sink_stuck, sink_truth, sink_tap;

#endif
