/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd.h"

#define DRAW_EVERY_NS UINT64_C(1000000000)
#define CLEAR_SCREEN "\033[H\033[2J"

struct view {
	const struct view_ops *ops;
	void *ctx;
	struct config config;
	struct output output;
	struct run *run;
	bool live, told; /* told: what went wrong has been said */
	uint64_t started_ns, watch_ns, drawn_ns;
	struct loss losses[HOOK_MAX]; /* as last said, by where */
};

static uint64_t sum_losses(const struct view *v)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < HOOK_MAX; i++)
		sum += v->losses[i].count;
	return sum;
}

static void note_loss(struct view *v, const struct loss *loss)
{
	for (size_t i = 0; i < HOOK_MAX; i++) {
		if (v->losses[i].where && strcmp(v->losses[i].where, loss->where))
			continue;
		v->losses[i] = *loss;
		return;
	}
}

static int on_record(void *ctx, const struct record *record)
{
	struct view *v = ctx;

	if (record->kind == REC_LOSS)
		note_loss(v, record->loss);
	if (v->ops->take)
		v->ops->take(v->ctx, record);
	return 0;
}

static bool on_want(void *ctx, const struct verdict *verdict)
{
	return opts_want(&((struct view *)ctx)->config, verdict);
}

static bool on_want_mini(void *ctx, const struct minisocket *m)
{
	return opts_want_older(&((struct view *)ctx)->config, m);
}

/* The operations of a view say themselves what went wrong. */
static int told(struct view *v, int r)
{
	v->told |= r < 0;
	return r;
}

static int draw(struct view *v, bool last)
{
	struct record record = { 0 };
	int r = told(v, v->ops->look(v->ctx, sum_losses(v), last, &record));

	if (r)
		return r;
	record.wall_step_ns = run_wall_step_ns(v->run);
	r = output_take(&v->output, &record);
	return r ? r : output_flush(&v->output);
}

static int on_turn(void *ctx)
{
	struct view *v = ctx;
	uint64_t now_ns = run_now_ns();

	if (!v->live || !v->started_ns || now_ns < v->drawn_ns + DRAW_EVERY_NS)
		return 0;
	v->drawn_ns = now_ns;
	return draw(v, false);
}

static bool is_over(void *ctx)
{
	const struct view *v = ctx;

	if (v->live && !v->config.duration_ns)
		return false;
	return run_now_ns() >= v->started_ns + v->watch_ns;
}

static int watch(struct view *v)
{
	struct run_config run = {
		.session = { .way = v->config.way, .ring_kib = v->config.ring_kib,
			     .filter = v->config.filter },
		.max_flows = v->config.max_flows,
		.emit = on_record,
		.want = on_want,
		.want_mini = on_want_mini,
		.turn = on_turn,
		.ctx = v,
	};
	int r = run_open(&run, &v->run);

	if (r)
		return r;
	r = output_begin(&v->output);
	if (!r)
		r = told(v, v->ops->begin(v->ctx, &v->config, v->run));
	if (r)
		return r;
	if (!v->config.quiet)
		fputs("Tracing TCP closes... Ctrl-C to end.\n", stderr);
	if (v->live)
		fputs(CLEAR_SCREEN, v->output.target.file);
	v->watch_ns = v->config.duration_ns ? v->config.duration_ns : v->ops->watch_ns;
	v->started_ns = run_now_ns();
	r = run_loop(v->run, is_over, v);
	run_drain(v->run);
	/* before the sensors leave: how it stood is asked while they still see */
	return r ? r : draw(v, true);
}

static int check(const struct view_ops *ops, const struct config *c)
{
	if (!c->n_words && !c->run)
		return 0;
	log_error("%s takes options only, not %s", opts_command(ops->command), c->n_words ? c->words[0] : "--");
	return -EINVAL;
}

static int run_view(struct view *v)
{
	int r, closed;

	v->live = v->config.live = !v->config.json && !v->config.once && !v->config.output && isatty(STDOUT_FILENO);
	if (output_open(&v->config, v->config.json ? &sink_ndjson : v->ops->text, output_wall_ns(),
			&v->output))
		return EXIT_FAILED;
	r = watch(v);
	closed = output_close(&v->output);
	run_close(v->run);
	if (!r)
		r = closed;
	if (r && r != -EPIPE && v->run && !closed && !v->told)
		log_error("cannot go on: %s", strerror(-r));
	return r && r != -EPIPE ? EXIT_FAILED : EXIT_DONE;
}

int view_main(const struct view_ops *ops, void *ctx, int argc, char **argv)
{
	struct view v = { .ops = ops, .ctx = ctx };
	struct cmd_help help = { .usage = ops->usage };
	int status;

	if (!cmd_begin(ops->command, &help, argc, argv, &v.config, &status))
		return status;
	if (check(ops, &v.config))
		return EXIT_USAGE;
	cmd_warn_of_pids(&v.config);
	return run_view(&v);
}
