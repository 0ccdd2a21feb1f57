/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The words for what verdict.h numbers. */
#include "core/verdict.h"

#include "core/record.h"

#include <errno.h>
#include <string.h>

static const struct cause_row causes[CAUSE_MAX] = {
#define CAUSE(id, slug, how, title, hint) [CAUSE_##id] = { slug, title, hint, how },
#include "core/cause.def"
};

static const char *const hows[HOW_MAX] = {
	[HOW_FIN] = "fin", [HOW_RST] = "rst", [HOW_TIMEOUT] = "timeout", [HOW_SILENT] = "silent",
};

static const char *const closers[CLOSER_MAX] = {
	[CLOSER_NONE] = "none", [CLOSER_LOCAL] = "local", [CLOSER_PEER] = "peer", [CLOSER_BOTH] = "both",
};

static const char *const sources[OWNER_SOURCE_MAX] = {
	[OWNER_CONNECT] = "connect", [OWNER_ACCEPT] = "accept",
	[OWNER_CLOSE] = "close", [OWNER_HOLDS] = "holds",
	[OWNER_LISTENER] = "listener", [OWNER_DESTROY] = "destroy",
};

static const char *const mini_callers[MINI_BY_MAX] = {
#define X(id, slug) [MINI_BY_##id] = slug,
	MINI_CALLERS(X)
#undef X
};

static const char *const mini_ends[MINI_END_MAX] = {
	[MINI_EXPIRED] = "expired",
	[MINI_REUSED] = "reused",
	[MINI_NEW_SYN] = "new-syn",
	[MINI_RESET] = "reset",
	[MINI_DATA] = "data",
	[MINI_DESTROYED] = "destroyed",
	[MINI_NAMESPACE_GONE] = "namespace-gone",
	[MINI_NEVER_CREATED] = "never-created",
	[MINI_UNSEEN] = "unseen",
};

static const char *const states[] = {
#define X(name, number) [number] = #name,
	TCP_STATES(X)
#undef X
};

const char *state_name(uint8_t state)
{
	if (state >= sizeof(states) / sizeof(states[0]) || !states[state])
		return "?";
	return states[state];
}

const struct cause_row *cause_row(enum cause cause)
{
	return &causes[cause];
}

int cause_by_slug(const char *slug, enum cause *ret)
{
	for (int i = 0; i < CAUSE_MAX; i++) {
		if (!strcmp(causes[i].slug, slug)) {
			*ret = (enum cause)i;
			return 0;
		}
	}
	return -ENOENT;
}

const char *how_slug(enum how how)
{
	return hows[how];
}

const char *verdict_title(const struct verdict *v)
{
	static const enum evidence reasons[] = { EV_TRACE_ENDED, EV_EVICTED, EV_GAP };

	for (size_t i = 0; v->cause == CAUSE_UNKNOWN && i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (v->evidence & EV_BIT(reasons[i]))
			return evidence_row(reasons[i])->words;
	return cause_row(v->cause)->title;
}

int how_by_slug(const char *slug, enum how *ret)
{
	for (int i = 0; i < HOW_MAX; i++) {
		if (!strcmp(hows[i], slug)) {
			*ret = (enum how)i;
			return 0;
		}
	}
	return -ENOENT;
}

const char *closer_slug(enum closer closer)
{
	return closers[closer];
}

const char *owner_source_slug(enum owner_source source)
{
	return sources[source];
}

const char *mini_caller_slug(enum mini_caller caller)
{
	return caller < MINI_BY_MAX ? mini_callers[caller] : NULL;
}

const char *request_caller_slug(enum request_caller caller)
{
	static const char *const slugs[REQUEST_BY_MAX] = {
#define X(id, slug) [REQUEST_BY_##id] = slug,
		REQUEST_CALLERS(X)
#undef X
	};

	return caller < REQUEST_BY_MAX ? slugs[caller] : NULL;
}

const char *mini_end_slug(enum mini_end end)
{
	return mini_ends[end];
}

const char *trial_outcome_slug(enum trial_outcome outcome)
{
	static const char *const slugs[TRIAL_OUTCOME_MAX] = { "passed", "failed", "skipped" };

	return slugs[outcome];
}

const char *reset_by_slug(enum reset_by by)
{
	static const char *const slugs[RESET_BY_MAX] = { "no-socket", "listener", "request", "minisocket" };

	return slugs[by];
}
