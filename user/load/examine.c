/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "load/examine.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "load/ways.h"

/* libbpf tries things that may fail and says so: that is for -v. */
static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	log_raw(LOG_DEBUG, format, args);
	return 0;
}

/* A tracepoint's symbol has its own BTF type; a function's is itself; the cgroup hook has none. */
static bool kernel_has(const void *ctx, const struct cell *cell)
{
	const struct btf *btf = ctx;
	char name[96];

	switch (cell->way) {
	case WAY_TP_BTF:
		snprintf(name, sizeof(name), "btf_trace_%s", cell->target);
		return btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF) > 0;
	case WAY_FENTRY:
	case WAY_KPROBE:
		return btf__find_by_name_kind(btf, cell->target, BTF_KIND_FUNC) > 0;
	default:
		return true;
	}
}

bool examination_takes(const struct examination *e, const struct cell *cell)
{
	size_t n;

	return e->takes[cell - plan_cells(&n)];
}

bool examination_shared(const struct examination *e, const struct cell *cell)
{
	size_t n;

	for (const struct cell *c = plan_cells(&n); c < cell; c++)
		if (!strcmp(c->program, cell->program) && examination_takes(e, c))
			return true;
	return false;
}

static void note_takes(struct examination *e)
{
	const struct cell *cells;
	size_t n;

	cells = plan_cells(&n);
	for (size_t i = 0; i < n && i < CELLS_MAX; i++)
		e->takes[i] = plan_takes(&e->plan, &e->facts, &cells[i], kernel_has, e->vmlinux);
}

void examination_let_go(struct examination *e)
{
	btf__free(e->vmlinux);
	e->vmlinux = NULL;
}

const char *examination_why_not(const struct examination *e, enum hook hook, enum way way)
{
	return plan_why_not(&e->facts, &e->ways, hook, way, kernel_has, e->vmlinux);
}

static int look(struct examination *e, enum way forced)
{
	int r;

	facts_find(e->vmlinux, &e->facts);
	ways_find(e->vmlinux, &e->ways);
	r = plan_make(&e->facts, &e->ways, forced, kernel_has, e->vmlinux, &e->plan);
	note_takes(e);
	if (r && forced != WAY_AUTO)
		log_error("state changes cannot be seen with --way=%s here (%s): try --way=auto, or tcpclose doctor",
			  way_slug(forced), examination_why_not(e, HOOK_STATE, forced));
	else if (r)
		log_error("state changes cannot be seen on this kernel in any way: tcpclose doctor says why");
	return r;
}

int examine(enum way forced, struct examination **ret)
{
	struct examination *e;

	*ret = NULL;
	libbpf_set_print(print_libbpf);
	if (!ways_privileged()) {
		log_error("not allowed to trace: run it with sudo (it needs CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN)");
		return -EPERM;
	}
	if (!ways_may_read()) {
		log_error("this kernel lets no BPF program read its memory (lockdown=confidentiality): nothing can be traced");
		return -EPERM;
	}
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->vmlinux = btf__load_vmlinux_btf();
	if (!e->vmlinux) {
		log_error("this kernel shows no BTF (/sys/kernel/btf/vmlinux): it must be built with CONFIG_DEBUG_INFO_BTF=y");
		free(e);
		return -ENOENT;
	}
	*ret = e;
	return look(e, forced);
}

void examination_free(struct examination *e)
{
	if (!e)
		return;
	btf__free(e->vmlinux);
	free(e);
}
