/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "sink/ledger.h"

#include "base/units.h"

static void put_some(struct buf *out, bool *any, uint64_t bytes, const char *before,
		     const char *after)
{
	char count[UNITS_STRLEN];

	if (!bytes)
		return;
	buf_puts(out, *any ? ", " : "");
	buf_puts(out, before);
	buf_puts(out, units_bytes(bytes, count));
	buf_puts(out, after);
	*any = true;
}

void ledger_lost(struct buf *out, const struct verdict *v)
{
	bool any = false;

	put_some(out, &any, v->unread_bytes, "", " received and never read");
	put_some(out, &any, v->unsent_bytes, "", " never left this host");
	put_some(out, &any, v->unacked_bytes, "", " sent and never acknowledged");
	put_some(out, &any, v->peer_left_known ? v->peer_left_bytes : 0,
		 "the peer's program had still to read ", " of what it had been sent");
}

void ledger_linger(struct buf *out, const struct verdict *v)
{
	char time[UNITS_STRLEN];
	bool expired = v->evidence & EV(LINGER_EXPIRED);

	if (!v->linger_wait_ns)
		return;
	/* a signal may have ended it sooner */
	buf_puts(out, expired ? "close() waited up to " : "close() waited ");
	buf_puts(out, units_duration(v->linger_wait_ns, time));
	buf_puts(out, " for SO_LINGER");
	if (!expired && v->unacked_bytes + v->unsent_bytes == 0 && v->how == HOW_FIN)
		buf_puts(out, ": all of it was acknowledged");
	else if (!expired)
		buf_puts(out, ", until the connection broke");
	else if (v->unacked_bytes + v->unsent_bytes)
		buf_puts(out, " in vain; the kernel went on, and what was left is lost");
	else if (v->how == HOW_FIN)
		buf_puts(out, " in vain; the kernel went on, and all of it arrived later");
	else
		buf_puts(out, " in vain; the kernel went on by itself");
}
