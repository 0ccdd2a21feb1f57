/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "losses.h"

bool losses_look(struct losses *l, const struct session *session)
{
	uint64_t before = l->lost + l->missed;

	if (session_losses(session, &l->now))
		return false;
	l->lost = l->missed = l->rescued = 0;
	for (int hook = 0; hook < HOOK_MAX; hook++) {
		l->lost += l->now.lost[hook];
		l->missed += l->now.missed[hook];
		l->rescued += l->now.rescued[hook];
	}
	return l->lost + l->missed > before;
}

bool losses_next(struct losses *l, struct loss *ret)
{
	for (int hook = 0; hook < HOOK_MAX; hook++) {
		uint64_t count = l->now.lost[hook] + l->now.missed[hook];

		if (count == l->said[hook])
			continue;
		l->said[hook] = count;
		*ret = (struct loss){ .where = hook_row((enum hook)hook)->slug, .count = count };
		return true;
	}
	return false;
}
