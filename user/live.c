/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* live: the sensors in this kernel as a source. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "lag.h"
#include "run.h"
#include "source.h"

#define FLOWS_DEFAULT 262144
#define PEEK_EVERY_NS UINT64_C(200000000)
#define LOOK_EVERY_NS UINT64_C(500000000)
#define HOOK_WORD     64

struct live {
	struct source source;
	struct session *session;
	struct tape_head head;
	char kernel[128];
	char hooks[HOOK_MAX][HOOK_WORD];
	uint64_t turned_ns; /* when this turn of the loop began */
	uint64_t ticked_ns, peeked_ns, looked_ns;
	uint64_t lost_seen; /* of session_lost() */
	uint64_t wall_ns; /* wall clock minus monotonic clock, when it began */
	int64_t wall_step_ns;
	struct lag lag;
	bool finished, peeks_work;
};

/* --- losses and time --------------------------------------------------------------- */

static void look_for_losses(struct live *live, uint64_t now_ns)
{
	struct losses_of late = {.where = "ring", .lost = live->lag.late};
	struct session_losses now;

	if (session_losses(live->session, &now))
		return;
	for (int hook = 0; hook < HOOK_MAX; hook++) {
		struct losses_of of = {.lost = now.lost[hook],
				       .missed = now.missed[hook],
				       .rescued = now.rescued[hook]};

		snprintf(of.where, sizeof(of.where), "%s", hook_row((enum hook)hook)->slug);
		intake_loss(live->source.intake, &of);
	}
	intake_loss(live->source.intake, &late);
	intake_look(live->source.intake, now_ns);
}

/* What will not have been read when verdicts are given. */
static void skip_unread(struct live *live, uint64_t now_ns)
{
	uint64_t before = live->lag.late;

	lag_skip(&live->lag, session_position(live->session), session_unread(live->session));
	if (live->lag.late != before)
		look_for_losses(live, now_ns);
}

/* Verdicts become due: first, is there anything that they should have known? */
static void tick(struct live *live, uint64_t now_ns)
{
	uint64_t lost = session_lost(live->session);

	if (lost != live->lost_seen) {
		live->lost_seen = lost;
		look_for_losses(live, run_now_ns());
	}
	live->ticked_ns = now_ns;
	intake_tick(live->source.intake, now_ns);
}

/* A long drain must not keep verdicts waiting. */
static void tick_if_late(struct live *live)
{
	uint64_t observed_ns = intake_observed_ns(live->source.intake);

	if (observed_ns > live->ticked_ns + RUN_TICK_NS)
		tick(live, observed_ns);
}

/* --- the wall clock ------------------------------------------------------------------ */

/* Both clocks are slewed alike: what differs by so much was set, or the machine slept. */
#define STEP_NS (1000 * 1000)
/* No two clocks can be read at once: a reading that took longer than that is none. */
#define READ_NS (100 * 1000)

static bool read_wall_minus_mono(uint64_t *ret)
{
	uint64_t before_ns = clock_mono_ns(), wall_ns = clock_ns(CLOCK_REALTIME);

	*ret = wall_ns - before_ns;
	return clock_mono_ns() - before_ns < READ_NS;
}

static void look_at_wall_clock(struct live *live)
{
	uint64_t wall_ns;
	int64_t step_ns;

	if (!read_wall_minus_mono(&wall_ns))
		return;
	if (!live->wall_ns)
		live->wall_ns = wall_ns;
	step_ns = (int64_t)(wall_ns - live->wall_ns);
	if (step_ns - live->wall_step_ns <= STEP_NS && live->wall_step_ns - step_ns <= STEP_NS)
		return;
	live->wall_step_ns = step_ns;
	intake_wall(live->source.intake, step_ns);
}

/* --- what the sensors say ---------------------------------------------------------- */

/*
 * A ring that is filled as fast as it is read would never let go: signals,
 * peeks and the output want their turn. The clock is asked now and then.
 */
static bool is_turn_over(struct live *live)
{
	return !live->finished && !(intake_records(live->source.intake) % 128) &&
	       run_now_ns() > live->turned_ns + RUN_TICK_NS;
}

static int on_record(void *ctx, const void *data, size_t size)
{
	struct live *live = ctx;
	int r;

	intake_record(live->source.intake, data, size);
	tick_if_late(live);
	r = intake_error(live->source.intake);
	if (r)
		return r;
	return is_turn_over(live) ? -EAGAIN : 0;
}

/* Another one's by now, or free memory: that one is gone. */
static uint8_t where_it_stands(const struct flow_peek *asked, const struct session_peek *answer)
{
	struct tuple found = {.family = answer->family};

	memcpy(found.local.addr, answer->local, sizeof(found.local.addr));
	memcpy(found.peer.addr, answer->peer, sizeof(found.peer.addr));
	found.local.port = answer->local_port;
	found.peer.port = answer->peer_port;
	return tuple_equal(&found, &asked->tuple) ? answer->substate : 0;
}

/* Asks the kernel where the mini-sockets stand whose step to TIME_WAIT may go untraced. */
static void peek(struct live *live)
{
	struct intake *in = live->source.intake;
	struct flow_peek asked[INTAKE_ASKS];
	struct session_peek answers[INTAKE_ASKS];
	size_t n = live->peeks_work ? intake_ask(in, run_now_ns(), asked) : 0;
	uint64_t looked_ns;

	if (!n)
		return;
	for (size_t i = 0; i < n; i++)
		answers[i] = (struct session_peek){.addr = asked[i].mini_addr};
	if (session_peek(live->session, answers, n)) {
		log_debug("this kernel does not run a program on request: TIME_WAIT may be noticed late");
		live->peeks_work = false;
		return;
	}
	looked_ns = run_now_ns();
	/* what happened before the look is in the ring by now, and comes first; else: another time */
	if (session_catch_up(live->session))
		return;
	for (size_t i = 0; i < n; i++) {
		intake_peek(in, looked_ns, &asked[i], where_it_stands(&asked[i], &answers[i]));
		tick_if_late(live);
	}
}

/* --- a source ------------------------------------------------------------------------ */

/* What was there before the trace. */
static void live_begin(struct source *source)
{
	struct live *live = (struct live *)source;
	int minis = session_find_minis(live->session);
	int sockets = session_snapshot(live->session, true), r = minis ? minis : sockets;

	if (r)
		log_info("cannot look at the sockets that exist (%s): older connections are known by what happens to them",
			 strerror(-r));
}

static int live_turn(struct source *source, uint64_t now_ns)
{
	struct live *live = (struct live *)source;
	struct lag *lag = &live->lag;
	uint64_t time_ns;
	int r;

	live->turned_ns = now_ns;
	look_at_wall_clock(live);
	r = session_consume(live->session);
	if (r < 0)
		return r;
	/* what still waits in the ring may be what a verdict must know: time is as far as has been read */
	time_ns = lag_time(lag, (enum session_left)r, session_position(live->session),
			   intake_observed_ns(source->intake), now_ns);
	if (lag->overdue)
		skip_unread(live, now_ns);
	if (!lag->held && now_ns >= live->peeked_ns + PEEK_EVERY_NS) {
		live->peeked_ns = now_ns;
		peek(live);
	}
	/* skipped programs are told by the kernel only when asked: in time for what is pending */
	if (intake_counts(source->intake).pending)
		look_for_losses(live, now_ns);
	tick(live, time_ns);
	if (!lag->held && now_ns >= live->looked_ns + LOOK_EVERY_NS) {
		live->looked_ns = now_ns;
		if (intake_wants_owners(source->intake) && !session_snapshot(live->session, false))
			intake_looked(source->intake, now_ns);
	}
	return 0;
}

/* What must follow the last state changes has that long: an RST, a mini-socket. */
#define REST_NS (20 * 1000 * 1000)

static void drain(struct live *live)
{
	struct timespec rest = {.tv_nsec = REST_NS};

	/* no descriptor: what is ready there must not cut it short */
	ppoll(NULL, 0, &rest, NULL);
	session_consume(live->session);
}

/* What the network has just ended has no time left to be closed by who holds it, or to be looked for in its turn. */
static void look_for_owners(struct live *live)
{
	session_catch_up(live->session);
	if (intake_lacks_owners(live->source.intake))
		session_snapshot(live->session, false);
}

static int live_finish(struct source *source)
{
	struct live *live = (struct live *)source;
	uint64_t now_ns;

	peek(live);
	look_for_owners(live);
	intake_stop(source->intake, run_now_ns());
	session_detach_states(live->session);
	drain(live);
	session_detach(live->session);
	/* only now does the ring have an end */
	live->finished = true;
	session_catch_up(live->session);
	now_ns = run_now_ns();
	skip_unread(live, now_ns);
	look_for_losses(live, now_ns);
	intake_finish(source->intake, now_ns);
	if (intake_bad_records(source->intake))
		log_error("%llu records could not be read: the program and its sensors do not fit together",
			  (unsigned long long)intake_bad_records(source->intake));
	return 0;
}

static void live_close(struct source *source)
{
	struct live *live = (struct live *)source;

	session_close(live->session);
	intake_free(source->intake);
	free(live);
}

static int live_look(struct source *source)
{
	return session_snapshot(((struct live *)source)->session, true);
}

static int live_drain(struct source *source)
{
	return session_catch_up(((struct live *)source)->session);
}

static const struct source_ops live_ops = {
	.begin = live_begin,
	.look = live_look,
	.drain = live_drain,
	.turn = live_turn,
	.finish = live_finish,
	.close = live_close,
};

/* --- how it began ---------------------------------------------------------------------- */

static void find_kernel(struct live *live)
{
	CLEANUP(close) int fd = open("/proc/sys/kernel/osrelease", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, live->kernel, sizeof(live->kernel) - 1);

	live->kernel[n > 0 ? n : 0] = '\0';
	live->kernel[strcspn(live->kernel, "\n")] = '\0';
	live->head.kernel = live->kernel;
}

static void list_hooks(struct live *live, const struct plan *plan)
{
	_Static_assert((int)HOOK_MAX <= TAPE_WORDS_MAX,
		       "the head of a tape has room for all hooks");
	for (int i = 0; i < HOOK_MAX; i++) {
		if (plan->chosen[i] == WAY_AUTO)
			continue;
		snprintf(live->hooks[i], HOOK_WORD, "%s %s", hook_row((enum hook)i)->slug,
			 way_slug(plan->chosen[i]));
		live->head.hooks.word[live->head.hooks.n++] = live->hooks[i];
	}
}

static int open_intake(struct live *live, const struct run_config *config)
{
	struct intake_config intake = {
		.head = &live->head,
		.events = config->events,
		.strays = config->strays,
		.audit = config->audit,
		.count = config->count,
		.tape = config->tape,
		.emit = config->emit,
		.want = config->want,
		.want_mini = config->want_mini,
		.ctx = config->ctx,
	};

	live->head.count = config->count;
	live->head.max_flows = config->max_flows ? config->max_flows : FLOWS_DEFAULT;
	live->head.hz = session_hz(live->session);
	live->head.reasons = session_reasons(live->session, &live->head.n_reasons);
	live->head.covered = session_plan(live->session)->covered;
	find_kernel(live);
	list_hooks(live, session_plan(live->session));
	return intake_new(&intake, &live->source.intake);
}

int live_open(const struct run_config *config, struct source **ret)
{
	struct live *live = calloc(1, sizeof(*live));
	int r;

	if (!live) {
		log_error("cannot start: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	live->source = (struct source){.ops = &live_ops, .fd = -1};
	live->peeks_work = true;
	if (config->head)
		live->head = *config->head;
	live->wall_ns = live->head.wall_minus_mono_ns;
	r = session_open(&config->session, on_record, live, &live->session);
	live->head.attached_ns = run_now_ns();
	if (!r) {
		r = open_intake(live, config);
		if (r)
			log_error("cannot start: %s", strerror(-r));
	}
	if (r) {
		live_close(&live->source);
		return r;
	}
	live->source.fd = session_fd(live->session);
	*ret = &live->source;
	return 0;
}
