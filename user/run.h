/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* run: one trace from attach to summary, live or off a tape. The only event loop. */
#ifndef TCPCLOSE_RUN_H
#define TCPCLOSE_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/record.h"
#include "ingest/tape_head.h"
#include "load/session.h"

/*
 * Turns of the loop are not further apart. Twice as many cost the reader a seventh more for
 * each verdict (docs/PERFORMANCE.md): each begins with caches that others have used.
 */
#define RUN_TICK_NS (40 * 1000 * 1000)

struct run;

struct run_config {
	struct session_config session;
	/* NULL = this kernel; else a tape, whose head was read: session, max_flows and tape mean nothing then. */
	struct tape_reader *replay;
	/* Replayed: the tape's. Else what the caller knows for the head of `tape`: clock, wants, program. NULL = nothing. */
	const struct tape_head *head;
	struct tape_writer *tape; /* NULL, or where all that is taken in goes too */
	uint32_t max_flows;  /* 0 = default */
	bool events;	     /* hand out REC_EVENT too */
	bool strays; /* RSTs of no connection also where nobody is known to have had the tuple */
	struct audit *audit; /* NULL, or told of everything: core/audit.h */
	uint64_t count;	     /* stop after that many verdicts; 0 = never */
	uint64_t duration_ns; /* stop after that long; 0 = never */
	/* Every record, in order. Negative errno ends the run with that error. */
	int (*emit)(void *ctx, const struct record *record);
	/* Replayed: what was wanted then, up to head->count of them; goes before `want`. NULL = all. */
	bool (*want_then)(void *ctx, const struct verdict *verdict);
	/* NULL = every verdict; what it refuses is counted as filtered. */
	bool (*want)(void *ctx, const struct verdict *verdict);
	/* The same for mini-sockets that are older than the trace: no verdict was ever asked for them. */
	bool (*want_mini)(void *ctx, const struct minisocket *mini);
	/* NULL, or called after every turn of the loop (flush): as emit. */
	int (*turn)(void *ctx);
	void *ctx;
};

/*
 * Loads and attaches; on return every chosen hook is live. Blocks SIGINT, SIGTERM
 * and SIGCHLD for the process and reads them in the loop. Negative errno, logged.
 */
int run_open(const struct run_config *config, struct run **ret);
/* Calls ready(ctx, fd) whenever fd is readable, until it returns nonzero: > 0 forgets the fd, < 0 ends the run. */
int run_watch(struct run *run, int fd, int (*ready)(void *ctx, int fd), void *ctx);
/* Before the fd is closed; one that is not watched is fine. */
void run_unwatch(struct run *run, int fd);
/*
 * Turns the loop until done(ctx) is true (asked after every turn, at least every
 * RUN_TICK_NS; NULL = never), a signal, count or duration ends it. 0, or negative errno.
 */
int run_loop(struct run *run, bool (*done)(void *ctx), void *ctx);
/* The signal that ended it; 0 = none did. */
int run_signalled(const struct run *run);
bool run_interrupted(const struct run *run); /* a signal or a limit ended it */
/* Sockets that have ended and wait for their verdict. */
uint64_t run_pending(const struct run *run);
/* Any of them in that network namespace? */
bool run_pending_in(const struct run *run, uint32_t netns);
/* Bits 1 << VANTAGE_...: what the sensors show. */
uint32_t run_covered(const struct run *run);
/* Sockets whose FIN is out: their end is to be expected. */
bool run_closing(const struct run *run);
/* What is followed, for core/now.h. */
const struct flow_table *run_flows(const struct run *run);
/* Takes all that is in the ring now, which a turn of the loop need not do. */
int run_drain(struct run *run);
/*
 * Looks at all sockets that exist: each goes to see() too, once per descriptor
 * that holds it. 0 or negative errno.
 */
int run_look(struct run *run, void (*see)(void *ctx, const struct obs *obs), void *ctx);
/* Detaches, judges what is left, emits REC_SUMMARY. 0 or negative errno. */
int run_finish(struct run *run);
void run_close(struct run *run); /* NULL is fine; detaches at once if run_finish() was not called */
/* For records that are not the run's own: their wall_step_ns. */
int64_t run_wall_step_ns(const struct run *run);
/* CLOCK_MONOTONIC now. */
uint64_t run_now_ns(void);

#endif
