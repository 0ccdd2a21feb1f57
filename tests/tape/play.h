/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* play: a tape in memory, replayed as tcpclose replay does it, through both sinks. */
#ifndef TESTS_TAPE_PLAY_H
#define TESTS_TAPE_PLAY_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32.h"
#include "base/le.h"
#include "base/log.h"
#include "opts.h"
#include "run.h"
#include "sink/sink.h"
#include "source.h"

/* A tape of a few kilobytes has room for no more. */
#define PLAY_CONNS 4096

struct played {
	int r; /* 0: it was told to its end */
	uint64_t verdicts, records;
	uint64_t unsaid_in; /* records of which a sink could make nothing */
	struct {
		bool complete;
		enum cause cause;
		uint64_t mono_ns;
	} of[PLAY_CONNS];    /* by conn */
	struct config taped; /* what was asked for when it was recorded */
	FILE *null;
	struct sink *sinks[2];
};

static inline int play_take(void *ctx, const struct record *record)
{
	struct played *p = ctx;

	for (int i = 0; i < 2; i++)
		if (p->sinks[i]->ops->take(p->sinks[i], record))
			p->unsaid_in++;
	p->records++;
	if (record->kind != REC_CLOSE)
		return 0;
	p->verdicts++;
	if (record->close->conn >= PLAY_CONNS)
		return 0;
	p->of[record->close->conn].complete = record->close->complete;
	p->of[record->close->conn].cause = record->close->cause;
	p->of[record->close->conn].mono_ns = record->close->mono_ns;
	return 0;
}

static inline bool play_want_then(void *ctx, const struct verdict *v)
{
	return opts_want(&((struct played *)ctx)->taped, v);
}

static inline int play_source(struct source *source)
{
	int r = 0;

	source->ops->begin(source);
	while (!r)
		r = source->ops->turn(source, 0);
	r = source->ops->finish(source);
	source->ops->close(source);
	return r;
}

static inline int play_file(FILE *file, struct played *p)
{
	struct tape_reader *tape = NULL;
	struct tape_head head = {0};
	struct run_config config = {.head = &head,
				    .events = true,
				    .emit = play_take,
				    .want_then = play_want_then,
				    .ctx = p};
	struct source *source;
	int r = tape_read_from(file, &tape);

	if (!r)
		r = tape_head_read(tape, &head);
	for (size_t i = 0; !r && i < head.wants.n; i++)
		r = opts_want_again(head.wants.word[i], &p->taped);
	config.replay = tape;
	if (!r)
		r = replay_open(&config, &source);
	if (!r)
		r = play_source(source);
	tape_head_free(&head);
	tape_close(tape);
	return r;
}

static inline void play(const uint8_t *bytes, size_t size, struct played *ret)
{
	FILE *file = size ? fmemopen((void *)bytes, size, "r") : fopen("/dev/null", "r");
	struct sink_config config = {.utf8 = true, .wide = true, .timestamp = true, .events = true};

	log_set_level(LOG_ERROR);
	memset(ret, 0, sizeof(*ret));
	ret->null = config.out = fopen("/dev/null", "w");
	if (!file || !ret->null || sink_text.open(&config, &ret->sinks[0]) ||
	    sink_ndjson.open(&config, &ret->sinks[1]))
		abort();
	ret->r = play_file(file, ret);
	sink_text.close(ret->sinks[0]);
	sink_ndjson.close(ret->sinks[1]);
	fclose(ret->null);
}

/* Makes every checksum right, so that what is behind it is tried as well. */
static inline void play_mend(uint8_t *bytes, size_t size)
{
	size_t at = TAPE_FILE_HEAD;

	while (size >= at + TAPE_BLOCK_HEAD) {
		uint64_t n = le_get(bytes + at, 4);

		if (n > size - at - TAPE_BLOCK_HEAD)
			return;
		le_put(bytes + at + 8, 4,
		       crc32_add(crc32_add(0, bytes + at, 8), bytes + at + TAPE_BLOCK_HEAD, n));
		at += TAPE_BLOCK_HEAD + n;
	}
}

/* All of a file, to be freed; NULL with errno. */
static inline uint8_t *play_load(const char *path, size_t *size)
{
	FILE *file = fopen(path, "re");
	uint8_t *bytes = NULL;
	long n = -1;

	if (file && !fseek(file, 0, SEEK_END))
		n = ftell(file);
	if (n >= 0 && !fseek(file, 0, SEEK_SET))
		bytes = malloc((size_t)n + 1);
	if (bytes)
		*size = fread(bytes, 1, (size_t)n, file);
	if (file)
		fclose(file);
	return bytes;
}

#endif
