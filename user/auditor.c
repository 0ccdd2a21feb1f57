/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "auditor.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "place.h"
#include "run.h"

/*
 * The kernel counts a little before or after the place where a sensor sits. What
 * was observed longer ago than that is in a reading, what comes later is not.
 */
#define APART_NS UINT64_C(2000000)

struct reading {
	struct place_seen seen;
	struct mibs mibs;
	bool good;
};

struct auditor {
	struct audit *audit;
	uint32_t only;
	struct reading *before, *after;
	int n_before, n_after;
	uint64_t ended_ns;
};

int auditor_new(uint32_t netns, struct auditor **ret)
{
	struct auditor *a = calloc(1, sizeof(*a));
	int r = a ? audit_new(&a->audit) : -ENOMEM;

	if (r) {
		auditor_free(a);
		return r;
	}
	a->only = netns;
	*ret = a;
	return 0;
}

void auditor_free(struct auditor *a)
{
	if (!a)
		return;
	audit_free(a->audit);
	free(a->before);
	free(a->after);
	free(a);
}

struct audit *auditor_audit(const struct auditor *a)
{
	return a->audit;
}

/* Who is there, into *ret; the counters come later. How many, or negative errno. */
static int look(const struct auditor *a, struct reading **ret)
{
	struct place_seen *seen = calloc(AUDIT_NAMESPACES, sizeof(*seen));
	int n = seen ? place_list(seen, AUDIT_NAMESPACES) : -ENOMEM, kept = 0;
	struct reading *list = n > 0 ? calloc((size_t)n, sizeof(*list)) : NULL;

	for (int i = 0; list && i < n; i++)
		if (!a->only || a->only == seen[i].inode)
			list[kept++].seen = seen[i];
	free(seen);
	if (n > 0 && !list)
		return -ENOMEM;
	*ret = list;
	return n < 0 ? n : kept;
}

/* What is under way has its time to be counted. From when on it may not have had it. */
static uint64_t let_it_settle(void)
{
	struct timespec apart = { .tv_nsec = APART_NS };
	uint64_t from_ns = run_now_ns();

	ppoll(NULL, 0, &apart, NULL);
	return from_ns;
}

static void read_all(struct reading *list, int n)
{
	for (int i = 0; i < n; i++)
		list[i].good = !place_counters_seen(&list[i].seen, &list[i].mibs);
}

int auditor_begin(struct auditor *a)
{
	uint64_t from_ns;

	a->n_before = look(a, &a->before);
	if (a->n_before < 0)
		return a->n_before;
	from_ns = let_it_settle();
	read_all(a->before, a->n_before);
	audit_began(a->audit, from_ns, run_now_ns() + APART_NS);
	/* what happens once we are ready is surely not in it */
	let_it_settle();
	return 0;
}

int auditor_end(struct auditor *a)
{
	uint64_t from_ns;

	a->n_after = look(a, &a->after);
	if (a->n_after < 0)
		return a->n_after;
	from_ns = let_it_settle();
	read_all(a->after, a->n_after);
	a->ended_ns = run_now_ns();
	audit_ended(a->audit, from_ns, a->ended_ns + APART_NS);
	return 0;
}

static const struct reading *first_reading(const struct auditor *a, uint32_t netns)
{
	for (int i = 0; i < a->n_before; i++)
		if (a->before[i].seen.inode == netns)
			return &a->before[i];
	return NULL;
}

struct telling {
	struct auditor *auditor;
	uint32_t covered;
	int (*emit)(void *ctx, const struct record *record);
	void *ctx;
	struct audit_sum *sum;
};

static bool observed_anything(const struct audit *audit, uint32_t netns)
{
	for (enum counter c = 0; c < COUNTER_MAX; c++)
		if (audit_range(audit, netns, c).high)
			return true;
	return false;
}

/* What must be read at the end. A namespace that was not there at the start had nothing open in it. */
static struct audit_range expected(const struct auditor *a, uint32_t netns, enum counter c)
{
	const struct reading *first = counter_row(c)->kind == COUNTER_GAUGE ? first_reading(a, netns) : NULL;
	struct audit_range range = audit_range(a->audit, netns, c);
	int64_t before = first ? (int64_t)first->mibs.value[c] : 0;

	return (struct audit_range){ range.low + before, range.high + before };
}

static int tell_counter(struct telling *t, uint32_t netns, enum counter c, const struct mibs *delta)
{
	struct audit_range range = expected(t->auditor, netns, c);
	struct audit_line line = { netns, { c, delta->value[c], range, audit_compare(range, c, delta, t->covered) } };
	struct record record = { .kind = REC_AUDIT, .mono_ns = t->auditor->ended_ns, .audit = &line };

	if (line.count.result == AUDIT_UNREAD)
		return 0;
	audit_total_add(&t->sum->total[c], netns, &line.count);
	t->sum->gap |= line.count.result == AUDIT_GAP;
	return line.count.kernel || range.high ? t->emit(t->ctx, &record) : 0;
}

static bool fits(const struct telling *t, uint32_t netns, const struct mibs *delta)
{
	for (enum counter c = 0; c < COUNTER_MAX; c++)
		if (audit_compare(expected(t->auditor, netns, c), c, delta, t->covered) == AUDIT_GAP)
			return false;
	return true;
}

/*
 * A namespace that was not there at the start began with nothing; unless nobody
 * was in it then, and it had no name: what does not fit says so, and is no gap.
 */
static int tell_namespace(struct telling *t, const struct reading *last)
{
	const struct reading *first = first_reading(t->auditor, last->seen.inode);
	uint32_t netns = last->seen.inode;
	struct mibs delta = last->mibs;
	bool good = last->good && (!first || (first->good && mib_subtract(&delta, &first->mibs)));
	int r = 0;

	if (!good || (!first && !fits(t, netns, &delta))) {
		t->sum->unread += observed_anything(t->auditor->audit, netns);
		return 0;
	}
	t->sum->namespaces++;
	t->sum->in_flight += audit_in_flight(t->auditor->audit, netns);
	for (enum counter c = 0; c < COUNTER_MAX && !r; c++)
		r = tell_counter(t, netns, c, &delta);
	return r;
}

static bool is_there_still(const struct auditor *a, uint32_t netns)
{
	for (int i = 0; i < a->n_after; i++)
		if (a->after[i].seen.inode == netns)
			return true;
	return false;
}

int auditor_tell(struct auditor *a, uint32_t covered,
		 int (*emit)(void *ctx, const struct record *record), void *ctx, struct audit_sum *ret)
{
	struct telling t = { a, covered, emit, ctx, ret };
	uint32_t netns;
	int r = 0;

	*ret = (struct audit_sum){ .made = true };
	for (int i = 0; i < a->n_after && !r; i++)
		r = tell_namespace(&t, &a->after[i]);
	for (size_t i = 0; audit_namespace(a->audit, i, &netns); i++)
		ret->unread += (!a->only || a->only == netns) && !is_there_still(a, netns) &&
			       observed_anything(a->audit, netns);
	ret->unread += audit_overflowed(a->audit);
	return r;
}
