/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* check: did an ending earn what its row in endings.def demands? */
#ifndef TCPCLOSE_DEMO_CHECK_H
#define TCPCLOSE_DEMO_CHECK_H

#include <stdbool.h>

#include "core/record.h"
#include "demo/keep.h"
#include "endings.h"

#define CHECK_WHY 192

/* Does that side of the ending have a connection, so that it gets a verdict? */
bool check_has_verdict(const struct ending *ending, enum side closer, enum side side);
/* What story.expect says: a cause; CAUSE_UNKNOWN where no verdict belongs. -ENOENT: no such slug. */
int check_cause(const struct ending *ending, enum side closer, enum side side, enum cause *ret);
/* Of that side's verdicts the one that the ending is about; NULL when there is none. */
const struct verdict *check_verdict(const struct keep *keep, const struct ending *ending, enum side closer,
				    enum side side);
/* Can sensors that cover these vantages (bits 1 << VANTAGE_...) tell how every mini-socket ends? */
bool check_tells_minis(uint32_t covered);
/* Must the closer's mini-socket still end before the story is complete? */
bool check_awaits_mini(const struct keep *keep, const struct ending *ending, enum side closer);
/*
 * Is every verdict that belongs there, alone, right and proven, and did the closer's
 * mini-socket end as it must, where its end can be told? Else why says what is not.
 */
bool check_story(const struct keep *keep, const struct ending *ending, enum side closer, uint32_t covered,
		 char why[CHECK_WHY]);

#endif
