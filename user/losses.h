/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* losses: what the sensors did not get through, and whether that has been said. */
#ifndef TCPCLOSE_LOSSES_H
#define TCPCLOSE_LOSSES_H

#include "core/record.h"
#include "load/session.h"

struct losses {
	struct session_losses now;
	uint64_t said[HOOK_MAX]; /* per hook, by a record */
	uint64_t lost, missed, rescued; /* sums of now */
};

/* Asks anew. True when more was lost or missed than ever before. */
bool losses_look(struct losses *losses, const struct session *session);
/* A record for every hook whose count has moved since it was last said; false when all are said. */
bool losses_next(struct losses *losses, struct loss *ret);

#endif
