/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * intake: all that a run is told comes through here, from whatever source, into
 * the flow table, and out as records. What it is told, in the order in which it
 * is told, is what a tape holds: told the same again, it says the same.
 */
#ifndef TCPCLOSE_INTAKE_H
#define TCPCLOSE_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/flow.h"
#include "core/record.h"
#include "ingest/tape_head.h"
#include "losses.h"

struct intake;

struct intake_config {
	const struct tape_head *head; /* lives as long as the intake */
	bool events;                  /* hand out REC_EVENT too */
	bool strays;                  /* RSTs of no connection also where nobody is known to have had the tuple */
	struct audit *audit;          /* NULL, or told of everything: core/audit.h */
	uint64_t count;               /* verdicts to be handed out; 0 = all */
	struct tape_writer *tape;     /* NULL, or where all of it is kept */
	/* Every record, in order. Negative errno ends it with that error. */
	int (*emit)(void *ctx, const struct record *record);
	/* Replayed: what was wanted then, up to head->count of them; goes before `want`. NULL = all. */
	bool (*want_then)(void *ctx, const struct verdict *verdict);
	/* NULL = every verdict; what it refuses is counted as filtered. */
	bool (*want)(void *ctx, const struct verdict *verdict);
	/* The same for mini-sockets that are older than the trace: no verdict was ever asked for them. */
	bool (*want_mini)(void *ctx, const struct minisocket *mini);
	void *ctx;
};

/* Writes the head of the tape. -ENOMEM, -EINVAL. */
int intake_new(const struct intake_config *config, struct intake **ret);
void intake_free(struct intake *intake); /* NULL is fine */

/* A record of the wire, from the ring or from a look at the sockets there are. */
void intake_record(struct intake *intake, const void *record, size_t size);
/* Time passes: verdicts that are due are given. */
void intake_tick(struct intake *intake, uint64_t now_ns);
/* The wall clock is that far from where it would be, had nobody moved it since the run began. */
void intake_wall(struct intake *intake, int64_t step_ns);
int64_t intake_wall_step_ns(const struct intake *intake);
/* What one hook has lost so far. */
void intake_loss(struct intake *intake, const struct losses_of *of);
/*
 * Every hook's losses were told as of now: what is new marks what is open, and is
 * said; if the last word was less than a second ago, then (intake_tick()) or at the end.
 */
void intake_look(struct intake *intake, uint64_t now_ns);
/*
 * Mini-sockets that are to be read again: as flow_peeks(), up to INTAKE_ASKS. Five
 * times a second; each step is to be noticed within a second at 10,000 closes a second.
 */
#define INTAKE_ASKS 2048
size_t intake_ask(struct intake *intake, uint64_t now_ns, struct flow_peek ret[INTAKE_ASKS]);
/* Where one of them stands; 0 = there is no such mini-socket any more. */
void intake_peek(struct intake *intake, uint64_t now_ns, const struct flow_peek *asked,
		 uint8_t substate);
/* All tasks were looked at for owners. */
void intake_looked(struct intake *intake, uint64_t began_ns);
/* State changes may go unseen from now on. */
void intake_stop(struct intake *intake, uint64_t since_ns);
/* What has not been told is lost, and nobody knows how much. Not kept on a tape. */
void intake_gap(struct intake *intake);
/* Nothing more will come: judges what is left, hands out the summary. */
void intake_finish(struct intake *intake, uint64_t now_ns);

/* What is followed, for core/now.h. */
const struct flow_table *intake_flows(const struct intake *intake);
/* From now on every socket that is found goes to see() too; NULL = no more. */
void intake_see(struct intake *intake, void (*see)(void *ctx, const struct obs *obs), void *ctx);

/* Nothing is handed out any more. */
void intake_fail(struct intake *intake, int error);
/* The first error of emit, or why it failed; 0 = none. */
int intake_error(const struct intake *intake);
uint64_t intake_verdicts(const struct intake *intake);    /* handed out so far */
uint64_t intake_records(const struct intake *intake);     /* taken in so far */
uint64_t intake_bad_records(const struct intake *intake); /* that could not be read */
/* When the last observation was made; the latest time that was told at all. */
uint64_t intake_observed_ns(const struct intake *intake);
uint64_t intake_latest_ns(const struct intake *intake);
/* Does a socket of that namespace wait for its verdict? */
bool intake_pending_in(const struct intake *intake, uint32_t netns);
uint32_t intake_covered(const struct intake *intake); /* bits 1 << VANTAGE_... */
struct flow_counts intake_counts(const struct intake *intake);
bool intake_lacks_owners(const struct intake *intake); /* as flow_lacks_owners() */
bool intake_wants_owners(const struct intake *intake); /* as flow_wants_owners() */
bool intake_closing(const struct intake *intake);      /* as flow_closing() */

#endif
