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

const struct verdict *check_verdict(const struct keep *keep, const struct ending *ending, enum side closer,
				    enum side side)
{
	enum cause cause;

	return keep_verdict_of(keep, (int)side,
			       check_cause(ending, closer, side, &cause) ? CAUSE_UNKNOWN : cause);
}

static bool is_cause(const struct verdict *v, const char *slug, enum side side, char why[CHECK_WHY])
{
	const char *got = cause_row(v->cause)->slug;

	if (!strcmp(got, slug))
		return true;
	snprintf(why, CHECK_WHY, "the %s's verdict is %s, not %s", side_slug(side), got, slug);
	return false;
}

/* One is what the ending is about; of one that is lived through twice all are. */
static bool check_causes(const struct keep *keep, const struct ending *ending, enum side closer,
			 enum side side, char why[CHECK_WHY])
{
	const char *slug = ending_cause(ending, closer, side);
	const struct verdict *v = check_verdict(keep, ending, closer, side);

	if (!v)
		return true;
	if (!is_cause(v, slug, side, why))
		return false;
	for (size_t n = 0; ending->traits & TRAIT_TWICE && (v = keep_verdict(keep, side, n)); n++)
		if (!is_cause(v, slug, side, why))
			return false;
	return true;
}

static bool check_side(const struct keep *keep, const struct ending *ending, enum side closer,
		       enum side side, char why[CHECK_WHY])
{
	const struct verdict *v = check_verdict(keep, ending, closer, side);
	size_t wanted = ending_verdicts(ending, closer, side);

	if (keep->verdicts[side] != wanted) {
		snprintf(why, CHECK_WHY, "the %s got %zu verdicts, not %zu", side_slug(side),
			 keep->verdicts[side], wanted);
		return false;
	}
	if (!check_causes(keep, ending, closer, side, why))
		return false;
	if (v && side == closer && !has_evidence(v, ending->proof)) {
		snprintf(why, CHECK_WHY, "the %s's verdict has no evidence %s", side_slug(side),
			 ending->proof);
		return false;
	}
	return true;
}

static bool is_pair(const struct verdict *a, const struct verdict *b)
{
	return a->pair == b->conn && b->pair == a->conn;
}

static bool check_pairs(const struct keep *keep, const struct ending *ending, enum side closer,
			char why[CHECK_WHY])
{
	const struct verdict *server = check_verdict(keep, ending, closer, SIDE_SERVER);
	const struct verdict *client = check_verdict(keep, ending, closer, SIDE_CLIENT);
	bool good = !server || !client || is_pair(server, client);

	for (size_t n = 1; good && ending->traits & TRAIT_TWICE && n < keep->verdicts[SIDE_SERVER]; n++)
		good = is_pair(keep_verdict(keep, SIDE_SERVER, n), keep_verdict(keep, SIDE_CLIENT, n));
	if (!good)
		snprintf(why, CHECK_WHY, "the two verdicts are not joined as a pair");
	return good;
}

static bool check_mini(const struct keep *keep, const struct ending *ending, enum side closer,
		       char why[CHECK_WHY])
{
	const char *slug = ending_mini(ending, closer);
	const struct minisocket *mini = keep_mini(keep, closer);

	if (!*slug || (mini && !strcmp(mini_end_slug(mini->end), slug)))
		return true;
	if (mini)
		snprintf(why, CHECK_WHY, "the %s's mini-socket ended as %s, not %s", side_slug(closer),
			 mini_end_slug(mini->end), slug);
	else
		snprintf(why, CHECK_WHY, "the %s's mini-socket did not end, and must be %s",
			 side_slug(closer), slug);
	return false;
}

bool check_awaits_mini(const struct keep *keep, const struct ending *ending, enum side closer)
{
	return *ending_mini(ending, closer) && !keep_mini(keep, closer);
}

bool check_tells_minis(uint32_t covered)
{
	const uint32_t needed = UINT32_C(1) << VANTAGE_MINI_BORN | UINT32_C(1) << VANTAGE_MINI_EXPIRED |
				UINT32_C(1) << VANTAGE_MINI_CALLER;

	return (covered & needed) == needed;
}

bool check_story(const struct keep *keep, const struct ending *ending, enum side closer, uint32_t covered,
		 char why[CHECK_WHY])
{
	return check_side(keep, ending, closer, SIDE_SERVER, why) &&
	       check_side(keep, ending, closer, SIDE_CLIENT, why) &&
	       check_pairs(keep, ending, closer, why) &&
	       (!check_tells_minis(covered) || check_mini(keep, ending, closer, why));
}
