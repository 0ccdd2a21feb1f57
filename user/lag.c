/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "lag.h"

static bool is_overdue(struct lag *lag, unsigned long position, uint64_t now_ns)
{
	if (!lag->held || lag->at != position) {
		lag->held = true;
		lag->at = position;
		lag->since_ns = now_ns;
	}
	return now_ns >= lag->since_ns + SESSION_PATIENCE_NS;
}

uint64_t lag_time(struct lag *lag, enum session_left left, unsigned long position,
		  uint64_t observed_ns, uint64_t now_ns)
{
	lag->overdue = false;
	if (left == SESSION_UNFINISHED)
		lag->overdue = is_overdue(lag, position, now_ns);
	else
		lag->held = false;
	return left == SESSION_ALL_READ || lag->overdue ? now_ns : observed_ns;
}

void lag_skip(struct lag *lag, unsigned long position, uint64_t unread)
{
	if (position != lag->late_at) {
		lag->late_at = position;
		lag->late_here = 0;
	}
	/* who was skipped once is so once, and more may have come behind it since */
	if (unread > lag->late_here) {
		lag->late += unread - lag->late_here;
		lag->late_here = unread;
	}
}
