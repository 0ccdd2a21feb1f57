/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "load/facts.h"

#include <bpf/btf.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "load/cgroup.h"
#include "load/preempted.h"

static const struct fact_row rows[FACT_MAX] = {
#define ALWAYS() ASK_NOTHING, "", "", 0
#define FUNC(a) ASK_FUNC, a, "", 0
#define PARAM(a, b) ASK_PARAM, a, b, 0
#define TRACEPOINT(a, number) ASK_TRACEPOINT, a, "", number
#define KSYM(a) ASK_KSYM, a, "", 0
#define CGROUP_ROOT() ASK_CGROUP_ROOT, "", "", 0
#define PREEMPTED(a) ASK_PREEMPTED, a, "", 0
#define FACT(id, slug, ask, commit, without) [FACT_##id] = { slug, ask, commit, without },
#include "facts.def"
#undef FACT
};

const struct fact_row *fact_row(enum fact fact)
{
	return &rows[fact];
}

static const struct btf_type *func_proto(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;

	return t ? btf__type_by_id(btf, t->type) : NULL;
}

static bool ask_param(const struct btf *btf, const struct fact_row *row, uint64_t *value)
{
	const struct btf_type *t = func_proto(btf, row->a);

	for (int i = 0; t && i < btf_vlen(t); i++) {
		const char *name = btf__name_by_offset(btf, btf_params(t)[i].name_off);

		if (name && !strcmp(name, row->b)) {
			*value = (uint64_t)i;
			return true;
		}
	}
	return false;
}

/* btf_trace_NAME is a pointer to a function whose first argument is the probe's own. */
static bool ask_tracepoint(const struct btf *btf, const struct fact_row *row, uint64_t *value)
{
	char name[96];
	const struct btf_type *t;
	int id;

	snprintf(name, sizeof(name), "btf_trace_%s", row->a);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF);
	t = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	t = t ? btf__type_by_id(btf, t->type) : NULL;
	t = t && btf_is_ptr(t) ? btf__type_by_id(btf, t->type) : NULL;
	if (!t || !btf_is_func_proto(t) || btf_vlen(t) <= row->number + 1)
		return false;
	*value = (uint64_t)row->number;
	return true;
}

static void take_symbol(void *ctx, const struct symbol *symbol)
{
	struct facts *f = ctx;

	codes_take(&f->codes, symbol);
	for (int i = 0; i < FACT_MAX; i++) {
		/* another one of that name, maybe hidden, is none of ours */
		if (rows[i].ask != ASK_KSYM || f->value[i] || symbol->name[0] != rows[i].a[0] ||
		    strcmp(symbol->name, rows[i].a))
			continue;
		f->value[i] = symbol->address;
		if (symbol->address && tolower(symbol->type) == 't')
			f->holds |= UINT64_C(1) << i;
	}
}

/* All at once: the kernel takes its time to print its symbols. */
static void ask_symbols(struct facts *f)
{
	CLEANUP(fclose) FILE *file = fopen("/proc/kallsyms", "re");

	if (!file)
		return;
	symbols_each(file, take_symbol, f);
	codes_end(&f->codes);
}

static bool ask_cgroup_root(void)
{
	CLEANUP(close) int fd = cgroup_open_root();

	return fd >= 0;
}

static bool ask(const struct btf *btf, const struct fact_row *row, uint64_t *value)
{
	switch (row->ask) {
	case ASK_NOTHING:
		return true;
	case ASK_FUNC:
		return func_proto(btf, row->a);
	case ASK_PARAM:
		return ask_param(btf, row, value);
	case ASK_TRACEPOINT:
		return ask_tracepoint(btf, row, value);
	case ASK_KSYM: /* ask_symbols() */
		return false;
	case ASK_CGROUP_ROOT:
		return ask_cgroup_root();
	case ASK_PREEMPTED:
		return preempted_in(btf, row->a);
	}
	return false;
}

void facts_find(const struct btf *vmlinux, struct facts *ret)
{
	*ret = (struct facts){ 0 };
	for (int i = 0; i < FACT_MAX; i++)
		if (ask(vmlinux, &rows[i], &ret->value[i]))
			ret->holds |= UINT64_C(1) << i;
	ask_symbols(ret);
}

#define REASON_PREFIX "SK_RST_REASON_"
#define REASONS_MAX 256

const char **facts_reasons(const struct btf *vmlinux, size_t *n)
{
	int id = btf__find_by_name_kind(vmlinux, "sk_rst_reason", BTF_KIND_ENUM);
	const struct btf_type *t = id > 0 ? btf__type_by_id(vmlinux, (__u32)id) : NULL;
	const char **names = t ? calloc(REASONS_MAX, sizeof(*names)) : NULL;

	*n = 0;
	for (int i = 0; names && i < btf_vlen(t); i++) {
		const struct btf_enum *e = &btf_enum(t)[i];
		const char *name = btf__name_by_offset(vmlinux, e->name_off);

		if (e->val < 0 || e->val >= REASONS_MAX || !name)
			continue;
		if (!strncmp(name, REASON_PREFIX, strlen(REASON_PREFIX)))
			name += strlen(REASON_PREFIX);
		free((void *)names[e->val]);
		names[e->val] = strdup(name);
		if ((size_t)e->val >= *n)
			*n = (size_t)e->val + 1;
	}
	return names;
}

void facts_free_reasons(const char **reasons, size_t n)
{
	for (size_t i = 0; reasons && i < n; i++)
		free((void *)reasons[i]);
	free(reasons);
}
