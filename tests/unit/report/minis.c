/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "tests/unit/report/minis.h"

#include <string.h>

const struct bill_rules usual_rules = {
	.netns = NETNS, .known = true, .port_first = 32768, .port_last = 60999, .ports = 28232,
	.tw_reuse = 2, .timestamps = true, .max_tw = 65536, .fin_timeout_s = 60,
};

static struct tuple tuple_of(unsigned i)
{
	return (struct tuple){
		.family = 4,
		.local = { .addr = { 192, 0, 2, 1 }, .port = (uint16_t)(40000 + i) },
		.peer = { .addr = { 198, 51, 100, 1 }, .port = 80 },
	};
}

static struct owner owner_of(uint32_t pid)
{
	return (struct owner){ .source = pid ? OWNER_CONNECT : OWNER_UNKNOWN, .pid = pid,
			       .comm = "client" };
}

enum ts { WITH, WITHOUT, NOT_KNOWN };

static void add(struct bill *bill, unsigned n, uint32_t pid, evidence_set evidence, uint64_t born_ns,
		bool dying, enum ts ts, void (*to)(struct bill *bill, const struct flow_mini *mini))
{
	for (unsigned i = 0; i < n; i++) {
		struct flow_mini mini = {
			.conn = i + 1, .tuple = tuple_of(i), .netns = NETNS, .owner = owner_of(pid),
			.older = !pid,
			.evidence = evidence, .judged = pid, .cause = CAUSE_ACTIVE_CLOSE,
			.ts_known = ts != NOT_KNOWN, .ts = ts == WITH, .dying = dying,
			.born_state = ST_TIME_WAIT, .state = ST_TIME_WAIT,
			.born_ns = born_ns,
		};

		to(bill, &mini);
	}
}

void add_minis(struct bill *bill, unsigned n, uint32_t pid, evidence_set evidence, uint64_t born_ns)
{
	add(bill, n, pid, evidence, born_ns, false, WITH, bill_mini);
}

void add_dying(struct bill *bill, unsigned n, uint32_t pid, uint64_t born_ns)
{
	add(bill, n, pid, EV(CONNECTED), born_ns, true, WITH, bill_mini);
}

void add_without_timestamps(struct bill *bill, unsigned n, uint32_t pid, uint64_t born_ns)
{
	add(bill, n, pid, EV(CONNECTED), born_ns, false, WITHOUT, bill_mini);
}

void add_not_knowing_timestamps(struct bill *bill, unsigned n, uint32_t pid, uint64_t born_ns)
{
	add(bill, n, pid, EV(CONNECTED), born_ns, false, NOT_KNOWN, bill_mini);
}

void expect_minis(struct bill *bill, unsigned n)
{
	add(bill, n, 0, 0, 0, false, WITH, bill_expect);
}

void end_minis(struct bill *bill, unsigned n, uint32_t pid, enum mini_end end, uint64_t at_ns,
	       uint64_t lived_ns)
{
	for (unsigned i = 0; i < n; i++) {
		struct minisocket mini = {
			.conn = i + 1, .mono_ns = at_ns, .tuple = tuple_of(i), .netns = NETNS,
			.owner = owner_of(pid), .time_wait_ns = lived_ns, .end = end,
			.evidence = EV(CONNECTED), .judged = true, .complete = true, .cause = CAUSE_ACTIVE_CLOSE,
		};

		bill_ended(bill, &mini);
	}
}

const struct bill_advice *advice_of(const struct bill_report *r, const char *slug)
{
	for (size_t i = 0; i < r->n_advice; i++)
		if (!strcmp(r->advice[i].slug, slug))
			return &r->advice[i];
	return NULL;
}
