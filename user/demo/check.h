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
/* Is every verdict that belongs there, alone, right and proven? Else why says what is not. */
bool check_story(const struct keep *keep, const struct ending *ending, enum side closer,
		 char why[CHECK_WHY]);

#endif
