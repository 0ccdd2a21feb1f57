/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* selftest: every ending on this kernel; verdicts, counters, wire and programs must agree. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cmd.h"
#include "opts.h"
#include "output.h"
#include "selftest/stage.h"

/* Every namespace has its own ports: all servers have this one. */
#define PORT         4242
#define JOBS_DEFAULT 8
#define JOBS_MAX     16

struct selftest {
	struct config config;
	struct output output;
	struct run *run;
	struct audit *audit;
	struct part *parts;   /* in the order of the table */
	struct trial *trials; /* theirs, once they are over */
	bool *over;
	size_t *order; /* in which they are begun */
	size_t n, begun, printed;
	struct stage stages[JOBS_MAX];
	size_t at[JOBS_MAX]; /* which part a stage plays */
	size_t jobs;
	unsigned outcomes[TRIAL_OUTCOME_MAX], again;
	bool progress, said; /* said: it stands on the terminal */
	int error;
};

/* --- what is to be tried ---------------------------------------------------------- */

static bool is_asked(const struct config *c, const struct ending *ending)
{
	for (int i = 0; i < c->n_words; i++)
		if (!strcmp(c->words[i], ending->slug) || !strcmp(c->words[i], "all"))
			return true;
	return !c->n_words;
}

static bool is_asked_of(const struct config *c, const struct ending *ending, enum side closer)
{
	return ending_can_close(ending, closer) &&
	       (!c->closer || !strcmp(c->closer, side_slug(closer)));
}

static void add_parts(struct selftest *s, const struct ending *ending)
{
	for (enum side closer = 0; closer < SIDE_MAX; closer++)
		for (enum ip ip = 0; ip < IP_MAX; ip++)
			if (is_asked_of(&s->config, ending, closer) && !(ip == IP_MAPPED && ending_is_raw(ending)))
				s->parts[s->n++] = (struct part){ending, closer, ip};
}

/* The longest first: the others fit in beside them. */
static int by_length(const void *a, const void *b, void *ctx)
{
	const struct part *parts = ctx;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	unsigned long_x = parts[x].ending->seconds, long_y = parts[y].ending->seconds;

	if (long_x != long_y)
		return long_x > long_y ? -1 : 1;
	return x < y ? -1 : x > y;
}

static int plan(struct selftest *s)
{
	size_t n, max;
	const struct ending *rows = endings(&n);

	max = n * SIDE_MAX * IP_MAX;
	s->parts = calloc(max, sizeof(*s->parts));
	s->trials = calloc(max, sizeof(*s->trials));
	s->over = calloc(max, sizeof(*s->over));
	s->order = calloc(max, sizeof(*s->order));
	if (!s->parts || !s->trials || !s->over || !s->order)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (is_asked(&s->config, &rows[i]))
			add_parts(s, &rows[i]);
	for (size_t i = 0; i < s->n; i++)
		s->order[i] = i;
	qsort_r(s->order, s->n, sizeof(*s->order), by_length, s->parts);
	return 0;
}

/* --- what came of it ---------------------------------------------------------------- */

static void say_progress(struct selftest *s)
{
	if (!s->progress || s->said)
		return;
	fprintf(stderr, "\r%zu of %zu ", s->printed, s->n);
	s->said = true;
}

/* Whatever else goes to the terminal has the line to itself. */
static void wipe_progress(struct selftest *s)
{
	if (s->said)
		fprintf(stderr, "\r%*s\r", 20, "");
	s->said = false;
}

/* In the order of the table: what is done early waits for what stands before it. */
static void print_finished(struct selftest *s)
{
	while (s->printed < s->n && s->over[s->printed]) {
		struct trial *t = &s->trials[s->printed++];
		struct record record = {.kind = REC_TRIAL, .mono_ns = t->mono_ns, .trial = t};
		int r;

		wipe_progress(s);
		r = output_take(&s->output, &record);
		s->outcomes[t->outcome]++;
		s->again += t->tries > 1 && !(ending_by_slug(t->ending)->traits & TRAIT_CHANCE);
		/* who reads along has each as it is over */
		if (!r)
			r = output_flush(&s->output);
		if (r < 0 && !s->error)
			s->error = r;
	}
	say_progress(s);
}

static void finish(struct selftest *s, size_t i, const struct trial *trial)
{
	s->trials[i] = *trial;
	s->trials[i].number = (uint32_t)i + 1;
	s->trials[i].of = (uint32_t)s->n;
	s->over[i] = true;
}

static const char *impossible(const struct part *part)
{
	if (part->ip != IP_V4 && access("/proc/net/if_inet6", F_OK))
		return "no IPv6 on this machine";
	if (!play_possible(part->ending))
		return "impossible on this machine";
	return NULL;
}

static void skip(struct selftest *s, size_t i, const char *why)
{
	const struct part *part = &s->parts[i];
	struct trial t = {
		.mono_ns = run_now_ns(),
		.ending = part->ending->slug,
		.closer = side_slug(part->closer),
		.ip = ip_slug(part->ip),
		.outcome = TRIAL_SKIPPED,
		.n_why = 1,
	};

	snprintf(t.why[0], sizeof(t.why[0]), "%s", why);
	finish(s, i, &t);
}

/* --- the run -------------------------------------------------------------------------- */

/* Gives a free stage something to do, if there is anything left. */
static int employ(struct selftest *s, size_t stage)
{
	while (s->begun < s->n) {
		size_t i = s->order[s->begun++];
		const char *why;

		wipe_progress(s);
		why = impossible(&s->parts[i]);
		if (!why) {
			s->at[stage] = i;
			return stage_begin(&s->stages[stage], &s->parts[i]);
		}
		skip(s, i, why);
	}
	return 0;
}

/* Asked after every turn of the loop. */
static bool is_over(void *ctx)
{
	struct selftest *s = ctx;

	for (size_t i = 0; i < s->jobs && !s->error; i++) {
		struct stage *stage = &s->stages[i];

		if (stage->busy && stage_over(stage))
			finish(s, s->at[i], &stage->trial);
		if (!stage->busy)
			s->error = employ(s, i);
	}
	print_finished(s);
	return s->error || s->printed == s->n;
}

static int on_record(void *ctx, const struct record *record)
{
	struct selftest *s = ctx;
	int r = 0;

	if (record->kind == REC_SUMMARY)
		return s->printed == s->n ? output_take(&s->output, record) : 0;
	for (size_t i = 0; i < s->jobs && !r; i++)
		r = stage_take(&s->stages[i], record);
	return r;
}

static int open_run(struct selftest *s)
{
	struct run_config config = {
		.session = {.way = s->config.way, .ring_kib = s->config.ring_kib},
		.strays = true,
		.emit = on_record,
		.ctx = s,
		.audit = s->audit,
	};

	config.session.filter.ports[0] = PORT;
	config.session.filter.n_ports = 1;
	return run_open(&config, &s->run);
}

static int make_room(struct selftest *s)
{
	int r = plan(s);

	if (!r)
		r = audit_new(&s->audit);
	if (r)
		log_error("cannot start: %s", strerror(-r));
	return r;
}

static int set_up(struct selftest *s)
{
	int r = pair_check();

	if (!r)
		r = make_room(s);
	if (!r)
		r = output_open(&s->config,
				s->config.json  ? &sink_ndjson
				: s->config.tap ? &sink_tap
						: &sink_truth,
				output_wall_ns(), &s->output);
	if (!r)
		r = open_run(s);
	if (!r)
		r = output_begin(&s->output);
	for (size_t i = 0; !r && i < s->jobs; i++)
		s->stages[i] = (struct stage){.run = s->run, .audit = s->audit, .port = PORT};
	return r;
}

static void say_outcomes(const struct selftest *s)
{
	if (s->again)
		log_info("%u had to be tried again: the machine was too busy, or its kernel kept something from the sensors",
			 s->again);
	log_info(
		"%u endings agree with everything that was counted and seen, %u do not, %u skipped",
		s->outcomes[TRIAL_PASSED], s->outcomes[TRIAL_FAILED], s->outcomes[TRIAL_SKIPPED]);
}

static int try_all(struct selftest *s)
{
	int r = run_loop(s->run, is_over, s);

	wipe_progress(s);
	if (r)
		log_error("cannot go on: %s", strerror(-r));
	return r;
}

static int perform(struct selftest *s)
{
	int r = set_up(s), closed;

	if (!r)
		r = try_all(s);
	if (!r)
		r = s->error ? s->error : s->printed < s->n ? -EINTR : 0;
	for (size_t i = 0; i < s->jobs; i++)
		stage_free(&s->stages[i]);
	if (!r)
		r = run_finish(s->run);
	closed = output_close(&s->output);
	if (!r)
		say_outcomes(s);
	run_close(s->run);
	audit_free(s->audit);
	free(s->parts);
	free(s->trials);
	free(s->over);
	free(s->order);
	return r ? r : closed;
}

/* --- the command ---------------------------------------------------------------------- */

static bool plans_anything(const struct config *c)
{
	size_t n;
	const struct ending *rows = endings(&n);

	for (size_t i = 0; i < n; i++)
		for (enum side closer = 0; closer < SIDE_MAX; closer++)
			if (is_asked(c, &rows[i]) && is_asked_of(c, &rows[i], closer))
				return true;
	return false;
}

static int check_config(struct selftest *s)
{
	struct config *c = &s->config;

	if (c->run) {
		log_error("selftest brings its own programs: there is nothing to put behind --");
		return -EINVAL;
	}
	for (int i = 0; i < c->n_words; i++)
		if (strcmp(c->words[i], "all") && !ending_by_slug(c->words[i])) {
			log_error("no ending is called %s: tcpclose selftest --help lists them",
				  c->words[i]);
			return -EINVAL;
		}
	if (c->jobs > JOBS_MAX) {
		log_error("--jobs must be a number from 1 to %d", JOBS_MAX);
		return -EINVAL;
	}
	if (c->json && c->tap) {
		log_error("--json and --tap: one of them");
		return -EINVAL;
	}
	if (!plans_anything(c)) {
		log_error("none of these endings can be done by the %s", c->closer);
		return -EINVAL;
	}
	s->jobs = c->jobs ? c->jobs : JOBS_DEFAULT;
	s->progress = !c->quiet && isatty(STDERR_FILENO);
	return 0;
}

int cmd_selftest(int argc, char **argv)
{
	static const struct cmd_help help = {
		.usage = "Usage: tcpclose selftest [ENDING ...] [OPTIONS]\n\n"
			 "Runs every ending of a TCP connection on this kernel, by both sides, over IPv4, IPv6 and\n"
			 "IPv4 by IPv6 sockets, each in a network namespace of its own. For each the verdicts of\n"
			 "both sockets, the kernel's counters, the segments on the wire and what both programs saw\n"
			 "must agree. Run it first on a new kernel.\n\n",
		.list = cmd_list_endings,
		.status = "0 all agree, 1 could not do it, 2 bad usage, 3 something disagrees.",
	};
	static struct selftest s; /* its stages are large for a stack */
	int r;

	if (!cmd_begin(CMD_SELFTEST, &help, argc, argv, &s.config, &r))
		return r;
	if (check_config(&s))
		return EXIT_USAGE;
	r = perform(&s);
	if (r == -EINTR)
		log_error("interrupted: %zu of %zu endings were tried", s.printed, s.n);
	if (r)
		return EXIT_FAILED;
	return s.outcomes[TRIAL_FAILED] ? EXIT_WRONG : EXIT_DONE;
}
