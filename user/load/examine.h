/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* examine: facts, ways and plan of this machine, with nothing loaded for longer than a try. */
#ifndef TCPCLOSE_LOAD_EXAMINE_H
#define TCPCLOSE_LOAD_EXAMINE_H

#include "load/plan.h"

struct btf;

struct examination {
	struct btf *vmlinux; /* NULL once it was let go of */
	struct facts facts;
	struct ways ways;
	struct plan plan;
	bool takes[CELLS_MAX]; /* by place in plan_cells() */
};

/*
 * Negative errno, logged in one sentence: -ENOENT without BTF (*ret is then NULL)
 * or without any way to see state changes (*ret is then there, to be explained);
 * -EPERM without privileges, or where nobody may read kernel memory (NULL).
 */
int examine(enum way forced, struct examination **ret);
bool examination_takes(const struct examination *e, const struct cell *cell);
/* Has a hook of an earlier row asked for that very program already? */
bool examination_shared(const struct examination *e, const struct cell *cell);
/*
 * The kernel's BTF is some ten MiB: for who needs no more answers from it but the
 * plan's. examination_why_not() is not to be asked after it.
 */
void examination_let_go(struct examination *e);
const char *examination_why_not(const struct examination *e, enum hook hook, enum way way);
void examination_free(struct examination *e); /* NULL is fine */

#endif
