/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "load/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define B(vantage) (UINT32_C(1) << VANTAGE_##vantage)

static const struct hook_row hooks[HOOK_MAX] = {
#define HOOK(id, slug, vantages, required, without) [HOOK_##id] = { slug, without, vantages, required },
#include "hooks.def"
};

static const struct cell cells[] = {
#define CELL(hook, way, program, target, fact)                                                     \
	{ HOOK_##hook, WAY_##way, #program, #target, FACT_##fact, 0 },
#define UNDERSTUDY(hook, way, program, target, fact)                                               \
	{ HOOK_##hook, WAY_##way, #program, #target, FACT_##fact,                                  \
	  FACT_##fact == FACT_ALWAYS ? 1 : 2 },
#include "hooks.def"
};
#define N_CELLS (sizeof(cells) / sizeof(cells[0]))

static const struct {
	enum hook hook;
	enum way way;
	enum fact fact;
	uint32_t vantages;
} shorts[] = {
#define SHORT(hook, way, fact, vantages) { HOOK_##hook, WAY_##way, FACT_##fact, vantages },
#include "hooks.def"
};

static const char *const way_slugs[WAY_MAX] = {
	[WAY_AUTO] = "auto", [WAY_TP_BTF] = "tp_btf", [WAY_FENTRY] = "fentry",
	[WAY_KPROBE] = "kprobe", [WAY_CGROUP] = "cgroup",
};

_Static_assert(N_CELLS <= CELLS_MAX, "examine.h has room for them all");

const struct hook_row *hook_row(enum hook hook)
{
	return &hooks[hook];
}

const char *way_slug(enum way way)
{
	return way_slugs[way];
}

int way_by_slug(const char *slug, enum way *ret)
{
	for (int i = 0; i <= WAY_KPROBE; i++) {
		if (!strcmp(way_slugs[i], slug)) {
			*ret = (enum way)i;
			return 0;
		}
	}
	return -ENOENT;
}

const struct cell *plan_cells(size_t *n)
{
	*n = N_CELLS;
	return cells;
}

/* What that hook does not show that way on this kernel. */
static uint32_t short_of(const struct facts *facts, enum hook hook, enum way way)
{
	uint32_t vantages = 0;

	for (size_t i = 0; i < sizeof(shorts) / sizeof(shorts[0]); i++)
		if (shorts[i].hook == hook && shorts[i].way == way && !facts_hold(facts, shorts[i].fact))
			vantages |= shorts[i].vantages;
	return vantages;
}

/*
 * A way serves a hook when at least one of its cells can be used, and every one
 * whose fact holds: half of a pair (IPv4 without IPv6) would be a silent hole.
 */
static bool serves(const struct facts *facts, const struct ways *ways, enum hook hook, enum way way,
		   plan_has_fn has, const void *ctx)
{
	bool any = false;

	if (!ways->usable[way])
		return false;
	for (size_t i = 0; i < N_CELLS; i++) {
		const struct cell *c = &cells[i];

		if (c->hook != hook || c->way != way || c->understudy || !facts_hold(facts, c->fact))
			continue;
		if (!has(ctx, c))
			return false;
		any = true;
	}
	return any;
}

static enum way choose(const struct facts *facts, const struct ways *ways, enum way forced,
		       enum hook hook, plan_has_fn has, const void *ctx)
{
	enum way second = WAY_AUTO;

	for (size_t i = 0; i < N_CELLS; i++) {
		enum way way = cells[i].way;

		if (cells[i].hook != hook || (forced != WAY_AUTO && way != forced && way != WAY_CGROUP))
			continue;
		if (!serves(facts, ways, hook, way, has, ctx))
			continue;
		if (!short_of(facts, hook, way))
			return way;
		if (second == WAY_AUTO)
			second = way;
	}
	return second;
}

int plan_make(const struct facts *facts, const struct ways *ways, enum way forced, plan_has_fn has,
	      const void *ctx, struct plan *ret)
{
	struct plan plan = { 0 };
	int r = 0;

	for (int hook = 0; hook < HOOK_MAX; hook++) {
		enum way way = choose(facts, ways, forced, (enum hook)hook, has, ctx);

		plan.chosen[hook] = way;
		if (way != WAY_AUTO)
			plan.covered |= hooks[hook].vantages & ~short_of(facts, (enum hook)hook, way);
		else if (hooks[hook].required)
			r = -ENOENT;
	}
	*ret = plan;
	return r;
}

bool plan_takes(const struct plan *plan, const struct facts *facts, const struct cell *cell,
		plan_has_fn has, const void *ctx)
{
	return plan->chosen[cell->hook] == cell->way && facts_hold(facts, cell->fact) &&
	       has(ctx, cell);
}

const char *plan_why_not(const struct facts *facts, const struct ways *ways, enum hook hook,
			 enum way way, plan_has_fn has, const void *ctx)
{
	static _Thread_local char why[160];
	const char *lacking = NULL;
	bool any = false;

	for (size_t i = 0; i < N_CELLS; i++) {
		const struct cell *c = &cells[i];

		if (c->hook != hook || c->way != way || c->understudy)
			continue;
		if (!ways->usable[way])
			return ways->why[way];
		if (!facts_hold(facts, c->fact)) {
			lacking = fact_row(c->fact)->slug;
			continue;
		}
		if (!has(ctx, c)) {
			snprintf(why, sizeof(why), "this kernel has no %s", c->target);
			return why;
		}
		any = true;
	}
	if (any)
		return "not needed";
	if (!lacking)
		return "that way does not exist for it";
	snprintf(why, sizeof(why), "%s does not hold here", lacking);
	return why;
}
