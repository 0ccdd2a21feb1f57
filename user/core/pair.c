/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* pair: the two ends of one connection, when both are on this host. */
#include "core/flow_priv.h"

/*
 * Mirrored tuples, and lives that touch: a tuple can live twice. Network
 * namespaces may differ (two containers on one host), but loopback does not
 * reach out of its own.
 */
bool pair_fits(const struct flow *a, const struct flow *b)
{
	if (a == b || flow_is_twin(b) || !tuple_mirrors(&a->v.tuple, &b->v.tuple))
		return false;
	if (a->v.netns != b->v.netns && endpoint_is_loopback(a->v.tuple.family, &a->v.tuple.local))
		return false;
	if (a->v.pair || b->v.pair)
		return a->v.pair == b->v.conn && b->v.pair == a->v.conn;
	if (a->stage != FLOW_OPEN && a->v.mono_ns < b->born_ns)
		return false;
	return b->stage == FLOW_OPEN || b->v.mono_ns >= a->born_ns;
}
