/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* source: who tells the intake: the sensors in this kernel (live), or a tape (replay). */
#ifndef TCPCLOSE_SOURCE_H
#define TCPCLOSE_SOURCE_H

#include "intake.h"

struct source;

struct source_ops {
	/* Once, before the first turn. */
	void (*begin)(struct source *source);
	/*
	 * Tells what there is by now, a bounded lot. 0; > 0 when there will be no
	 * more; negative errno ends the run.
	 */
	int (*turn)(struct source *source, uint64_t now_ns);
	/* Looks at all sockets that exist. Negative errno; NULL = there are none to look at. */
	int (*look)(struct source *source);
	/* Tells all that there is by now, where a turn is bounded. As look. */
	int (*drain)(struct source *source);
	/* Tells the rest and finishes the intake. Negative errno: it was not whole. */
	int (*finish)(struct source *source);
	void (*close)(struct source *source);
};

/* First member of every source's own struct. */
struct source {
	const struct source_ops *ops;
	struct intake *intake;
	int fd; /* readable when it should have its turn at once; -1 = always */
};

struct run_config;

/*
 * Loads and attaches; on return every chosen hook is live. Negative errno,
 * logged. The intake is the source's.
 */
int live_open(const struct run_config *config, struct source **ret);
/* Of config->replay. As above, but nothing is logged. */
int replay_open(const struct run_config *config, struct source **ret);

#endif
