/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* truth: the self-test's table, a line for every ending that was tried. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/buf.h"
#include "sink/out.h"
#include "sink/sink.h"

struct truth {
	struct sink sink;
	struct sink_config config;
	struct buf line;
	bool headed;
};

static int truth_open(const struct sink_config *config, struct sink **ret)
{
	struct truth *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->sink.ops = &sink_truth;
	t->config = *config;
	*ret = &t->sink;
	return 0;
}

static void truth_close(struct sink *sink)
{
	struct truth *t = (struct truth *)sink;

	if (!t)
		return;
	buf_free(&t->line);
	free(t);
}

static const char *cause_of(bool has, enum cause cause)
{
	return has ? cause_row(cause)->slug : "-";
}

static void put_head(struct truth *t)
{
	if (!t->headed)
		buf_printf(&t->line, "%-4s  %-22s %-6s %-6s  %-18s %-18s  %-20s %-20s  %s\n", "",
			   "ending", "closer", "ip", "server", "client", "server saw", "client saw",
			   "segments; the kernel's counters");
	t->headed = true;
}

static void put_segments(struct buf *b, const struct trial *t)
{
	buf_printf(b, "%u", t->segments.all);
	if (t->segments.fin)
		buf_printf(b, ", %u FIN", t->segments.fin);
	if (t->segments.rst)
		buf_printf(b, ", %u RST", t->segments.rst);
	if (t->mini_expect)
		buf_printf(b, "; mini-socket %s", t->mini_seen ? t->mini_seen : "has not ended");
}

/* Only what moved, or should have. */
static void put_counters(struct buf *b, const struct trial *t)
{
	const char *before = "; ";

	for (unsigned i = 0; i < COUNTER_MAX; i++) {
		const struct audit_count *c = &t->counts[i];

		if (!c->kernel && c->result != AUDIT_GAP)
			continue;
		buf_printf(b, "%s%s %" PRIu64, before, counter_row(c->counter)->names, c->kernel);
		if (c->result == AUDIT_GAP)
			buf_printf(b, " (not %" PRId64 "%s)", c->observed.low,
				   c->observed.high > c->observed.low ? " or more" : "");
		before = ", ";
	}
}

/* What it must be stands below a line only where it is something else. */
static void put_objections(struct truth *t, const struct trial *trial)
{
	for (unsigned i = 0; i < trial->n_why; i++)
		buf_printf(&t->line, "      %s\n", trial->why[i]);
	if (trial->outcome == TRIAL_FAILED)
		buf_printf(&t->line, "      must be: server %s, client %s%s%s\n",
			   cause_of(trial->has_expect[0], trial->expect[0]),
			   cause_of(trial->has_expect[1], trial->expect[1]),
			   trial->mini_expect ? ", mini-socket " : "",
			   trial->mini_expect ? trial->mini_expect : "");
}

static void put_trial(struct truth *t, const struct trial *trial)
{
	static const char *const words[] = {"ok", "NOT", "skip"};
	struct buf *b = &t->line;

	put_head(t);
	buf_printf(b, "%-4s  %-22s %-6s %-6s  ", words[trial->outcome], trial->ending,
		   trial->closer, trial->ip);
	if (trial->outcome == TRIAL_SKIPPED) {
		buf_printf(b, "%s\n", trial->n_why ? trial->why[0] : "");
		return;
	}
	buf_printf(b, "%-18s %-18s  %-20s %-20s  ", cause_of(trial->has_seen[0], trial->seen[0]),
		   cause_of(trial->has_seen[1], trial->seen[1]), trial->saw[0], trial->saw[1]);
	put_segments(b, trial);
	put_counters(b, trial);
	if (trial->tries > 1)
		buf_printf(b, " (try %u)", trial->tries);
	buf_byte(b, '\n');
	put_objections(t, trial);
}

static int truth_take(struct sink *sink, const struct record *record)
{
	struct truth *t = (struct truth *)sink;

	buf_reset(&t->line);
	if (record->kind == REC_TRIAL)
		put_trial(t, record->trial);
	return t->line.len ? out_write(t->config.out, &t->line) : t->line.err;
}

const struct sink_ops sink_truth = {
	.open = truth_open,
	.take = truth_take,
	.close = truth_close,
};
