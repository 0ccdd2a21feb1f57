/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* taping: the tape that a run leaves behind, if the command line asks for one. */
#ifndef TCPCLOSE_TAPING_H
#define TCPCLOSE_TAPING_H

#include "ingest/tape_head.h"
#include "opts.h"
#include "target.h"

struct taping {
	const char *path;
	struct target target;
	struct tape_writer *tape; /* NULL = none; its file is the target's */
	struct tape_head head;    /* what the command line and the clock give to it */
	char *words[OPTS_MAX_WANTS];
	char *buffer; /* of its file */
	int error;    /* of taping_begin() */
};

/*
 * Opens the file, which keeps what it has until taping_begin(). 0 also without a
 * path: nothing is kept then. Negative errno, logged; TARGET_REFUSED is one of them.
 */
int taping_open(const char *path, const struct config *config, uint64_t wall_minus_mono_ns,
		struct taping *ret);
/* Refuses an output that is the same file: TARGET_REFUSED, logged. */
int taping_apart(const struct taping *taping, const struct target *output);
/* There will be something to keep. 0, or negative errno, which taping_close() logs. */
int taping_begin(struct taping *taping);
/* One more filter of the run that a replay must know: "port=443". Negative errno, logged. */
int taping_want(struct taping *taping, const char *name, const char *value);
/* 0, or negative errno of what could not be written, logged; but -EPIPE is for nobody to read. */
int taping_close(struct taping *taping);

#endif
