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

bool losses_set(struct losses *l, const struct losses_of *of)
{
	struct losses_of *own = losses_at(l, of->where, !is_nothing(of));

	if (!own || (own->lost == of->lost && own->missed == of->missed &&
		     own->rescued == of->rescued))
		return false;
	own->lost = of->lost;
	own->missed = of->missed;
	own->rescued = of->rescued;
	return true;
}

bool losses_sum(struct losses *l)
{
	uint64_t before = l->known;

	l->lost = l->missed = l->rescued = 0;
	for (size_t i = 0; i < l->n; i++) {
		l->lost += l->of[i].lost;
		l->missed += l->of[i].missed;
		l->rescued += l->of[i].rescued;
	}
	l->known = l->lost + l->missed;
	return l->known > before;
}

bool losses_next(struct losses *l, struct loss *ret)
{
	for (size_t i = 0; i < l->n; i++) {
		struct losses_of *of = &l->of[i];

		if (of->lost + of->missed == of->said)
			continue;
		of->said = of->lost + of->missed;
		*ret = (struct loss){.where = of->where, .count = of->said};
		return true;
	}
	return false;
}
