/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "load/misses.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

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

		/* what an understudy was not run for, another program on that hook was */
		if (cells[i].understudy || !examination_takes(found, &cells[i]) ||
		    examination_shared(found, &cells[i]))
			continue;
		p = bpf_object__find_program_by_name(obj, cells[i].program);
		if (p)
			*place(found, &cells[i], &now[cells[i].hook]) += recursion_misses(p);
	}
}

/* As much of struct bpf_link_info as is needed, for headers that are older than the kernel. */
struct kprobe_link_info {
	__u32 type, id, prog_id, pad;
	__u32 event, pad2;
	__u64 name;
	__u32 name_size, offset;
	__u64 addr, missed;
};

uint64_t misses_of_kprobe(int link_fd)
{
	/* who does not ask for the name is told nothing by some kernels */
	char name[256];
	struct kprobe_link_info info = { .name = (uintptr_t)name, .name_size = sizeof(name) };
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(link_fd, &info, &size))
		return 0;
	return info.missed;
}

int misses_tally(int counts_fd, struct misses now[HOOK_MAX], uint64_t lost[HOOK_MAX])
{
	int cpus = libbpf_num_possible_cpus();
	struct wire_count *counts = cpus > 0 ? calloc((size_t)cpus, sizeof(*counts)) : NULL;

	if (!counts)
		return -ENOMEM;
	for (__u32 hook = 0; hook < HOOK_MAX; hook++) {
		if (bpf_map_lookup_elem(counts_fd, &hook, counts))
			continue;
		for (int cpu = 0; cpu < cpus; cpu++) {
			lost[hook] += counts[cpu].lost;
			now[hook].rescued += counts[cpu].rescued;
		}
	}
	free(counts);
	return 0;
}

uint64_t misses_rescued(const struct misses *now, const struct misses *base)
{
	return now->rescued - base->rescued;
}

uint64_t misses_unseen(const struct misses *now, const struct misses *base)
{
	uint64_t doubled = now->doubled - base->doubled, rescued = misses_rescued(now, base);

	return now->alone - base->alone + (doubled > rescued ? doubled - rescued : 0);
}
