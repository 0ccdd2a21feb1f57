/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "sink/summary.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/units.h"
#include "sink/out.h"

struct cause_count {
	uint64_t count;
	unsigned cause;
};

/* Most frequent first; the order of cause.def among equals. */
static int compare(const void *a, const void *b)
{
	const struct cause_count *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return x->cause < y->cause ? -1 : x->cause > y->cause;
}

static void put_causes(struct buf *b, const struct summary *s)
{
	struct cause_count counts[CAUSE_MAX];
	char count[UNITS_STRLEN];

	for (unsigned i = 0; i < CAUSE_MAX; i++)
		counts[i] = (struct cause_count){ s->by_cause[i], i };
	qsort(counts, CAUSE_MAX, sizeof(counts[0]), compare);
	for (unsigned i = 0; i < CAUSE_MAX && counts[i].count; i++)
		buf_printf(b, "%12s  %s\n", units_count(counts[i].count, count),
			   cause_row((enum cause)counts[i].cause)->slug);
}

static void put_count(struct buf *b, const char *before, uint64_t count, const char *after)
{
	char text[UNITS_STRLEN];

	buf_printf(b, "%s%s%s", before, units_count(count, text), after);
}

static void put_verdicts(struct buf *b, const struct summary *s)
{
	char duration[UNITS_STRLEN];

	put_count(b, "", s->verdicts, s->verdicts == 1 ? " verdict in " : " verdicts in ");
	buf_puts(b, units_duration(s->duration_ns, duration));
	if (s->filtered)
		put_count(b, "; ", s->filtered, " more hidden by the options");
	if (s->resets)
		put_count(b, "; ", s->resets, s->resets == 1 ? " RST for no connection" : " RSTs for no connection");
	if (s->open)
		put_count(b, "; ", s->open, " still open");
	buf_byte(b, '\n');
}

/* The three words that scripts look for stand there always; what did not happen is not said. */
static void put_events(struct buf *b, const struct summary *s)
{
	put_count(b, "", s->events, " events, ");
	put_count(b, "", s->lost, " lost");
	if (s->missed)
		put_count(b, ", ", s->missed, " missed");
	put_count(b, ", ", s->evicted, " evicted\n");
}

/* "180 of 180  resets sent": what the kernel counted, and how much of it was seen. */
static void put_total(struct buf *b, enum counter c, const struct audit_total *t)
{
	char accounted[UNITS_STRLEN], kernel[UNITS_STRLEN];
	uint64_t missing = t->kernel - t->accounted - t->hidden;

	if (!t->kernel && !t->surplus)
		return;
	buf_printf(b, "%12s of %s  %s (%s)", units_count(t->accounted, accounted),
		   units_count(t->kernel, kernel), counter_row(c)->words, counter_row(c)->names);
	if (t->hidden)
		put_count(b, "; ", t->hidden, counter_row(c)->kind == COUNTER_LEAST ? " that no sensor sees" :
										   " cannot be seen on this kernel");
	if (missing)
		put_count(b, ": ", missing, " NOT accounted for");
	if (t->surplus)
		put_count(b, ": ", t->surplus, " observed that it did not count");
	if (t->gap_netns)
		buf_printf(b, ", in network namespace %u", t->gap_netns);
	buf_byte(b, '\n');
}

static void put_audit(struct buf *b, const struct audit_sum *a)
{
	put_count(b, "audit of ", a->namespaces, a->namespaces == 1 ? " network namespace" : " network namespaces");
	buf_puts(b, a->gap ? ": NOT everything is accounted for" : ": everything is accounted for");
	if (a->in_flight)
		put_count(b, ", give or take ", a->in_flight, " in flight");
	if (a->unread)
		put_count(b, "; ", a->unread, " more could not be read twice");
	buf_byte(b, '\n');
	for (enum counter c = 0; c < COUNTER_MAX; c++)
		put_total(b, c, &a->total[c]);
}

int summary_print(FILE *out, const struct summary *summary)
{
	CLEANUP(buf) struct buf b = BUF_INIT;

	put_verdicts(&b, summary);
	put_causes(&b, summary);
	if (summary->audit.made)
		put_audit(&b, &summary->audit);
	put_events(&b, summary);
	return out_write(out, &b);
}
