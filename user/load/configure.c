/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "load/configure.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "wire.h"

#include "tcpclose.skel.h"

#define RING_KIB_DEFAULT 8192

static void set_filter(struct wire_filter *w, const struct filter *f)
{
	_Static_assert(WIRE_FILTER_PIDS == FILTER_MAX_PIDS, "lists of one size");
	_Static_assert(WIRE_FILTER_PORTS == FILTER_MAX_PORTS, "lists of one size");
	w->n_pids = f->n_pids;
	w->n_ports = f->n_ports;
	w->n_local_ports = f->n_local_ports;
	w->n_remote_ports = f->n_remote_ports;
	memcpy(w->pids, f->pids, sizeof(w->pids));
	memcpy(w->ports, f->ports, sizeof(w->ports));
	memcpy(w->local_ports, f->local_ports, sizeof(w->local_ports));
	memcpy(w->remote_ports, f->remote_ports, sizeof(w->remote_ports));
	memcpy(w->addr, f->addr, sizeof(w->addr));
	w->addr_family = f->addr_family;
	w->addr_bits = f->addr_bits;
	w->family = f->family;
	w->netns_ino = f->netns_ino;
	w->cgroup_id = f->cgroup_id;
	w->on = f->n_ports || f->n_local_ports || f->n_remote_ports || f->addr_family || f->family ||
		f->netns_ino || f->cgroup_id;
}

static uint8_t arg_of(const struct facts *facts, enum fact fact)
{
	return facts_hold(facts, fact) ? (uint8_t)facts->value[fact] : 0;
}

/* A power of two of pages: what the kernel asks of a ring. */
static uint32_t ring_bytes(uint32_t kib)
{
	uint64_t want = (uint64_t)(kib ? kib : RING_KIB_DEFAULT) * 1024;
	uint64_t size = 2 * (uint64_t)sysconf(_SC_PAGESIZE);

	while (size < want && size < UINT32_C(1) << 30)
		size *= 2;
	return (uint32_t)size;
}

static void set_codes(struct wire_config *w, const struct codes *codes)
{
	memcpy(w->codes, codes->code, codes->n * sizeof(codes->code[0]));
	w->n_codes = (__u32)codes->n;
}

static void set_facts(struct wire_config *w, const struct examination *found)
{
	w->tw_timer_handler = found->facts.value[FACT_TW_TIMER_ADDRESS];
	if (found->plan.chosen[HOOK_REQUEST] == WAY_TP_BTF)
		w->reqsk_timer_handler = found->facts.value[FACT_REQSK_TIMER_ADDRESS];
	w->tp_mini_killed = found->plan.chosen[HOOK_MINI_KILLED] == WAY_TP_BTF;
	w->tp_reason_arg = arg_of(&found->facts, FACT_REASON_TP);
	w->active_reason_arg = arg_of(&found->facts, FACT_REASON_ACTIVE);
	w->reply_reason_arg = arg_of(&found->facts, FACT_REASON_REPLY);
	w->reset_skb_arg = arg_of(&found->facts, FACT_RESET_SKB);
	if (facts_hold(&found->facts, FACT_CODE_ADDRESSES))
		set_codes(w, &found->facts.codes);
}

/* Hooks whose second understudy is on. */
static __u16 second_understudies(const struct examination *found)
{
	const struct cell *cells;
	unsigned int hooks = 0;
	size_t n;

	_Static_assert(HOOK_MAX <= 16, "a bit for each");
	cells = plan_cells(&n);
	for (size_t i = 0; i < n; i++)
		if (cells[i].understudy == 2 && examination_takes(found, &cells[i]))
			hooks |= 1U << cells[i].hook;
	return (__u16)hooks;
}

/* A place for each CPU; or more, where marks are found by address. */
static uint32_t places(const struct wire_config *w)
{
	int cpus = libbpf_num_possible_cpus();

	/* as many as a machine can have at all, where it does not say */
	if (cpus <= 0)
		cpus = 8192;
	return w->second_understudies && cpus < WIRE_MARKS ? WIRE_MARKS : (uint32_t)cpus;
}

int configure(struct tcpclose_bpf *skel, const struct examination *found, const struct session_config *config)
{
	struct wire_config *w = (struct wire_config *)&skel->rodata->config;
	uint32_t size = ring_bytes(config->ring_kib);

	set_filter(&w->filter, &config->filter);
	set_facts(w, found);
	w->wake_bytes = size / 4;
	w->events = config->events;
	if (!config->filter.n_pids && bpf_map__set_max_entries(skel->maps.claims, 1))
		return -EINVAL;
	w->second_understudies = second_understudies(found);
	if (bpf_map__set_max_entries(skel->maps.cpus, places(w)))
		return -EINVAL;
	return bpf_map__set_max_entries(skel->maps.ring, size);
}
