/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* misses: events that the kernel did not run a program for, and which of them nobody saw. */
#ifndef TCPCLOSE_LOAD_MISSES_H
#define TCPCLOSE_LOAD_MISSES_H

#include "load/examine.h"

struct bpf_object;

/* Of one hook, since its programs were loaded. */
struct misses {
	uint64_t alone;	       /* by programs that have no understudy */
	uint64_t doubled;      /* by those that have one */
	uint64_t rescued;      /* an understudy found that it was the first to run for an event */
};

/* All but `rescued`, added to `now`. */
void misses_count(const struct bpf_object *obj, const struct examination *found,
		  struct misses now[HOOK_MAX]);
/*
 * What a kprobe was not run for since it was attached: the kernel passes over one that
 * is hit while another one runs on that CPU. 0 where it does not say (fact KPROBE_MISSES).
 */
uint64_t misses_of_kprobe(int link_fd);
/* What the programs count themselves: `rescued`, and records that were lost. 0 or -ENOMEM. */
int misses_tally(int counts_fd, struct misses now[HOOK_MAX], uint64_t lost[HOOK_MAX]);
/* What nobody saw between `base` and `now`, and what an understudy alone did. */
uint64_t misses_unseen(const struct misses *now, const struct misses *base);
uint64_t misses_rescued(const struct misses *now, const struct misses *base);

#endif
