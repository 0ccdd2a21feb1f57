/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* tap: the self-test in the Test Anything Protocol. The plan stands last: a run that dies has none. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/buf.h"
#include "sink/out.h"
#include "sink/sink.h"

struct tap {
	struct sink sink;
	struct sink_config config;
	struct buf line;
	uint32_t said;
};

static int tap_open(const struct sink_config *config, struct sink **ret)
{
	struct tap *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->sink.ops = &sink_tap;
	t->config = *config;
	*ret = &t->sink;
	return 0;
}

static void tap_close(struct sink *sink)
{
	struct tap *t = (struct tap *)sink;

	if (!t)
		return;
	buf_free(&t->line);
	free(t);
}

static void put_cause(struct buf *b, const char *side, bool has, enum cause cause)
{
	buf_printf(b, " %s %s", side, has ? cause_row(cause)->slug : "none");
}

static void put_failure(struct buf *b, const struct trial *t)
{
	for (unsigned i = 0; i < t->n_why; i++)
		buf_printf(b, "# %s\n", t->why[i]);
	buf_puts(b, "# seen:");
	put_cause(b, "server", t->has_seen[0], t->seen[0]);
	put_cause(b, "client", t->has_seen[1], t->seen[1]);
	if (t->mini_expect)
		buf_printf(b, ", mini-socket %s", t->mini_seen ? t->mini_seen : "none");
	buf_printf(b, "; server saw %s, client saw %s\n", t->saw[0], t->saw[1]);
	for (unsigned i = 0; i < COUNTER_MAX; i++)
		if (t->counts[i].kernel || t->counts[i].observed.high)
			buf_printf(b, "# %s %" PRIu64 ", observed %" PRId64 " to %" PRId64 ": %s\n",
				   counter_row(t->counts[i].counter)->names, t->counts[i].kernel,
				   t->counts[i].observed.low, t->counts[i].observed.high,
				   audit_result_slug(t->counts[i].result));
}

static void put_trial(struct tap *tap, const struct trial *t)
{
	struct buf *b = &tap->line;

	buf_printf(b, "%sok %u - %s by the %s, %s:", t->outcome == TRIAL_FAILED ? "not " : "",
		   ++tap->said, t->ending, t->closer, t->ip);
	put_cause(b, "server", t->has_expect[0], t->expect[0]);
	put_cause(b, "client", t->has_expect[1], t->expect[1]);
	if (t->mini_expect)
		buf_printf(b, " mini-socket %s", t->mini_expect);
	if (t->outcome == TRIAL_SKIPPED)
		buf_printf(b, " # SKIP %s", t->n_why ? t->why[0] : "");
	buf_byte(b, '\n');
	if (t->outcome == TRIAL_FAILED)
		put_failure(b, t);
}

static int tap_take(struct sink *sink, const struct record *record)
{
	struct tap *t = (struct tap *)sink;

	buf_reset(&t->line);
	if (record->kind == REC_TRIAL)
		put_trial(t, record->trial);
	else if (record->kind == REC_SUMMARY)
		buf_printf(&t->line, "1..%u\n", t->said);
	return t->line.len ? out_write(t->config.out, &t->line) : t->line.err;
}

const struct sink_ops sink_tap = {
	.open = tap_open,
	.take = tap_take,
	.close = tap_close,
};
