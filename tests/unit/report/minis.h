/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* minis: a bill with rules, and mini-sockets for it. */
#ifndef TESTS_UNIT_REPORT_MINIS_H
#define TESTS_UNIT_REPORT_MINIS_H

#include "report/bill.h"

#define SEC   UINT64_C(1000000000)
#define NETNS 7

/* Ports 32768 to 60999, tcp_tw_reuse 2, timestamps on. */
extern const struct bill_rules usual_rules;

/* n mini-sockets from 192.0.2.1:40000 and up to 198.51.100.1:80, in TIME_WAIT, of pid; 0 = nobody knows. */
void add_minis(struct bill *bill, unsigned n, uint32_t pid, evidence_set evidence, uint64_t born_ns);
/* The same, with their timers off. Their deaths: the first n of these. */
void add_dying(struct bill *bill, unsigned n, uint32_t pid, uint64_t born_ns);
/* Of whom nothing is known, on the first of two times through. */
void expect_minis(struct bill *bill, unsigned n);
/* Those connections had none. */
void add_without_timestamps(struct bill *bill, unsigned n, uint32_t pid, uint64_t born_ns);
/* Of those nobody saw it. */
void add_not_knowing_timestamps(struct bill *bill, unsigned n, uint32_t pid, uint64_t born_ns);
void end_minis(struct bill *bill, unsigned n, uint32_t pid, enum mini_end end, uint64_t at_ns,
	       uint64_t lived_ns);
/* The advice with that slug; NULL when it is not given. */
const struct bill_advice *advice_of(const struct bill_report *report, const char *slug);

#endif
