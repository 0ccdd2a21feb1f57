/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "demo/check.h"

#include <stdio.h>
#include <string.h>

bool check_has_verdict(const struct ending *ending, enum side closer, enum side side)
{
	return *ending_cause(ending, closer, side);
}

int check_cause(const struct ending *ending, enum side closer, enum side side, enum cause *ret)
{
	const char *slug = ending_cause(ending, closer, side);

	if (!*slug) {
		*ret = CAUSE_UNKNOWN;
		return 0;
	}
	return cause_by_slug(slug, ret);
}

static bool has_evidence(const struct verdict *v, const char *slug)
{
	if (!*slug)
		return true;
	for (enum evidence ev = 0; ev < EV_MAX; ev++)
		if (v->evidence & EV_BIT(ev) && !strcmp(evidence_row(ev)->slug, slug))
			return true;
	return false;
}

static bool check_side(const struct keep *keep, const struct ending *ending, enum side closer,
		       enum side side, char why[CHECK_WHY])
{
	const struct verdict *v = keep_verdict(keep, side, 0);
	const char *slug = ending_cause(ending, closer, side), *got;

	size_t wanted = ending_verdicts(ending, closer, side);

	if (keep->verdicts[side] != wanted) {
		snprintf(why, CHECK_WHY, "the %s got %zu verdicts, not %zu", side_slug(side),
			 keep->verdicts[side], wanted);
		return false;
	}
	if (!v)
		return true;
	got = cause_row(v->cause)->slug;
	if (strcmp(got, slug)) {
		snprintf(why, CHECK_WHY, "the %s's verdict is %s, not %s", side_slug(side), got,
			 slug);
		return false;
	}
	if (side == closer && !has_evidence(v, ending->proof)) {
		snprintf(why, CHECK_WHY, "the %s's verdict has no evidence %s", side_slug(side),
			 ending->proof);
		return false;
	}
	return true;
}

bool check_story(const struct keep *keep, const struct ending *ending, enum side closer,
		 char why[CHECK_WHY])
{
	const struct verdict *server = keep_verdict(keep, SIDE_SERVER, 0);
	const struct verdict *client = keep_verdict(keep, SIDE_CLIENT, 0);

	if (!check_side(keep, ending, closer, SIDE_SERVER, why) ||
	    !check_side(keep, ending, closer, SIDE_CLIENT, why))
		return false;
	if (server && client && (server->pair != client->conn || client->pair != server->conn)) {
		snprintf(why, CHECK_WHY, "the two verdicts are not joined as a pair");
		return false;
	}
	return true;
}
