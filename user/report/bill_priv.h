/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What bill.c and bill_count.c share, and nobody else. */
#ifndef TCPCLOSE_REPORT_BILL_PRIV_H
#define TCPCLOSE_REPORT_BILL_PRIV_H

#include "report/bill.h"

/* The rates' window, in slots. */
#define SLOTS 10
#define SLOT_NS (BILL_WINDOW_NS / SLOTS)

struct slot {
	uint64_t number; /* which slot of time it is */
	uint64_t ended;
};

/* Who was born and died within the window: else a rate of births would miss who dies young. */
struct dead {
	struct minisocket mini;
	uint64_t born_ns;
};
#define DEAD_MAX 262144

struct person {
	struct bill_key key;
};

struct bill {
	uint64_t began_ns;
	uint64_t dying; /* of this look: neither here nor counted as ended yet */
	uint64_t known_ended; /* of those whose birth we saw */
	uint64_t ended_at_look, now_at_look; /* of these, as of the last look */
	uint64_t forgotten; /* deaths that there was no room to remember */
	struct slot slots[SLOTS];
	struct dead *dead;
	size_t n_dead, cap_dead;
	struct tally owners, people, locals, peers, came, destinations, sources, rules;
	struct tally shared; /* ends, of those of whom nobody knows who connected */
	struct bill_lifetime lifetimes[MINI_END_MAX];
	struct bill_report report;
};

/* bill_count.c: into every grouping. */
const struct bill_rules *bill_rules_at(struct bill *bill, uint32_t netns);
void bill_count_dead(struct bill *bill, const struct dead *dead);

#endif
