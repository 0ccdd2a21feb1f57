/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* lag: how far time has come for verdicts, when what they must know may wait in the ring. */
#ifndef TCPCLOSE_LAG_H
#define TCPCLOSE_LAG_H

#include <stdbool.h>
#include <stdint.h>

#include "load/session.h"

/* All zero: nothing was ever left. */
struct lag {
	bool held, overdue; /* by a record that is unfinished; for longer than can be waited for */
	unsigned long at;   /* where that one is */
	uint64_t since_ns;
	uint64_t late; /* records that verdicts have not waited for */
	uint64_t late_here; /* of these: from late_at on */
	unsigned long late_at;
};

/*
 * The ring was read up to `position`, and that is what was left: the time that verdicts
 * may be given by. It is as far as has been read, by when the last observation was made;
 * and the clock's where nothing was left, or one record is unfinished for longer than
 * SESSION_PATIENCE_NS: that is overdue.
 */
uint64_t lag_time(struct lag *lag, enum session_left left, unsigned long position,
		  uint64_t observed_ns, uint64_t now_ns);
/* Verdicts go on without the `unread` records that wait from `position` on. */
void lag_skip(struct lag *lag, unsigned long position, uint64_t unread);

#endif
