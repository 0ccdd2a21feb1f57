/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "losses.h"

#include <string.h>

static bool is_nothing(const struct losses_of *of)
{
	return !of->lost && !of->missed && !of->rescued;
}

static struct losses_of *losses_at(struct losses *l, const char *where, bool add)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->of[i].where, where))
			return &l->of[i];
	if (!add || l->n == LOSSES_MAX)
		return NULL;
	l->of[l->n] = (struct losses_of){0};
	strcpy(l->of[l->n].where, where);
	return &l->of[l->n++];
}

/* What hooks count is what a tape says, too: that may be anything. */
static uint64_t sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t more(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* What was once missed stays so: what was judged since was judged without it. */
bool losses_set(struct losses *l, const struct losses_of *of)
{
	struct losses_of *own = losses_at(l, of->where, !is_nothing(of));

	if (!own || (own->lost >= of->lost && own->missed >= of->missed &&
		     own->rescued == of->rescued))
		return false;
	own->lost = more(own->lost, of->lost);
	own->missed = more(own->missed, of->missed);
	own->rescued = of->rescued;
	return true;
}

bool losses_sum(struct losses *l)
{
	bool is_more = false;

	l->lost = l->missed = l->rescued = 0;
	for (size_t i = 0; i < l->n; i++) {
		struct losses_of *of = &l->of[i];

		is_more |= of->lost != of->known_lost || of->missed != of->known_missed;
		of->known_lost = of->lost;
		of->known_missed = of->missed;
		l->lost = sum(l->lost, of->lost);
		l->missed = sum(l->missed, of->missed);
		l->rescued = sum(l->rescued, of->rescued);
	}
	return is_more;
}

bool losses_next(struct losses *l, struct loss *ret)
{
	for (size_t i = 0; i < l->n; i++) {
		struct losses_of *of = &l->of[i];

		if (sum(of->lost, of->missed) == of->said)
			continue;
		of->said = sum(of->lost, of->missed);
		*ret = (struct loss){.where = of->where, .count = of->said};
		return true;
	}
	return false;
}
