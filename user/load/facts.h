/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* facts: what this kernel is like, asked of its BTF and its files, never of its version. */
#ifndef TCPCLOSE_LOAD_FACTS_H
#define TCPCLOSE_LOAD_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "load/codes.h"

struct btf;

enum fact {
#define FACT(id, slug, ask, commit, without) FACT_##id,
#include "facts.def"
#undef FACT
	FACT_MAX,
};

enum fact_ask {
	ASK_NOTHING,	/* always true */
	ASK_FUNC,	/* BTF has the function `a` */
	ASK_PARAM,	/* BTF function `a` has a parameter called `b`; its index is the value */
	ASK_TRACEPOINT, /* BTF type btf_trace_`a` takes more than `number` arguments; `number` is the value */
	ASK_KSYM,	/* /proc/kallsyms shows an address for `a`; it is the value */
	ASK_CGROUP_ROOT, /* the root of the cgroup2 hierarchy can be opened (load/cgroup.h) */
	ASK_PREEMPTED, /* a task may lose its CPU inside a program that is attached to BTF type `a` (load/preempted.h) */
};

struct fact_row {
	const char *slug;
	enum fact_ask ask;
	const char *a, *b;
	int number;
	const char *commit;
	const char *without; /* what cannot be said where it does not hold */
};
const struct fact_row *fact_row(enum fact fact);

struct facts {
	uint64_t holds;		  /* bits 1 << FACT_... */
	uint64_t value[FACT_MAX]; /* argument index, address */
	struct codes codes;
};

static inline bool facts_hold(const struct facts *facts, enum fact fact)
{
	return facts->holds & (UINT64_C(1) << fact);
}

/* vmlinux: the kernel's BTF. Cannot fail: what cannot be found out does not hold. */
void facts_find(const struct btf *vmlinux, struct facts *ret);
/* enum sk_rst_reason by number, without its prefix: n names (some NULL), NULL and 0 before v6.10. The caller frees both levels with facts_free_reasons(). */
const char **facts_reasons(const struct btf *vmlinux, size_t *n);
void facts_free_reasons(const char **reasons, size_t n);

#endif
