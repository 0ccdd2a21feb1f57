/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* losses: what the sensors did not get through, and whether that has been said. */
#ifndef TCPCLOSE_LOSSES_H
#define TCPCLOSE_LOSSES_H

#include <stdbool.h>

#include "core/record.h"

#define LOSSES_MAX 32
#define LOSS_WHERE 32

/* Of one hook, since the run began. */
struct losses_of {
	char where[LOSS_WHERE]; /* its slug */
	uint64_t lost, missed, rescued;
	uint64_t said;                     /* by a record */
	uint64_t known_lost, known_missed; /* when they were summed up last */
};

struct losses {
	size_t n;
	struct losses_of of[LOSSES_MAX];
	uint64_t lost, missed, rescued; /* sums */
};

/*
 * What was counted at one hook; what is lost or missed stays so. False when that is
 * nothing new, or one hook too many: it is left out.
 */
bool losses_set(struct losses *losses, const struct losses_of *of);
/* All hooks were looked at: true when more was lost or missed at one of them than ever before. */
bool losses_sum(struct losses *losses);
/* A record for every hook whose count has moved since it was last said; false when all are said. */
bool losses_next(struct losses *losses, struct loss *ret);

#endif
