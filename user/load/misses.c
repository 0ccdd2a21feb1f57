/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "load/misses.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>

static uint64_t recursion_misses(const struct bpf_program *p)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);

	if (bpf_program__fd(p) < 0 || bpf_obj_get_info_by_fd(bpf_program__fd(p), &info, &size))
		return 0;
	return info.recursion_misses;
}

static bool is_doubled(const struct examination *found, const struct cell *cell)
{
	const struct cell *cells;
	size_t n;

	cells = plan_cells(&n);
	for (size_t i = 0; i < n; i++)
		if (cells[i].understudy && cells[i].hook == cell->hook && cells[i].way == cell->way &&
		    !strcmp(cells[i].target, cell->target) && examination_takes(found, &cells[i]))
			return true;
	return false;
}

static uint64_t *place(const struct examination *found, const struct cell *cell, struct misses *of)
{
	if (cell->understudy)
		return &of->understudies;
	return is_doubled(found, cell) ? &of->doubled : &of->alone;
}

void misses_count(const struct bpf_object *obj, const struct examination *found,
		  struct misses now[HOOK_MAX])
{
	const struct cell *cells;
	size_t n;

	cells = plan_cells(&n);
	for (size_t i = 0; i < n; i++) {
		const struct bpf_program *p;

		if (!examination_takes(found, &cells[i]) || examination_shared(found, &cells[i]))
			continue;
		p = bpf_object__find_program_by_name(obj, cells[i].program);
		if (p)
			*place(found, &cells[i], &now[cells[i].hook]) += recursion_misses(p);
	}
}

/*
 * An understudy that is interrupted before it looks for the mark finds that of the
 * event that interrupted it, and takes its own for one that nobody saw: but it was
 * not run for that other event, and this the kernel has counted.
 */
uint64_t misses_rescued(const struct misses *now, const struct misses *base)
{
	uint64_t rescued = now->rescued - base->rescued, vain = now->understudies - base->understudies;

	return rescued > vain ? rescued - vain : 0;
}

uint64_t misses_unseen(const struct misses *now, const struct misses *base)
{
	uint64_t doubled = now->doubled - base->doubled, rescued = misses_rescued(now, base);

	return now->alone - base->alone + (doubled > rescued ? doubled - rescued : 0);
}
