/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * overflow: handshakes that a full accept queue ends with an RST. There was never
 * a socket, only a request: one observation is all of its life that is seen.
 */
#include <string.h>

#include "core/flow_priv.h"

/*
 * What the kernel calls it, misleadingly. An RST for another bad segment at that
 * moment ends nothing; where no reason is given they look alike, and nothing is said.
 */
static bool ends_handshake(const struct obs *obs)
{
	return obs->rst_reason && !strcmp(obs->rst_reason, "INVALID_SYN");
}

static bool is_told_already(struct flow_table *t, const struct obs *obs)
{
	struct index_link *link = index_first(&t->by_tuple, tuple_hash(&obs->tuple));

	for (; link; link = index_next(&t->by_tuple, link)) {
		const struct flow *f = container_of(link, struct flow, by_tuple);

		if (f->v.evidence & EV(QUEUE_FULL) && f->v.netns == obs->sock.netns_ino &&
		    tuple_equal(&f->v.tuple, &obs->tuple))
			return true;
	}
	return false;
}

uint64_t overflow_take(struct flow_table *t, const struct obs *obs)
{
	struct flow *f;

	if (!ends_handshake(obs) || !obs->tuple.family) {
		t->counts.strays++;
		return 0;
	}
	if (obs->understudy && is_told_already(t, obs)) {
		t->counts.duplicates++;
		return 0;
	}
	f = flow_new(t, obs, EV(ACCEPTED));
	if (!f)
		return 0;
	fold_path(f, ST_SYN_RECV, obs->mono_ns);
	fold_path(f, ST_CLOSE, obs->mono_ns);
	f->state = ST_CLOSE;
	f->v.mono_ns = obs->mono_ns;
	f->v.evidence |= EV(IN_SYN_RECV) | EV(QUEUE_FULL) | EV(RST_REPLY);
	f->v.rst_sent = 1;
	f->v.rst_reason = obs->rst_reason;
	flow_ended(t, f, obs->mono_ns);
	return f->v.conn;
}
