/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* stage: a network namespace of its own, in which one ending is lived through. */
#ifndef TCPCLOSE_SELFTEST_STAGE_H
#define TCPCLOSE_SELFTEST_STAGE_H

#include "core/record.h"
#include "demo/play.h"
#include "place.h"

enum ip { IP_V4, IP_V6, IP_MAPPED, IP_MAX };
const char *ip_slug(enum ip ip); /* "ipv4" "ipv6" "mapped" */

/* What is to be tried. */
struct part {
	const struct ending *ending;
	enum side closer;
	enum ip ip;
};

struct stage {
	struct run *run;     /* set by the caller, as are the two below */
	struct audit *audit;
	uint16_t port;
	/* --- */
	bool busy;
	struct part part;
	struct trial trial;
	struct place netns;
	struct play play;
	struct capture *capture;
	struct mibs before;
	uint64_t began_ns;
	int tries;
	bool lost; /* records were lost while it was under way */
	bool counted; /* the counters were read, with this result: their namespace was let go */
	int count_result;
};

/* Starts it; negative errno, logged. */
int stage_begin(struct stage *stage, const struct part *part);
/* A record of the run: taken if it is of this stage. */
int stage_take(struct stage *stage, const struct record *record);
/*
 * Asked after every turn of the loop: false while it is under way. True once it
 * is over: then stage->trial is complete and the stage free again.
 */
bool stage_over(struct stage *stage);
/* Whatever is still under way there ends now. */
void stage_free(struct stage *stage);

#endif
