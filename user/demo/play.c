/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "demo/play.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "raw_peer.h"

#define SECOND UINT64_C(1000000000)
/* The programs bound themselves: if one outlives this, it is stuck. */
#define PROGRAMS_NS (10 * SECOND)
/* A verdict takes about a second at most. */
#define VERDICTS_NS (5 * SECOND)
/* TIME_WAIT takes 60 s, behind a FIN_WAIT2 of as long. */
#define FOLLOW_NS (130 * SECOND)
/* A namespace goes when a worker of the kernel has time for it, and other CPUs have looked up. */
#define GONE_NS (30 * SECOND)
#define CHANCES_MAX 300
#define GAPPED_TRIES_MAX 3

int play_take(struct play *play, const struct record *record)
{
	/* Between stories: what an earlier one has left in the kernel, and the end of the run. */
	if (play->open)
		return record->kind == REC_SUMMARY ? 0 : keep_take(&play->keep, record);
	if (record->kind == REC_SUMMARY || record->kind == REC_LOSS)
		return play->emit(play->ctx, record);
	return 0;
}

static void note(struct play *play, const struct record *record)
{
	int r = keep_take(&play->keep, record);

	if (r && !play->err)
		play->err = r;
}

void play_segment(void *ctx, const struct segment *segment)
{
	struct play *play = ctx;
	struct record record = { .kind = REC_SEGMENT,
				 .mono_ns = segment->mono_ns,
				 .segment = segment };

	if (play->open)
		note(play, &record);
}

static int on_app(void *ctx, const struct app *app)
{
	struct play *play = ctx;
	struct record record = { .kind = REC_APP, .mono_ns = app->mono_ns, .app = app };

	return keep_take(&play->keep, &record);
}

/* --- when is it over? ------------------------------------------------------------ */

static bool all_verdicts(const struct play *play)
{
	for (enum side side = 0; side < SIDE_MAX; side++)
		if (check_has_verdict(play->ending, play->closer, side) &&
		    !play->keep.verdicts[side])
			return false;
	return true;
}

static void say_progress(struct play *play, uint64_t now_ns)
{
	uint64_t seconds = (now_ns - play->began_ns) / SECOND;

	if (!play->progress || seconds == play->said_s)
		return;
	play->said_s = seconds;
	fprintf(stderr, "\r%s: %s, %llu s ", play->ending->slug,
		!play->ended_ns	     ? "the programs are running" :
		play->left	     ? "the namespace goes away" :
		!all_verdicts(play)  ? "waiting for the verdicts" :
				       "the tuple is still taken",
		(unsigned long long)seconds);
}

static void end_progress(struct play *play)
{
	if (play->said_s)
		fprintf(stderr, "\r%*s\r", 72, "");
	play->said_s = 0;
}

static bool programs_over(void *ctx)
{
	const struct play *play = ctx;

	return pair_done(play->pair);
}

/* One verdict too many is as wrong as one too few. */
static bool more_may_come(const struct play *play)
{
	return play->keep.netns ? run_pending_in(play->run, play->keep.netns) : run_pending(play->run);
}

static void close_net(struct play *play)
{
	capture_close(play->net_capture);
	play->net_capture = NULL;
	if (play->net_is_open)
		raw_net_close(&play->net);
	play->net_is_open = false;
}

/* Does its mini-socket end with the namespace? Then nobody may hold that any longer than the programs do. */
static bool goes_with_net(const struct play *play)
{
	return !strcmp(ending_mini(play->ending, play->closer), mini_end_slug(MINI_NAMESPACE_GONE));
}

/* Whatever happens in it has happened; its number is soon another one's. */
static void leave_net(struct play *play)
{
	play_drain(play);
	if (play->leave)
		play->leave(play->ctx);
	close_net(play);
	play->left = true;
	play->keep.until_ns = run_now_ns();
}

/* The socket has gone over to its mini-socket once its verdict waits for that one's end. */
static bool may_leave(const struct play *play)
{
	return goes_with_net(play) && !play->left && more_may_come(play);
}

bool play_over(struct play *play)
{
	uint64_t now = run_now_ns();
	uint64_t limit = play->delay_ns + play->ending->seconds * SECOND + PROGRAMS_NS;
	uint64_t verdicts;

	say_progress(play, now);
	if (play->err)
		return true;
	if (!pair_done(play->pair))
		return now - play->began_ns > limit;
	if (!play->ended_ns)
		play->ended_ns = now;
	if (may_leave(play))
		leave_net(play);
	verdicts = play->left ? GONE_NS : VERDICTS_NS;
	if (!all_verdicts(play))
		return now - play->ended_ns > verdicts;
	if (play->follow && play->keep.minis_ended < play->keep.minis_born)
		return now - play->ended_ns > FOLLOW_NS;
	if (check_tells_minis(run_covered(play->run)) &&
	    check_awaits_mini(&play->keep, play->ending, play->closer))
		return now - play->ended_ns > verdicts;
	/* on a busy host others always wait */
	return !more_may_come(play) || now - play->ended_ns > VERDICTS_NS;
}

/* --- one time through ------------------------------------------------------------ */

void play_drain(struct play *play)
{
	struct capture *capture = play->net_capture ? play->net_capture : play->capture;
	struct loss loss = { .mono_ns = run_now_ns(), .where = "capture" };
	struct record record = { .kind = REC_LOSS, .mono_ns = loss.mono_ns, .loss = &loss };

	if (!capture)
		return;
	if (capture_drain(capture))
		log_error("the capture of segments has stopped");
	loss.count = capture_dropped(capture);
	if (loss.count <= play->captured_lost)
		return;
	play->captured_lost = loss.count;
	note(play, &record);
}

/* The capture belongs to the namespace in which it is opened. */
static int capture_there(struct play *play)
{
	CLEANUP(close) int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	char why[CAPTURE_WHY] = "";
	int r;

	if (home < 0 || setns(play->net.netns, CLONE_NEWNET))
		return -errno;
	r = capture_open(RAW_NET_DEVICE, play->port, play_segment, play, &play->net_capture, why);
	if (r)
		log_error("segments cannot be shown: %s", *why ? why : strerror(-r));
	return setns(home, CLONE_NEWNET) ? -errno : 0;
}

/* A namespace and a wire for one story, where the other end is a scripted peer. */
int play_open_net(struct play *play, const struct ending *ending)
{
	int r;

	if (!ending_is_raw(ending) || play->net_is_open)
		return 0;
	r = raw_net_open(raw_sysctls(ending->id), &play->net);
	play->net_is_open = !r;
	if (!r && (play->capture || play->segments))
		r = capture_there(play);
	if (r)
		log_error("%s: no network namespace with a wire in it: %s", ending->slug,
			  strerror(-r));
	return r;
}

/* The pair's; 0 = not known, and then any will do. */
static uint32_t netns_of(const struct play *play)
{
	struct stat st;

	if (play->netns)
		return play->netns;
	if (play->net_is_open ? fstat(play->net.netns, &st) : stat("/proc/thread-self/ns/net", &st))
		return 0;
	return (uint32_t)st.st_ino;
}

int play_begin(struct play *play, const struct ending *ending, enum side closer)
{
	bool raw = ending_is_raw(ending);
	int r = play_open_net(play, ending);
	struct pair_config config = {
		.ending = ending,
		.closer = closer,
		.family = play->family,
		.mapped = play->mapped,
		.port = play->port,
		.delay_ns = play->delay_ns,
		.netns = raw ? play->net.netns : play->netns_fd,
		.tun = raw ? play->net.tun : 0,
		.app = on_app,
		.ctx = play,
	};

	if (r)
		return r;
	play->ending = ending;
	play->closer = closer;
	play->began_ns = run_now_ns();
	keep_begin(&play->keep, play->port, netns_of(play), play->began_ns);
	play->open = true;
	play->ended_ns = 0;
	play->left = false;
	return pair_start(play->run, &config, &play->pair);
}

/* Asked after every turn of the loop. */
static bool over(void *ctx)
{
	return play_over(ctx);
}

/* Lives through the ending once; all that was seen is kept then. */
static int live(struct play *play, const struct ending *ending, enum side closer)
{
	int r = play_begin(play, ending, closer);

	if (r)
		return r;
	r = run_loop(play->run, over, play);
	if (!r && !pair_done(play->pair)) {
		pair_kill(play->pair);
		r = run_loop(play->run, programs_over, play);
	}
	end_progress(play);
	play_drain(play);
	return r ? r : play->err;
}

bool play_stumbled(const struct play *play)
{
	char why[PAIR_WHY];

	return pair_failed(play->pair, why);
}

/* After live(): is it what it had to be? */
bool play_good(const struct play *play, char why[CHECK_WHY])
{
	char failed[PAIR_WHY];

	if (!run_interrupted(play->run) && pair_failed(play->pair, failed)) {
		snprintf(why, CHECK_WHY, "%s", failed);
		return false;
	}
	return check_story(&play->keep, play->ending, play->closer, run_covered(play->run), why);
}

/* More than a story can hold. */
static int tell_dropped(struct play *play)
{
	struct loss loss = {
		.mono_ns = run_now_ns(), .where = "story", .count = play->keep.dropped
	};
	struct record record = { .kind = REC_LOSS, .mono_ns = loss.mono_ns, .loss = &loss };

	return loss.count ? play->emit(play->ctx, &record) : 0;
}

static int tell(struct play *play, const char *title, const char *differs)
{
	struct story story = {
		.begin = true,
		.ending = play->ending->slug,
		.title = title,
		.closer = side_slug(play->closer),
		.server_port = play->port,
		.as_expected = !differs,
		.brief = play->brief,
		.differs = differs,
	};
	struct record record = { .kind = REC_STORY, .mono_ns = play->began_ns, .story = &story };
	int r = 0;

	for (enum side side = 0; side < SIDE_MAX && !r; side++)
		r = check_cause(play->ending, play->closer, side, &story.expect[side]);
	if (!r)
		r = play->emit(play->ctx, &record);
	if (!r)
		r = keep_emit(&play->keep, play->emit, play->ctx);
	if (!r)
		r = tell_dropped(play);
	story.begin = false;
	record.mono_ns = run_now_ns();
	return r ? r : play->emit(play->ctx, &record);
}

void play_close(struct play *play)
{
	play->open = false;
	pair_free(play->pair);
	play->pair = NULL;
	close_net(play);
}

bool play_tries_again(const struct play *play, int tries)
{
	if (!(play->ending->traits & TRAIT_CHANCE) || tries == CHANCES_MAX || run_interrupted(play->run))
		return false;
	for (enum side side = 0; side < SIDE_MAX; side++)
		if (play->keep.verdicts[side] !=
		    (size_t)check_has_verdict(play->ending, play->closer, side))
			return false;
	return true;
}

/* Told with something missing, however well it ends: the kernel ran no program for an event, or the ring was full. */
static bool tells_again(const struct play *play, int tries)
{
	return keep_is_gapped(&play->keep) && tries < GAPPED_TRIES_MAX && !run_interrupted(play->run);
}

/* Has the kernel MPTCP, and is it allowed here? 0, or negative errno. */
static int mptcp_possible(void)
{
	CLEANUP(close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);

	return fd < 0 ? -errno : 0;
}

bool play_possible(const struct ending *ending)
{
	cpu_set_t allowed;

	if (ending_is_raw(ending) && raw_net_possible()) {
		log_info("%s: skipped: no TUN here (%s)", ending->slug, strerror(-raw_net_possible()));
		return false;
	}
	if (ending->traits & TRAIT_MPTCP && mptcp_possible()) {
		log_info("%s: skipped: no MPTCP here (%s)", ending->slug, strerror(-mptcp_possible()));
		return false;
	}
	if (!(ending->traits & TRAIT_CPUS) || sched_getaffinity(0, sizeof(allowed), &allowed) ||
	    CPU_COUNT(&allowed) > 1)
		return true;
	log_info("%s: skipped: with one CPU no two FINs can cross on loopback", ending->slug);
	return false;
}

const char *play_unsaid(const struct play *play)
{
	const struct verdict *v = keep_verdict(&play->keep, SIDE_SERVER, 0);

	if (!(play->ending->traits & TRAIT_REASON) || !v || !v->rst_sent || v->rst_reason)
		return NULL;
	return "this kernel gives no reasons for RSTs";
}

static int finish(struct play *play, int tries, bool good, const char *why, enum play_result *ret)
{
	bool interrupted = run_interrupted(play->run);
	char title[CHECK_WHY];

	snprintf(title, sizeof(title), tries > 1 ? "%s (try %d)" : "%s", play->ending->title,
		 tries);
	*ret = interrupted ? PLAY_INTERRUPTED : good ? PLAY_AS_EXPECTED : PLAY_DIFFERS;
	return tell(play, title, good ? NULL : interrupted ? "interrupted" : why);
}

int play_ending(struct play *play, const struct ending *ending, enum side closer,
		enum play_result *ret)
{
	char why[CHECK_WHY] = "";
	bool good = false;
	int tries = 0, r;

	if (!play_possible(ending)) {
		*ret = PLAY_SKIPPED;
		return 0;
	}
	do {
		play_close(play);
		r = live(play, ending, closer);
		good = !r && play_good(play, why);
		tries++;
	} while (!r && (tells_again(play, tries) || (!good && play_tries_again(play, tries))));
	if (!r && !good && play_unsaid(play)) {
		log_info("%s: skipped: %s", ending->slug, play_unsaid(play));
		*ret = PLAY_SKIPPED;
	} else if (!r)
		r = finish(play, tries, good, why, ret);
	play_close(play);
	return r;
}

void play_free(struct play *play)
{
	play_close(play);
	keep_free(&play->keep);
}
