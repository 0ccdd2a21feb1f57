/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * view: a trace of which not every connection is told, but how things stand:
 * again and again on a terminal, else once, at the end.
 */
#ifndef TCPCLOSE_VIEW_H
#define TCPCLOSE_VIEW_H

#include "opts.h"
#include "output.h"
#include "run.h"

struct view_ops {
	enum command command;
	const char *usage;	       /* what its --help begins with */
	const struct sink_ops *text;
	uint64_t watch_ns;	       /* how long, without -d, until the only report */
	/* Attached; negative errno, logged. */
	int (*begin)(void *ctx, const struct config *config, struct run *run);
	/* Each record of the run; may be NULL. */
	void (*take)(void *ctx, const struct record *record);
	/* How things stand now: one record. lost: events that the sensors lost so far. Negative errno, logged. */
	int (*look)(void *ctx, uint64_t lost, bool last, struct record *ret);
};

/* All of a subcommand: its exit status. */
int view_main(const struct view_ops *ops, void *ctx, int argc, char **argv);

#endif
