/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "selftest/stage.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "selftest/truth.h"

/* How long the connection stays open before it ends: long enough to be one. */
#define DELAY_NS UINT64_C(50000000)

const char *ip_slug(enum ip ip)
{
	static const char *const slugs[IP_MAX] = {"ipv4", "ipv6", "mapped"};

	return slugs[ip];
}

static int on_segments(void *ctx, int fd)
{
	struct stage *stage = ctx;

	(void)fd;
	return capture_drain(stage->capture) ? 1 : 0;
}

struct opening {
	struct stage *stage;
	char why[CAPTURE_WHY];
};

static int open_capture(void *ctx)
{
	struct opening *opening = ctx;
	struct stage *stage = opening->stage;

	return capture_open("lo", stage->port, play_segment, &stage->play, &stage->capture, opening->why);
}

/* A loopback that nobody else uses. */
static int set_up_loopback(struct stage *stage)
{
	struct opening opening = { .stage = stage };
	int r = place_new(&stage->netns);

	if (r) {
		log_error("cannot make a network namespace: %s", strerror(-r));
		return r;
	}
	r = place_inside(&stage->netns, open_capture, &opening);
	if (!r)
		r = run_watch(stage->run, capture_fd(stage->capture), on_segments, stage);
	if (r)
		log_error("cannot capture in a network namespace: %s", *opening.why ? opening.why : strerror(-r));
	stage->play.capture = stage->capture;
	stage->play.netns_fd = stage->netns.fd;
	return r;
}

/* The namespace of a scripted peer, and the wire to it. */
static int set_up_wire(struct stage *stage)
{
	int r = play_open_net(&stage->play, stage->part.ending);

	if (r)
		return r;
	r = place_adopt(stage->play.net.netns, &stage->netns);
	if (r)
		log_error("cannot enter the network namespace of a wire: %s", strerror(-r));
	return r;
}

static void tear_down(struct stage *stage)
{
	play_free(&stage->play);
	if (stage->capture) {
		run_unwatch(stage->run, capture_fd(stage->capture));
		capture_close(stage->capture);
	}
	stage->capture = NULL;
	place_free(&stage->netns);
	stage->busy = false;
}

/* How far the kernel's counters have moved by now, and what was observed of each. */
static int count(const struct stage *stage, struct trial *t)
{
	struct mibs delta;
	int r = place_counters(&stage->netns, &delta);

	if (r)
		return r;
	mib_subtract(&delta, &stage->before);
	truth_count(t, stage->audit, stage->netns.inode, &delta, run_covered(stage->run));
	return 0;
}

/* A namespace that goes away within its story is read before. */
static void on_leave(void *ctx)
{
	struct stage *stage = ctx;

	stage->count_result = count(stage, &stage->trial);
	stage->counted = true;
	place_free(&stage->netns);
}

static int no_emit(void *ctx, const struct record *record)
{
	(void)ctx;
	(void)record;
	return 0;
}

static void set_play(struct stage *stage)
{
	stage->play = (struct play){
		.run = stage->run,
		.port = stage->port,
		.family = stage->part.ip == IP_V4 ? 4 : 6,
		.mapped = stage->part.ip == IP_MAPPED,
		.segments = true,
		.delay_ns = DELAY_NS,
		.emit = no_emit,
		.leave = on_leave,
		.ctx = stage,
	};
}

/* A namespace anew for every try: whatever it counts is ours, and must be explained. */
static int next_try(struct stage *stage)
{
	int r;

	tear_down(stage);
	set_play(stage);
	stage->busy = true;
	stage->tries++;
	stage->lost = stage->counted = false;
	r = ending_is_raw(stage->part.ending) ? set_up_wire(stage) : set_up_loopback(stage);
	if (r)
		return r;
	r = place_counters(&stage->netns, &stage->before);
	if (r) {
		log_error("cannot read the counters of a network namespace: %s", strerror(-r));
		return r;
	}
	stage->play.netns = stage->netns.inode;
	audit_forget(stage->audit, stage->netns.inode);
	return play_begin(&stage->play, stage->part.ending, stage->part.closer);
}

int stage_begin(struct stage *stage, const struct part *part)
{
	int r = truth_begin(part->ending, part->closer, run_covered(stage->run), &stage->trial);

	stage->part = *part;
	stage->tries = 0;
	stage->began_ns = run_now_ns();
	stage->netns = PLACE_NONE;
	stage->trial.ip = ip_slug(part->ip);
	if (!r)
		r = next_try(stage);
	if (r)
		tear_down(stage);
	return r;
}

int stage_take(struct stage *stage, const struct record *record)
{
	if (!stage->busy)
		return 0;
	stage->lost |= record->kind == REC_LOSS;
	return play_take(&stage->play, record);
}

static void judge(struct stage *stage, const char *why, struct trial *t)
{
	enum side scripted = ending_is_raw(stage->part.ending) ? ending_raw_side(stage->part.closer) : SIDE_MAX;
	int r = stage->counted ? stage->count_result : count(stage, t);

	truth_observe(t, &stage->play.keep);
	if (why && play_unsaid(&stage->play))
		truth_unsaid(t, play_unsaid(&stage->play));
	else if (why)
		truth_differs(t, &stage->play.keep, why);
	if (r) {
		truth_object(t, "the counters cannot be read: %s", strerror(-r));
		return;
	}
	truth_agree(t, &stage->play.keep, scripted);
	if (stage->lost && t->outcome == TRIAL_FAILED)
		truth_object(t, "records were lost on the way: the machine was too busy");
}

/*
 * A machine that is too busy for the programs to keep their time, or on which the
 * sensors were not run for something that the kernel did, is no judge: then once
 * more, and again. What was seen and is wrong is never tried again.
 */
#define BUSY_TRIES_MAX 3

static bool tries_again(const struct stage *stage, const struct trial *t)
{
	if (t->outcome != TRIAL_FAILED)
		return false;
	if (play_tries_again(&stage->play, stage->tries))
		return true;
	return stage->tries < BUSY_TRIES_MAX &&
	       (stage->lost || play_stumbled(&stage->play) || truth_unseen(t, &stage->play.keep));
}

bool stage_over(struct stage *stage)
{
	char why[CHECK_WHY] = "";
	struct trial trial = stage->trial;
	bool good;

	if (!play_over(&stage->play))
		return false;
	play_drain(&stage->play);
	good = play_good(&stage->play, why);
	trial.mono_ns = run_now_ns();
	trial.took_ns = trial.mono_ns - stage->began_ns;
	trial.tries = (uint32_t)stage->tries;
	judge(stage, good ? NULL : why, &trial);
	if (tries_again(stage, &trial) && !next_try(stage))
		return false;
	stage->trial = trial;
	tear_down(stage);
	return true;
}

void stage_free(struct stage *stage)
{
	if (stage->busy)
		tear_down(stage);
}
