/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* plan: which program serves which hook. Pure: facts and usable ways in, programs out. */
#ifndef TCPCLOSE_LOAD_PLAN_H
#define TCPCLOSE_LOAD_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/obs.h"
#include "load/facts.h"

enum way { WAY_AUTO, WAY_TP_BTF, WAY_FENTRY, WAY_KPROBE, WAY_CGROUP, WAY_MAX };

enum hook {
#define HOOK(id, slug, vantages, required, without) HOOK_##id,
#include "hooks.def"
	HOOK_MAX,
};

struct hook_row {
	const char *slug;
	const char *without; /* what cannot be said where it is not served */
	uint32_t vantages;   /* bits 1 << VANTAGE_... */
	bool required;
};

struct cell {
	enum hook hook;
	enum way way;
	const char *program, *target;
	enum fact fact;
	int understudy; /* 0: the first program there; 1, 2: the next ones (bpf/sense.bpf.h) */
};

/* Whether a way can be used at all here; why not, in words, when it cannot. */
struct ways {
	bool usable[WAY_MAX];
	char why[WAY_MAX][96];
};

struct plan {
	enum way chosen[HOOK_MAX]; /* WAY_AUTO = not served */
	uint32_t covered;	   /* bits 1 << VANTAGE_... */
};

/* Does the kernel have what a cell sits on? */
typedef bool (*plan_has_fn)(const void *ctx, const struct cell *cell);

const struct hook_row *hook_row(enum hook hook);
const char *way_slug(enum way way); /* "auto" "tp_btf" "fentry" "kprobe" "cgroup" */
int way_by_slug(const char *slug, enum way *ret); /* -ENOENT; auto, tp_btf, fentry, kprobe */
#define CELLS_MAX 64
#define UNDERSTUDIES_MAX 2
/* One array, always the same; at most CELLS_MAX. */
const struct cell *plan_cells(size_t *n);
/*
 * forced: WAY_AUTO, or the only way to be used (cgroup hooks have no other).
 * -ENOENT when a required hook cannot be served; the plan is filled anyway.
 */
int plan_make(const struct facts *facts, const struct ways *ways, enum way forced, plan_has_fn has,
	      const void *ctx, struct plan *ret);
/* Is that cell's program to be switched on? */
bool plan_takes(const struct plan *plan, const struct facts *facts, const struct cell *cell,
		plan_has_fn has, const void *ctx);
/* One clause: why that hook is not served that way ("no such function", "fentry: Operation not permitted"). */
const char *plan_why_not(const struct facts *facts, const struct ways *ways, enum hook hook,
			 enum way way, plan_has_fn has, const void *ctx);

#endif
