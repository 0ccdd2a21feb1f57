/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* tape_head: the conditions of a run, as they stand at the beginning of its tape. */
#ifndef TCPCLOSE_INGEST_TAPE_HEAD_H
#define TCPCLOSE_INGEST_TAPE_HEAD_H

#include "ingest/tape.h"

#define TAPE_REASONS_MAX 1024
#define TAPE_WORDS_MAX   512
#define TAPE_WORD_MAX    4096

/* Strings of one's own, or borrowed: who filled it knows. */
struct tape_words {
	size_t n;
	const char *word[TAPE_WORDS_MAX];
};

struct tape_head {
	const char *program, *kernel; /* NULL = not known */
	uint64_t
		attached_ns; /* CLOCK_MONOTONIC; what happened before was seen by some hooks only */
	uint64_t wall_minus_mono_ns;
	uint32_t hz;      /* 0 = not known */
	uint32_t covered; /* bits 1 << VANTAGE_... */
	uint32_t max_flows;
	uint64_t count;       /* verdicts after which it ended; 0 = no end */
	const char **reasons; /* by number, NULL = none */
	size_t n_reasons;
	struct tape_words hooks; /* "state tp_btf": for people */
	struct tape_words wants; /* "port=443": what the command line asked for */
};

/* All of it, and that what comes now happened. */
void tape_head_write(struct tape_writer *tape, const struct tape_head *head);
/*
 * Reads up to there. As tape_next(), but never 1; -ENODATA also where the head
 * never ends, -EBADMSG for what no head of ours can hold. What *ret holds then
 * belongs to it: tape_head_free().
 */
int tape_head_read(struct tape_reader *tape, struct tape_head *ret);
void tape_head_free(struct tape_head *head);

#endif
