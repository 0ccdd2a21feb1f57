/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* run: feeds a scene to a flow table, in more than one way, and keeps what comes out. */
#include <string.h>

#include "run.h"
#include "scene.h"

#define MAX_TICKS 400 /* in one pause: a minute of TIME_WAIT need not be 1500 of them */

struct running {
	const struct scene *scene;
	uint32_t covered;
	struct flow_table *table;
	struct outcome *out;
	FILE *complain;
	/* whose each conn is: the first socket of the scene that had an observation of it */
	size_t n_conns;
	struct {
		uint64_t conn;
		int sock;
	} conns[256];
};

static int whose(const struct running *r, uint64_t conn)
{
	for (size_t i = 0; i < r->n_conns; i++) {
		if (r->conns[i].conn == conn)
			return r->conns[i].sock;
	}
	return -1;
}

static bool on_closed(void *ctx, const struct verdict *v)
{
	struct running *r = ctx;
	struct outcome *out = r->out;

	if (out->n_verdicts == sizeof(out->verdicts) / sizeof(*out->verdicts)) {
		fprintf(r->complain, "too many verdicts\n");
		return true;
	}
	out->verdicts[out->n_verdicts].v = *v;
	out->verdicts[out->n_verdicts++].sock = -1;
	return true;
}

static void on_mini(void *ctx, const struct minisocket *m)
{
	struct running *r = ctx;
	struct outcome *out = r->out;

	if (out->n_minis == sizeof(out->minis) / sizeof(*out->minis)) {
		fprintf(r->complain, "too many minisockets\n");
		return;
	}
	out->minis[out->n_minis].m = *m;
	out->minis[out->n_minis++].sock = -1;
}

/* A verdict can be given from inside the very flow_take() that tells its conn. */
static void name_outcomes(struct running *r)
{
	for (size_t i = 0; i < r->out->n_verdicts; i++)
		r->out->verdicts[i].sock = whose(r, r->out->verdicts[i].v.conn);
	for (size_t i = 0; i < r->out->n_minis; i++)
		r->out->minis[i].sock = whose(r, r->out->minis[i].m.conn);
}

static enum vantage vantage_of(const struct obs *obs)
{
	switch (obs->kind) {
	case OBS_RST_ACTIVE:
		return VANTAGE_RST_ACTIVE;
	case OBS_REQUEST_GONE:
		return VANTAGE_REQUEST;
	case OBS_OVERFLOW:
		return VANTAGE_RST_REPLY;
	case OBS_RST_REPLY:
		return obs->mini.addr ? VANTAGE_MINI_REPLY : VANTAGE_RST_REPLY;
	case OBS_RST_RECEIVED:
		return VANTAGE_RST_RECEIVED;
	case OBS_MINI_BORN:
	case OBS_MINI_ARMED:
	case OBS_MINI_FOUND:
	case OBS_MINI_PEEK:
		return VANTAGE_MINI_BORN;
	case OBS_MINI_EXPIRED:
		return VANTAGE_MINI_EXPIRED;
	case OBS_MINI_CANCEL:
	case OBS_MINI_KILLED:
		return VANTAGE_MINI_KILLED;
	case OBS_DESTROY:
		return VANTAGE_DESTROY;
	case OBS_RELEASE:
		return VANTAGE_RELEASE;
	default:
		return VANTAGE_STATE;
	}
}

static bool has_understudy(enum obs_kind kind)
{
	return kind == OBS_STATE || kind == OBS_RST_ACTIVE || kind == OBS_RST_REPLY ||
	       kind == OBS_RST_RECEIVED || kind == OBS_DESTROY;
}

/* What other hooks would have told, and do not. */
static void dim(const struct running *r, struct obs *obs)
{
	if (!(r->covered >> VANTAGE_MINI_CALLER & 1))
		obs->mini.caller = MINI_BY_UNKNOWN;
	/* the timer tells of itself */
	if (!(r->covered >> VANTAGE_REQUEST_CALLER & 1) && obs->request.caller != REQUEST_BY_TIMER)
		obs->request.caller = REQUEST_BY_UNKNOWN;
	if (obs->kind == OBS_REQUEST_GONE && !(r->covered >> VANTAGE_RST_REPLY & 1)) {
		obs->request.answered = obs->request.overflow = false;
		obs->rst_reason = NULL;
	}
}

static void take(struct running *r, const struct step *step, enum regime regime)
{
	size_t place = (size_t)(step - r->scene->steps);
	struct obs obs = step->obs;
	uint64_t conn;

	if (!(r->covered >> vantage_of(&obs) & 1))
		return;
	if (regime == REGIME_LEAN && lean_leaves_out(r->scene, place))
		return;
	if (regime == REGIME_LEAN && r->covered >> VANTAGE_RST_RECEIVED & 1)
		lean_fold(r->scene, place, &obs);
	dim(r, &obs);
	conn = flow_take(r->table, &obs, NULL);
	if (conn && whose(r, conn) < 0 && r->n_conns < sizeof(r->conns) / sizeof(*r->conns)) {
		r->conns[r->n_conns].conn = conn;
		r->conns[r->n_conns++].sock = step->sock;
	}
	if (regime == REGIME_TWICE && has_understudy(obs.kind)) {
		obs.understudy = true;
		flow_take(r->table, &obs, NULL);
	}
	name_outcomes(r);
}

static void pass_time(struct running *r, uint64_t from, uint64_t to)
{
	uint64_t step = (to - from) / MAX_TICKS;

	if (step < RUN_TICK_NS)
		step = RUN_TICK_NS;
	for (uint64_t t = from + step; t < to; t += step)
		flow_tick(r->table, t);
	flow_tick(r->table, to);
	name_outcomes(r);
}

static void check_peeks(struct running *r, const struct step *step)
{
	struct flow_peek peeks[SCENE_MAX_SOCKS];
	size_t n = flow_peeks(r->table, peeks, SCENE_MAX_SOCKS);
	bool found = false;

	for (size_t i = 0; step->sock >= 0 && i < n; i++)
		found |= peeks[i].mini_addr == r->scene->socks[step->sock].base.mini.addr &&
			 tuple_equal(&peeks[i].tuple, &r->scene->socks[step->sock].base.tuple);
	if (step->sock < 0 ? n != 0 : !found)
		fprintf(r->complain, "line %d: flow_peeks gave %zu, not what was asked for\n",
			step->line, n);
}

static void check_now(struct running *r, const struct step *step)
{
	bool given = false;

	for (size_t i = 0; i < r->out->n_verdicts; i++)
		given |= r->out->verdicts[i].sock == step->sock;
	if (step->kind == STEP_PEEKS)
		check_peeks(r, step);
	else if (step->kind == STEP_GIVEN && !given)
		fprintf(r->complain, "line %d: no verdict by now\n", step->line);
	else if (step->kind == STEP_WAITING && given)
		fprintf(r->complain, "line %d: a verdict already\n", step->line);
	else if (step->kind == STEP_OWNERS_WANTED && !flow_wants_owners(r->table))
		fprintf(r->complain, "line %d: no owner is asked for\n", step->line);
	else if (step->kind == STEP_OWNERS_KNOWN && flow_wants_owners(r->table))
		fprintf(r->complain, "line %d: an owner is asked for\n", step->line);
}

static void play(struct running *r, enum regime regime)
{
	const struct scene *s = r->scene;
	uint64_t now = SEC(1000), end = 0;

	for (size_t i = 0; i < s->n_steps; i++) {
		const struct step *step = &s->steps[i];

		if (regime != REGIME_BATCH)
			pass_time(r, now, step->at_ns);
		now = step->at_ns;
		if (step->kind == STEP_OBS)
			take(r, step, regime);
		else if (step->kind == STEP_GAP)
			flow_gap(r->table, now);
		else if (step->kind == STEP_END)
			end = now;
		else if (regime != REGIME_BATCH)
			check_now(r, step);
	}
	if (!end && regime != REGIME_BATCH)
		pass_time(r, now, now + SEC(3));
	flow_finish(r->table, end ? end : now + SEC(3));
	name_outcomes(r);
}

void scene_run(const struct scene *s, enum regime regime, uint32_t covered, struct outcome *out,
	       FILE *complain)
{
	struct running r = {.scene = s, .covered = covered, .out = out, .complain = complain};
	struct flow_config config = {
		.max_flows = s->max_flows,
		.max_minis = s->max_minis,
		.covered = covered,
		.closed = on_closed,
		.mini_ended = on_mini,
		.ctx = &r,
	};

	memset(out, 0, sizeof(*out));
	if (flow_table_new(&config, &r.table)) {
		fprintf(complain, "no flow table\n");
		return;
	}
	play(&r, regime);
	out->counts = flow_counts(r.table);
	flow_table_free(r.table);
}
