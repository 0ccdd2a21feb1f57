/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * scene: observations as text, and the verdicts they must earn. A file is lines:
 *
 *	scene TITLE                       a new scene; everything up to the next one is its own
 *	covered all [-VANTAGE ...]        or a list of vantages; "all" when not said
 *	table flows=N minis=N             bounds of the table
 *	socket NAME LOCAL PEER [WORD ...] a socket, and what all its observations have in common
 *	set NAME WORD ...                 changes that from here on
 *	TIME NAME KIND [ARG ...] [WORD ...]   one observation; TIME is since the start ("1.5ms"), or
 *	                                  since the line before ("+2us")
 *	TIME * gap                        the ring lost records
 *	TIME * given NAME / waiting NAME  by now it has / has not had a verdict
 *	TIME * peeks NAME|none            what the table wants read again
 *	TIME * owners-wanted / owners-known
 *	TIME * end                        the trace ends here (3 s after the last line when not said)
 *	todo WHY                          the scene is right, the core is not there yet, and it fails
 *	expect NAME [minisocket] FIELD=VALUE ...
 *	expect counts FIELD=VALUE ...
 *
 * KINDs are those of obs.h; WORDs are the table in words.c, FIELDs those in check.c.
 * Every verdict and every mini-socket needs its expectation, in the order of one
 * socket's lives. The task of an observation that names none is a stranger who
 * must never turn up in a verdict.
 */
#ifndef TESTS_SCENE_SCENE_H
#define TESTS_SCENE_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/flow.h"

#define SCENE_NAME        16
#define SCENE_MAX_SOCKS   16
#define SCENE_MAX_STEPS   128
#define SCENE_MAX_EXPECTS 24
#define SCENE_MAX_FIELDS  24
#define SCENE_STRANGER    666

#define SEC(n)  (UINT64_C(n) * 1000 * 1000 * 1000)
#define MSEC(n) (UINT64_C(n) * 1000 * 1000)

struct scene_sock {
	char name[SCENE_NAME];
	struct obs base; /* what each of its observations starts from */
};

enum step_kind {
	STEP_OBS,
	STEP_GAP,
	STEP_GIVEN,
	STEP_WAITING,
	STEP_PEEKS,
	STEP_OWNERS_WANTED,
	STEP_OWNERS_KNOWN,
	STEP_END,
};

struct step {
	enum step_kind kind;
	int line;
	int sock; /* index, -1 = none */
	uint64_t at_ns;
	struct obs obs;
};

enum expect_kind { EXPECT_VERDICT, EXPECT_MINI, EXPECT_COUNTS };

struct expect {
	enum expect_kind kind;
	int line;
	int sock;
	size_t n;
	struct {
		char *name, *value;
	} field[SCENE_MAX_FIELDS];
};

struct scene {
	const char *file;
	int line;
	char *title, *todo;
	uint32_t covered, max_flows, max_minis;
	size_t n_socks, n_steps, n_expects;
	struct scene_sock socks[SCENE_MAX_SOCKS];
	struct step steps[SCENE_MAX_STEPS];
	struct expect expects[SCENE_MAX_EXPECTS];
};

/* Where a scene goes wrong is said here, one line each. */
struct complaints {
	char *text;
	size_t len;
	FILE *out;
};

/* How the same observations are fed: the verdicts must not depend on it. */
enum regime {
	REGIME_POLL,  /* a tick every RUN_TICK_NS, as in the program */
	REGIME_BATCH, /* everything at once, time only in the observations */
	REGIME_LEAN,  /* as POLL, without what is not sent because the next record says it */
	REGIME_TWICE, /* as POLL, and an understudy repeats every observation */
	REGIME_MAX,
};

struct outcome {
	struct flow_counts counts;
	size_t n_verdicts, n_minis;
	struct {
		int sock;
		struct verdict v;
	} verdicts[64];
	struct {
		int sock;
		struct minisocket m;
	} minis[64];
};

/* Reads one file; calls each(ctx, scene) for every scene in it. 0, or -1 after saying file:line on stderr. */
int scene_parse(const char *file, void (*each)(void *ctx, struct scene *scene), void *ctx);
/* "1.5ms" -> ns. False when it is no time. */
bool scene_time(const char *text, uint64_t *ret);
bool scene_endpoint(const char *text, uint8_t *family, struct endpoint *ret);
/* What is not in `covered` is not fed. */
void scene_run(const struct scene *s, enum regime regime, uint32_t covered, struct outcome *out,
	       FILE *complain);
/* lean.c: is it left out (and not covered by anything but its neighbour); what the neighbour then carries. */
bool lean_leaves_out(const struct scene *s, size_t step);
void lean_fold(const struct scene *s, size_t step, struct obs *obs);
/* Is it a field of that kind of expectation, and is the value one that it could have? NULL, or what is wrong. */
const char *scene_field_wrong(enum expect_kind kind, const char *name, const char *value);
/* What was counted is compared in REGIME_POLL only: it depends on how often things were fed. */
void scene_check(const struct scene *s, enum regime regime, const struct outcome *out,
		 FILE *complain);
/* What is true of every verdict, whatever the scene. */
void scene_check_always(const struct scene *s, const struct outcome *out, FILE *complain);
/* The nth expectation of that kind for that socket, NULL when there are fewer. */
const struct expect *scene_expect(const struct scene *s, enum expect_kind kind, int sock,
				  size_t nth);
/* The value that is expected of a field, NULL when none is. */
const char *scene_expected(const struct expect *e, const char *field);
/*
 * Every set of vantages taken away: a verdict may then be unknown, but neither
 * missing, nor another cause, nor somebody else's.
 */
void scene_run_blind(const struct scene *s, FILE *complain);

#endif
