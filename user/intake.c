/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "intake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "base/span.h"
#include "ingest/decode.h"

#define FLOWS_MAX     (UINT32_C(1) << 24)
#define MINIS_DEFAULT 1048576
/* A ring that is too small is so hundreds of times a second, and once is enough to hear. */
#define SAY_LOSSES_NS (UINT64_C(1000) * 1000 * 1000)

struct intake {
	struct intake_config config;
	struct flow_table *flows;
	struct decoder decoder;
	struct summary summary;
	uint64_t wanted_then; /* verdicts that were handed out when the tape was recorded */
	struct losses losses;
	bool losses_told; /* since the last look */
	bool losses_unsaid;
	uint64_t losses_said_ns; /* when by a record, the last time */
	uint64_t bad_records;
	uint64_t observed_ns, latest_ns;
	int64_t wall_step_ns;
	void (*see)(void *ctx, const struct obs *obs);
	void *see_ctx;
	int error;
};

/* --- out --------------------------------------------------------------------------- */

static void emit(struct intake *in, struct record *record)
{
	int r;

	if (in->error)
		return;
	record->wall_step_ns = in->wall_step_ns;
	r = in->config.emit(in->config.ctx, record);
	if (r < 0)
		in->error = r;
}

/* NULL, or one of the two in the configuration. */
static bool is_wanted(struct intake *in, bool (*want)(void *ctx, const struct verdict *verdict),
		      const struct verdict *v)
{
	if (!want || want(in->config.ctx, v))
		return true;
	in->summary.filtered++;
	return false;
}

/* What was kept back when the tape was recorded is none of what there is now. */
static bool was_wanted(struct intake *in, const struct verdict *v)
{
	uint64_t count = in->config.head->count;

	if (!in->config.want_then)
		return true;
	if ((count && in->wanted_then >= count) || !is_wanted(in, in->config.want_then, v))
		return false;
	in->wanted_then++;
	return true;
}

static bool on_closed(void *ctx, const struct verdict *v)
{
	struct intake *in = ctx;
	struct record record = {.kind = REC_CLOSE, .mono_ns = v->mono_ns, .close = v};

	if (!was_wanted(in, v))
		return false;
	/* -n 10 means ten, also when more are due in the same instant */
	if (in->config.count && in->summary.verdicts >= in->config.count)
		return false;
	if (!is_wanted(in, in->config.want, v))
		return false;
	in->summary.verdicts++;
	in->summary.by_cause[v->cause]++;
	emit(in, &record);
	return true;
}

static void on_mini_ended(void *ctx, const struct minisocket *m)
{
	struct intake *in = ctx;
	struct record record = {.kind = REC_MINISOCKET, .mono_ns = m->mono_ns, .minisocket = m};

	if (!m->complete && in->config.want_mini && !in->config.want_mini(in->config.ctx, m))
		return;
	emit(in, &record);
}

static void on_reset(void *ctx, const struct reset *reset)
{
	struct intake *in = ctx;
	struct record record = {.kind = REC_RESET, .mono_ns = reset->mono_ns, .reset = reset};

	if (!reset->of && !in->config.strays)
		return;
	in->summary.resets++;
	emit(in, &record);
}

/* --- on tape ----------------------------------------------------------------------- */

static void saw_time(struct intake *in, uint64_t now_ns)
{
	if (now_ns > in->latest_ns)
		in->latest_ns = now_ns;
}

static void keep(struct intake *in, enum tape_kind kind, const void *part, size_t n,
		 const char *word)
{
	if (in->config.tape)
		tape_put(in->config.tape, kind, part, n, word, word ? strlen(word) : 0);
}

/* Told at a time, and nothing else. */
static void keep_time(struct intake *in, enum tape_kind kind, uint64_t now_ns)
{
	uint8_t time[8];

	saw_time(in, now_ns);
	le_put(time, 8, now_ns);
	keep(in, kind, time, sizeof(time), NULL);
}

static void keep_peek(struct intake *in, uint64_t now_ns, const struct flow_peek *asked,
		      uint8_t substate)
{
	const struct tuple *t = &asked->tuple;
	uint8_t peek[56] = {0};

	le_put(peek, 8, now_ns);
	le_put(peek + 8, 8, asked->mini_addr);
	peek[16] = t->family;
	peek[17] = substate;
	le_put(peek + 18, 2, t->local.port);
	le_put(peek + 20, 2, t->peer.port);
	memcpy(peek + 24, t->local.addr, 16);
	memcpy(peek + 40, t->peer.addr, 16);
	keep(in, TAPE_PEEK, peek, sizeof(peek), NULL);
}

/* --- in ---------------------------------------------------------------------------- */

static void take_obs(struct intake *in, const struct obs *obs)
{
	struct tuple tuple;
	uint64_t conn = flow_take(in->flows, obs, &tuple);

	if (in->see && obs->kind == OBS_SNAPSHOT)
		in->see(in->see_ctx, obs);
	in->observed_ns = obs->mono_ns;
	saw_time(in, obs->mono_ns);
	if (in->config.events && conn != FLOW_REPEATED) {
		struct event event = {.conn = conn, .obs = obs, .tuple = tuple};
		struct record record = {
			.kind = REC_EVENT, .mono_ns = obs->mono_ns, .event = &event};

		emit(in, &record);
	}
}

void intake_record(struct intake *in, const void *data, size_t size)
{
	struct obs obs;

	keep(in, TAPE_RECORD, data, size, NULL);
	in->summary.events++;
	/* no machine has run for 292 years: what says so is no time, and might be more than sums can hold */
	if (decode(&in->decoder, data, size, &obs) || obs.mono_ns > INT64_MAX)
		in->bad_records++;
	else if (obs.mono_ns >= in->config.head->attached_ns)
		take_obs(in, &obs);
}

static bool has_losses_to_say(const struct intake *in, uint64_t now_ns)
{
	return in->losses_unsaid && now_ns >= in->losses_said_ns + SAY_LOSSES_NS;
}

static void say_losses(struct intake *in, uint64_t now_ns)
{
	struct loss loss;
	struct record record = {.kind = REC_LOSS, .mono_ns = now_ns, .loss = &loss};

	in->losses_unsaid = false;
	in->losses_said_ns = now_ns;
	while (losses_next(&in->losses, &loss)) {
		loss.mono_ns = now_ns;
		emit(in, &record);
	}
}

void intake_tick(struct intake *in, uint64_t now_ns)
{
	bool losses = has_losses_to_say(in, now_ns);

	if (!losses && !flow_is_due(in->flows, now_ns))
		return;
	keep_time(in, TAPE_TICK, now_ns);
	flow_tick(in->flows, now_ns);
	if (losses)
		say_losses(in, now_ns);
}

void intake_wall(struct intake *in, int64_t step_ns)
{
	uint8_t step[8];

	in->wall_step_ns = step_ns;
	le_put(step, 8, (uint64_t)step_ns);
	keep(in, TAPE_WALL, step, sizeof(step), NULL);
}

int64_t intake_wall_step_ns(const struct intake *in)
{
	return in->wall_step_ns;
}

void intake_loss(struct intake *in, const struct losses_of *of)
{
	uint8_t counts[24];

	if (!losses_set(&in->losses, of))
		return;
	in->losses_told = true;
	le_put(counts, 8, of->lost);
	le_put(counts + 8, 8, of->missed);
	le_put(counts + 16, 8, of->rescued);
	keep(in, TAPE_LOSS, counts, sizeof(counts), of->where);
}

void intake_look(struct intake *in, uint64_t now_ns)
{
	if (!in->losses_told)
		return;
	in->losses_told = false;
	keep_time(in, TAPE_LOOK, now_ns);
	if (!losses_sum(&in->losses))
		return;
	/* whatever is open now may have been told of by what was lost */
	flow_gap(in->flows, now_ns);
	in->losses_unsaid = true;
	if (has_losses_to_say(in, now_ns))
		say_losses(in, now_ns);
}

size_t intake_ask(struct intake *in, uint64_t now_ns, struct flow_peek ret[INTAKE_ASKS])
{
	size_t n = flow_peeks(in->flows, ret, INTAKE_ASKS);

	if (n)
		keep_time(in, TAPE_ASK, now_ns);
	return n;
}

void intake_peek(struct intake *in, uint64_t now_ns, const struct flow_peek *asked,
		 uint8_t substate)
{
	struct obs obs = {.kind = OBS_MINI_PEEK, .mono_ns = now_ns, .tuple = asked->tuple};

	keep_peek(in, now_ns, asked, substate);
	obs.mini.addr = asked->mini_addr;
	obs.mini.substate = substate;
	take_obs(in, &obs);
}

void intake_looked(struct intake *in, uint64_t began_ns)
{
	keep_time(in, TAPE_LOOKED, began_ns);
	flow_looked(in->flows, began_ns);
}

void intake_stop(struct intake *in, uint64_t since_ns)
{
	keep_time(in, TAPE_STOP, since_ns);
	flow_stop(in->flows, since_ns);
}

void intake_gap(struct intake *in)
{
	flow_gap(in->flows, in->latest_ns);
}

void intake_finish(struct intake *in, uint64_t now_ns)
{
	struct summary *s = &in->summary;
	struct record record = {.kind = REC_SUMMARY, .mono_ns = now_ns, .summary = s};
	struct flow_counts counts;

	keep_time(in, TAPE_END, now_ns);
	losses_sum(&in->losses);
	flow_finish(in->flows, now_ns);
	if (in->losses_unsaid)
		say_losses(in, now_ns);
	counts = flow_counts(in->flows);
	s->mono_ns = now_ns;
	s->duration_ns = span_ns(in->config.head->attached_ns, now_ns);
	s->lost = in->losses.lost;
	s->missed = in->losses.missed;
	s->rescued = in->losses.rescued;
	s->evicted = counts.evicted;
	s->open = counts.open;
	s->minis = counts.minis;
	emit(in, &record);
}

/* --- asked ------------------------------------------------------------------------- */

const struct flow_table *intake_flows(const struct intake *in)
{
	return in->flows;
}

void intake_see(struct intake *in, void (*see)(void *ctx, const struct obs *obs), void *ctx)
{
	in->see = see;
	in->see_ctx = ctx;
}

void intake_fail(struct intake *in, int error)
{
	if (!in->error)
		in->error = error;
}

int intake_error(const struct intake *in)
{
	return in->error;
}

uint64_t intake_verdicts(const struct intake *in)
{
	return in->summary.verdicts;
}

uint64_t intake_records(const struct intake *in)
{
	return in->summary.events;
}

uint64_t intake_bad_records(const struct intake *in)
{
	return in->bad_records;
}

uint64_t intake_observed_ns(const struct intake *in)
{
	return in->observed_ns;
}

uint64_t intake_latest_ns(const struct intake *in)
{
	return in->latest_ns;
}

bool intake_pending_in(const struct intake *in, uint32_t netns)
{
	return flow_pending_in(in->flows, netns);
}

uint32_t intake_covered(const struct intake *in)
{
	return in->config.head->covered;
}

struct flow_counts intake_counts(const struct intake *in)
{
	return flow_counts(in->flows);
}

bool intake_lacks_owners(const struct intake *in)
{
	return flow_lacks_owners(in->flows);
}

bool intake_wants_owners(const struct intake *in)
{
	return flow_wants_owners(in->flows);
}

bool intake_closing(const struct intake *in)
{
	return flow_closing(in->flows);
}

/* --- made -------------------------------------------------------------------------- */

/* A tape may ask for anything. */
static uint32_t flows_of(const struct tape_head *head)
{
	if (!head->max_flows)
		return 1;
	return head->max_flows < FLOWS_MAX ? head->max_flows : FLOWS_MAX;
}

int intake_new(const struct intake_config *config, struct intake **ret)
{
	const struct tape_head *head = config->head;
	uint32_t max = flows_of(head);
	struct flow_config flows = {
		.max_flows = max,
		.max_minis = max > MINIS_DEFAULT / 4 ? MINIS_DEFAULT : max * 4,
		.covered = head->covered,
		.closed = on_closed,
		.mini_ended = on_mini_ended,
		.reset = on_reset,
		.audit = config->audit,
	};
	struct intake *in = calloc(1, sizeof(*in));
	int r;

	if (!in)
		return -ENOMEM;
	in->config = *config;
	in->latest_ns = head->attached_ns;
	in->decoder = (struct decoder){head->hz, head->reasons, head->n_reasons};
	flows.ctx = in;
	r = flow_table_new(&flows, &in->flows);
	if (r) {
		intake_free(in);
		return r;
	}
	if (in->config.tape)
		tape_head_write(in->config.tape, head);
	*ret = in;
	return 0;
}

void intake_free(struct intake *in)
{
	if (!in)
		return;
	flow_table_free(in->flows);
	free(in);
}
