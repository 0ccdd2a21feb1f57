/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* opts: the command line as one table of rows; help, and the tests of limits, walk the same rows. */
#ifndef TCPCLOSE_OPTS_H
#define TCPCLOSE_OPTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/verdict.h"
#include "load/session.h"

enum command {
	CMD_NONE = 0,
	CMD_TRACE = 1 << 0,
	CMD_DEMO = 1 << 1,
	CMD_DOCTOR = 1 << 2,
	CMD_RECORD = 1 << 3,
	CMD_REPLAY = 1 << 4,
	CMD_TIME_WAIT = 1 << 5,
	CMD_STUCK = 1 << 6,
	CMD_SELFTEST = 1 << 7,
	CMD_EXPLAIN = 1 << 8,
	CMD_SCHEMA = 1 << 9,
	CMD_END = 1 << 10,
};

#define OPTS_MAX_ENDINGS 128
#define OPTS_MAX_WANTS 512

struct config {
	struct filter filter;
	char comm[16];	   /* "" = any */
	uint64_t causes;   /* bits 1 << CAUSE_...; 0 = all */
	uint32_t hows;	   /* bits 1 << HOW_...; 0 = all */
	bool audit; /* trace */
	bool events, json, wide, timestamp, quiet, verbose, help, version;
	const char *output; /* NULL = standard output; record: the tape */
	const char *tape;   /* NULL = none */
	uint64_t count;	    /* 0 = no end; demo: how often each ending runs, 0 = once */
	uint64_t duration_ns;
	enum way way;
	uint32_t ring_kib, max_flows; /* 0 = default */
	/* time-wait, stuck */
	bool once, older_set;
	bool live; /* drawn in place, again and again: not said, but found out */
	uint64_t older_ns;
	/* demo */
	const char *closer;	  /* "server", "client", NULL = the ending's own choice */
	uint64_t delay_ns;
	bool delay_set, follow, ladder;
	/* selftest */
	bool tap;
	uint64_t jobs; /* 0 = default */
	/* what stands behind the options */
	char *words[OPTS_MAX_ENDINGS];
	int n_words;
	char **run; /* behind --, NULL-terminated; NULL = no -- */
	/* the options among them that say which verdicts are wanted: what a replay must know */
	struct opts_want {
		const char *name, *value;
	} wants[OPTS_MAX_WANTS];
	int n_wants;
};

/* "stuck"; and back, CMD_NONE for what is called otherwise. */
const char *opts_command(enum command command);
enum command opts_command_called(const char *name);
/*
 * Parses argv[1..] for one command. 0, or -EINVAL after one sentence on standard
 * error (exit 2). The strings of *ret belong to argv.
 */
int opts_parse(enum command command, int argc, char **argv, struct config *ret);
/* True if a filter asks for an owner or a kind of end. An RST that no connection sent has neither, and is left out then. */
bool opts_ask_for_owners(const struct config *config);
/* The options of one command, a line or two each. */
void opts_help(enum command command, FILE *out);
/* One that stood in wants, given again ("port=443"). 0, or -EINVAL for what never did. */
int opts_want_again(const char *word, struct config *config);
/* Whether a verdict passes what the command line asks for: exact, where the kernel's filter is generous. */
bool opts_want(const struct config *config, const struct verdict *verdict);
/* The same for a mini-socket that is older than the trace: nobody knows whose it was, and why. */
bool opts_want_older(const struct config *config, const struct minisocket *mini);
/* The same for what the kernel filters exactly where there is one: of a tape, all goes through here. */
bool opts_want_replayed(const struct config *config, const struct verdict *verdict);
bool opts_want_tuple(const struct config *config, const struct tuple *tuple);
/* The same for what has no verdict (yet). */
bool opts_want_owner(const struct config *config, const struct tuple *tuple, const struct owner *owner);
bool opts_want_netns(const struct config *config, uint32_t netns);

#endif
