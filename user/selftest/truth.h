/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* truth: what was seen of one ending, in one place; and whether all of it agrees. Pure. */
#ifndef TCPCLOSE_SELFTEST_TRUTH_H
#define TCPCLOSE_SELFTEST_TRUTH_H

#include "core/record.h"
#include "demo/keep.h"
#include "endings.h"

/*
 * What it must be, where the sensors cover these vantages: ending, closer, expected
 * causes, the end of the mini-socket. The rest of *ret is zero.
 */
int truth_begin(const struct ending *ending, enum side closer, uint32_t covered, struct trial *ret);
/* What both sockets, both programs and the wire showed. */
void truth_observe(struct trial *trial, const struct keep *keep);
/* The counters of a namespace in which nothing else ever happened. */
void truth_count(struct trial *trial, const struct audit *audit, uint32_t netns,
		 const struct mibs *delta, uint32_t covered);
/* One more thing that is wrong; what there is no room for is left out. */
__attribute__((format(printf, 2, 3))) void truth_object(struct trial *trial, const char *format, ...);
/*
 * Where the story is not what it must be: skipped when all that differs is unknown,
 * and the sensors were blind to something there; else it objects, for that reason.
 */
void truth_differs(struct trial *trial, const struct keep *keep, const char *why);
/* What is known to be beyond this kernel: skipped for that reason, unless something else is wrong. */
void truth_unsaid(struct trial *trial, const char *why);
/*
 * Counters, wire and programs against the verdicts: objects to what does not agree.
 * scripted: the side that is no socket, SIDE_MAX = neither; no kernel counts what it sends.
 */
void truth_agree(struct trial *trial, const struct keep *keep, enum side scripted);

/*
 * Did something happen that no sensor was run for: the kernel counted more than was
 * observed, a verdict knows that it missed something, or one is not there at all?
 */
bool truth_unseen(const struct trial *trial, const struct keep *keep);

#endif
