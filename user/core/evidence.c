/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "core/evidence.h"

static const struct evidence_row rows[EV_MAX] = {
#define EVIDENCE(id, slug, vantage, words) [EV_##id] = { slug, words, VANTAGE_##vantage },
#include "core/evidence.def"
#undef EVIDENCE
};

static const struct {
	const char *slug, *words;
} vantages[VANTAGE_MAX] = {
#define X(id, slug, words) [VANTAGE_##id] = { slug, words },
	VANTAGES(X)
#undef X
};

const struct evidence_row *evidence_row(enum evidence ev)
{
	return &rows[ev];
}

evidence_set evidence_blind(uint32_t covered)
{
	evidence_set blind = 0;

	for (int ev = 0; ev < EV_MAX; ev++)
		if (!(covered & UINT32_C(1) << rows[ev].vantage))
			blind |= EV_BIT(ev);
	return blind;
}

const char *vantage_slug(enum vantage v)
{
	return vantages[v].slug;
}

const char *vantage_words(enum vantage v)
{
	return vantages[v].words;
}
