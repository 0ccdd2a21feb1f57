/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "selftest/truth.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/errname.h"
#include "demo/check.h"

#define TCP_FIN 1
#define TCP_SYN 2
#define TCP_RST 4

int truth_begin(const struct ending *ending, enum side closer, uint32_t covered, struct trial *ret)
{
	struct trial t = {.ending = ending->slug, .closer = side_slug(closer)};

	for (enum side side = 0; side < SIDE_MAX; side++) {
		int r = check_cause(ending, closer, side, &t.expect[side]);

		if (r)
			return r;
		t.has_expect[side] = check_has_verdict(ending, closer, side);
	}
	if (check_tells_minis(covered) && *ending_mini(ending, closer))
		t.mini_expect = ending_mini(ending, closer);
	*ret = t;
	return 0;
}

void truth_object(struct trial *t, const char *format, ...)
{
	va_list list;

	t->outcome = TRIAL_FAILED;
	if (t->n_why == TRIAL_WHY_MAX)
		return;
	va_start(list, format);
	vsnprintf(t->why[t->n_why++], TRIAL_WHY_SIZE, format, list);
	va_end(list);
}

/* --- what the programs saw --------------------------------------------------------- */

static const struct app *app_of(const struct keep *keep, size_t i, enum side side)
{
	const struct kept *k = &keep->items[i];

	return k->record.kind == REC_APP && !strcmp(k->app.role, side_slug(side)) ? &k->app : NULL;
}

/* The network's answer, not "not now". */
static bool is_end(const struct app *app)
{
	return app->error && app->error != EAGAIN && app->error != EINPROGRESS &&
	       app->error != EINTR && app->error != ENOTCONN && app->error != ENOENT;
}

static bool is_call(const struct app *app, const char *call)
{
	return !strcmp(app->call, call);
}

static bool is_talk(const struct app *app)
{
	return is_call(app, "read") || is_call(app, "write") || is_call(app, "connect");
}

/* How an error, an end of file, or a call of its own told the program; in this order. */
static int weight(const struct app *app)
{
	if (is_talk(app) && is_end(app))
		return 4;
	if (is_call(app, "read") && !app->result)
		return 3;
	if (is_call(app, "close") || is_call(app, "kill"))
		return 2;
	return is_talk(app) || is_call(app, "accept");
}

static const struct app *telling(const struct keep *keep, enum side side)
{
	const struct app *best = NULL;

	for (size_t i = 0; i < keep->n; i++) {
		const struct app *app = app_of(keep, i, side);

		/* the first error; else the last of its kind */
		if (app && (!best || weight(app) > weight(best) ||
			    (weight(app) == weight(best) && weight(app) < 4)))
			best = app;
	}
	return best;
}

static void put_saw(const struct app *app, char *ret, size_t size)
{
	if (!app)
		snprintf(ret, size, "nothing");
	else if (app->error)
		snprintf(ret, size, "%s: %s", app->call, errname(app->error));
	else if (is_call(app, "read") && !app->result)
		snprintf(ret, size, "read: end of file");
	else
		snprintf(ret, size, "%s: %" PRId64, app->call, app->result);
}

/* --- what the wire showed ------------------------------------------------------------ */

static void count_segment(struct trial *t, const struct segment *s)
{
	t->segments.all++;
	t->segments.syn += !!(s->tcp_flags & TCP_SYN);
	t->segments.fin += !!(s->tcp_flags & TCP_FIN);
	t->segments.rst += !!(s->tcp_flags & TCP_RST);
	t->segments.data += s->len > 0;
}

/* Of that side's the one that the ending is about. */
static const struct verdict *main_verdict(const struct trial *t, const struct keep *keep, enum side side)
{
	return keep_verdict_of(keep, (int)side, t->expect[side]);
}

static void observe_mini(struct trial *t, const struct keep *keep)
{
	enum side closer = SIDE_SERVER;
	const struct minisocket *mini;

	if (side_by_slug(t->closer, &closer))
		return;
	mini = keep_mini(keep, (int)closer);
	t->mini_seen = mini ? mini_end_slug(mini->end) : NULL;
}

void truth_observe(struct trial *t, const struct keep *keep)
{
	observe_mini(t, keep);
	for (enum side side = 0; side < SIDE_MAX; side++) {
		const struct verdict *v = main_verdict(t, keep, side);

		t->has_seen[side] = v;
		t->seen[side] = v ? v->cause : CAUSE_UNKNOWN;
		put_saw(telling(keep, side), t->saw[side], sizeof(t->saw[side]));
	}
	for (size_t i = 0; i < keep->n; i++)
		if (keep->items[i].record.kind == REC_SEGMENT)
			count_segment(t, &keep->items[i].segment);
}

/* --- what the kernel counted ---------------------------------------------------------- */

void truth_count(struct trial *t, const struct audit *audit, uint32_t netns,
		 const struct mibs *delta, uint32_t covered)
{
	for (enum counter c = 0; c < COUNTER_MAX; c++) {
		struct audit_range range = audit_range(audit, netns, c);

		t->counts[c] = (struct audit_count){
			.counter = c,
			.kernel = delta->value[c],
			.observed = range,
			.result = audit_compare(range, c, delta, covered),
		};
	}
}

/* A side that got no other verdict than "unknown", with its blindness named. */
static const struct verdict *unproven(const struct trial *t, const struct keep *keep,
				      enum side side)
{
	const struct verdict *v = keep_verdict(keep, (int)side, 0);

	return t->has_expect[side] && keep->verdicts[side] == 1 && v->cause == CAUSE_UNKNOWN &&
			       v->blind
		       ? v
		       : NULL;
}

void truth_differs(struct trial *t, const struct keep *keep, const char *why)
{
	const struct verdict *blind = NULL;

	for (enum side side = 0; side < SIDE_MAX; side++) {
		const struct verdict *v = unproven(t, keep, side);

		if (!v && (keep->verdicts[side] != t->has_expect[side] ||
			   t->seen[side] != t->expect[side])) {
			truth_object(t, "%s", why);
			return;
		}
		blind = v ? v : blind;
	}
	if (!blind) {
		truth_object(t, "%s", why);
		return;
	}
	truth_object(t, "%s: this kernel cannot prove it (blind to %s, among others)", why,
		     evidence_row(evidence_first(blind->blind))->slug);
	t->outcome = TRIAL_SKIPPED;
}

static void agree_counter(struct trial *t, const struct audit_count *c)
{
	if (c->result != AUDIT_GAP)
		return;
	if (c->observed.low == c->observed.high)
		truth_object(t, "%s is %" PRIu64 ", observed were %" PRId64,
			     counter_row(c->counter)->names, c->kernel, c->observed.low);
	else
		truth_object(t, "%s is %" PRIu64 ", observed were %" PRId64 " to %" PRId64,
			     counter_row(c->counter)->names, c->kernel, c->observed.low,
			     c->observed.high);
}

void truth_unsaid(struct trial *t, const char *why)
{
	truth_object(t, "%s", why);
	t->outcome = TRIAL_SKIPPED;
}

/* An error that connect() gives at once is left on no socket: the verdict says so by its cause, and nothing more. */
static void agree_refusal(struct trial *t, enum side side, int32_t error)
{
	if (!error)
		truth_object(t, "the %s saw no error, its verdict says that connect() failed", side_slug(side));
}

/*
 * What the verdict says that the program will see is what it saw; where it says
 * nothing, the program saw no error but that of writing after the end.
 */
static void agree_program(struct trial *t, const struct keep *keep, enum side side)
{
	const struct verdict *v = main_verdict(t, keep, side);
	const struct app *app = telling(keep, side);
	int32_t error = app && is_talk(app) && is_end(app) ? app->error : 0;

	if (v && v->cause == CAUSE_CONNECT_FAILED && !v->error) {
		agree_refusal(t, side, error);
		return;
	}
	if (!v || error == v->error)
		return;
	if (v->error && error)
		truth_object(t, "the %s saw %s, its verdict says %s", side_slug(side),
			     errname(error), errname(v->error));
	else if (error && error != EPIPE && error != ECONNRESET)
		truth_object(t, "the %s saw %s, its verdict says that there was no error",
			     side_slug(side), errname(error));
}

static uint64_t resets_on_wire(const struct keep *keep, enum side scripted)
{
	uint64_t n = 0;

	for (size_t i = 0; i < keep->n; i++) {
		const struct segment *s = &keep->items[i].segment;
		enum side from = s->from.port == keep->port ? SIDE_SERVER : SIDE_CLIENT;

		n += keep->items[i].record.kind == REC_SEGMENT && s->tcp_flags & TCP_RST && from != scripted;
	}
	return n;
}

/* Every reset that the kernel counted was on the wire. */
static void agree_wire(struct trial *t, const struct keep *keep, enum side scripted)
{
	uint64_t counted = t->counts[COUNTER_OUT_RSTS].kernel, seen = resets_on_wire(keep, scripted);

	if (!keep->dropped && t->segments.all && seen != counted)
		truth_object(t, "%" PRIu64 " RSTs on the wire, OutRsts is %" PRIu64, seen, counted);
}

void truth_agree(struct trial *t, const struct keep *keep, enum side scripted)
{
	for (enum counter c = 0; c < COUNTER_MAX; c++)
		agree_counter(t, &t->counts[c]);
	agree_wire(t, keep, scripted);
	for (enum side side = 0; side < SIDE_MAX; side++)
		if (side != scripted)
			agree_program(t, keep, side);
}

static bool lacks_verdicts(const struct trial *t, const struct keep *keep)
{
	const struct ending *ending = ending_by_slug(t->ending);
	enum side closer;

	if (!ending || side_by_slug(t->closer, &closer))
		return false;
	for (enum side side = 0; side < SIDE_MAX; side++)
		if (keep->verdicts[side] < ending_verdicts(ending, closer, side))
			return true;
	return false;
}

bool truth_unseen(const struct trial *t, const struct keep *keep)
{
	if (lacks_verdicts(t, keep))
		return true;
	for (enum counter c = 0; c < COUNTER_MAX; c++)
		if (t->counts[c].result == AUDIT_GAP && (int64_t)t->counts[c].kernel > t->counts[c].observed.high)
			return true;
	return keep_is_gapped(keep);
}
