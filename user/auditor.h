/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* auditor: --audit. Reads the kernel's counters at both ends of a trace and holds them against it. */
#ifndef TCPCLOSE_AUDITOR_H
#define TCPCLOSE_AUDITOR_H

#include <stdint.h>

#include "core/audit.h"
#include "core/record.h"

struct auditor;

/* netns: the only one to be audited, 0 = all. Negative errno. */
int auditor_new(uint32_t netns, struct auditor **ret);
/* For the run, which tells it all that is observed. */
struct audit *auditor_audit(const struct auditor *auditor);
/* The first reading: everything is attached. Negative errno. */
int auditor_begin(struct auditor *auditor);
/* The last reading: everything is attached still. Negative errno. */
int auditor_end(struct auditor *auditor);
/*
 * All verdicts are given, and both readings made: emits REC_AUDIT for every counter
 * that moved or had to, borrowed for the call, and sums up. covered: bits 1 << VANTAGE_... of
 * the sensors. 0, or the first error of emit().
 */
int auditor_tell(struct auditor *auditor, uint32_t covered,
		 int (*emit)(void *ctx, const struct record *record), void *ctx, struct audit_sum *ret);
void auditor_free(struct auditor *auditor); /* NULL is fine */

#endif
