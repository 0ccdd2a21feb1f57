/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* report: what an echo program writes on its report pipe -> struct app. A stranger's bytes. */
#ifndef TCPCLOSE_DEMO_REPORT_H
#define TCPCLOSE_DEMO_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "core/record.h"

/* A longer line is passed over. */
#define REPORT_LINE_MAX 4096

/*
 * One line, without its end. Unknown keys are ignored, long strings cut; conn
 * becomes 0. -EBADMSG when it is no such report; then *ret is untouched.
 */
int report_parse(const char *line, size_t n, struct app *ret);

/* Cuts lines out of what a pipe gives. All zero to begin with. */
struct report_reader {
	char line[REPORT_LINE_MAX];
	size_t n;
	bool overlong;	  /* until the next end of line nothing counts */
	uint64_t refused; /* lines that were no reports */
};
/* Calls take(ctx, app) for every report that is complete; the first nonzero answer ends it. */
int report_feed(struct report_reader *reader, const char *bytes, size_t n,
		int (*take)(void *ctx, const struct app *app), void *ctx);

#endif
