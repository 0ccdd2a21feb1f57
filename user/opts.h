/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* opts: the command line as one table of rows; help, and the tests of limits, walk the same rows. */
#ifndef TCPCLOSE_OPTS_H
#define TCPCLOSE_OPTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/verdict.h"
#include "load/session.h"

enum command { CMD_TRACE = 1 << 0, CMD_DEMO = 1 << 1, CMD_DOCTOR = 1 << 2 };

#define OPTS_MAX_ENDINGS 64

struct config {
	struct filter filter;
	char comm[16];	   /* "" = any */
	uint64_t causes;   /* bits 1 << CAUSE_...; 0 = all */
	uint32_t hows;	   /* bits 1 << HOW_...; 0 = all */
	bool events, json, wide, timestamp, quiet, verbose, help, version;
	const char *output; /* NULL = standard output */
	uint64_t count;	    /* 0 = no end; demo: how often each ending runs, 0 = once */
	uint64_t duration_ns;
	enum way way;
	uint32_t ring_kib, max_flows; /* 0 = default */
	/* demo */
	const char *closer;	  /* "server", "client", NULL = the ending's own choice */
	uint64_t delay_ns;
	bool delay_set, follow, ladder;
	/* what stands behind the options */
	char **words;
	int n_words;
	char **run; /* behind --, NULL-terminated; NULL = no -- */
};

/*
 * Parses argv[1..] for one command. 0, or -EINVAL after one sentence on standard
 * error (exit 2). The strings of *ret belong to argv.
 */
int opts_parse(enum command command, int argc, char **argv, struct config *ret);
/* The options of one command, a line or two each. */
void opts_help(enum command command, FILE *out);
/* Whether a verdict passes what the command line asks for: exact, where the kernel's filter is generous. */
bool opts_want(const struct config *config, const struct verdict *verdict);
/* The same for a mini-socket that is older than the trace: nobody knows whose it was, and why. */
bool opts_want_older(const struct config *config, const struct minisocket *mini);

#endif
