/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "core/flow.h"
#include "ingest/decode.h"
#include "losses.h"

#define FLOWS_DEFAULT 262144
#define MINIS_DEFAULT 1048576
#define TICK_NS (20 * 1000 * 1000)
#define PEEK_EVERY_NS UINT64_C(200000000)
#define LOOK_EVERY_NS UINT64_C(500000000)
#define WATCHES_MAX 16
#define PEEKS_AT_ONCE 256

struct watch {
	int fd; /* -1 = free */
	int (*ready)(void *ctx, int fd);
	void *ctx;
};

struct run {
	struct run_config config;
	struct session *session;
	struct flow_table *flows;
	struct decoder decoder;
	int epoll, timer, signals;
	struct watch watches[WATCHES_MAX];
	struct summary summary;
	uint64_t attached_ns; /* before that, what one hook saw another may have missed */
	uint64_t turned_ns; /* when this turn of the loop began */
	uint64_t started_ns, ticked_ns, peeked_ns, looked_ns;
	struct losses losses;
	uint64_t lost_seen; /* of session_lost() */
	uint64_t bad_records;
	int signalled;
	bool interrupted, finished, peeks_work, looked_around;
	int error;
};

uint64_t run_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void emit(struct run *run, struct record *record)
{
	int r;

	if (run->error)
		return;
	r = run->config.emit(run->config.ctx, record);
	if (r < 0)
		run->error = r;
}

static bool on_closed(void *ctx, const struct verdict *v)
{
	struct run *run = ctx;
	struct record record = { .kind = REC_CLOSE, .mono_ns = v->mono_ns, .close = v };

	/* -n 10 means ten, also when more are due in the same instant */
	if (run->config.count && run->summary.verdicts >= run->config.count)
		return false;
	if (run->config.want && !run->config.want(run->config.ctx, v)) {
		run->summary.filtered++;
		return false;
	}
	run->summary.verdicts++;
	run->summary.by_cause[v->cause]++;
	if (run->summary.verdicts == run->config.count)
		run->interrupted = true;
	emit(run, &record);
	return true;
}

static void on_mini_ended(void *ctx, const struct minisocket *m)
{
	struct run *run = ctx;
	struct record record = { .kind = REC_MINISOCKET, .mono_ns = m->mono_ns, .minisocket = m };

	if (!m->complete && run->config.want_mini && !run->config.want_mini(run->config.ctx, m))
		return;
	emit(run, &record);
}

/* Every loss marks what was open when it was noticed: its verdict is not complete. */
static void look_for_losses(struct run *run, uint64_t now_ns)
{
	struct loss loss;
	struct record record = { .kind = REC_LOSS, .mono_ns = now_ns, .loss = &loss };

	if (!losses_look(&run->losses, run->session))
		return;
	flow_gap(run->flows, now_ns);
	while (losses_next(&run->losses, &loss)) {
		loss.mono_ns = now_ns;
		emit(run, &record);
	}
}

/* Verdicts become due: first, is there anything that they should have known? */
static void tick(struct run *run, uint64_t now_ns)
{
	uint64_t lost = session_lost(run->session);

	if (lost != run->lost_seen) {
		run->lost_seen = lost;
		look_for_losses(run, run_now_ns());
	}
	run->ticked_ns = now_ns;
	flow_tick(run->flows, now_ns);
}

static void take_obs(struct run *run, const struct obs *obs)
{
	struct tuple tuple;
	uint64_t conn = flow_take(run->flows, obs, &tuple);

	if (run->config.events) {
		struct event event = { .conn = conn, .obs = obs, .tuple = tuple };
		struct record record = { .kind = REC_EVENT, .mono_ns = obs->mono_ns, .event = &event };

		emit(run, &record);
	}
	/* a long drain must not keep verdicts waiting */
	if (obs->mono_ns > run->ticked_ns + TICK_NS)
		tick(run, obs->mono_ns);
}

/*
 * A ring that is filled as fast as it is read would never let go: signals,
 * peeks and the output want their turn. The clock is asked now and then.
 */
static bool is_turn_over(struct run *run)
{
	return !run->finished && !(run->summary.events % 128) && run_now_ns() > run->turned_ns + TICK_NS;
}

static int on_record(void *ctx, const void *data, size_t size)
{
	struct run *run = ctx;
	struct obs obs;

	run->summary.events++;
	if (decode(&run->decoder, data, size, &obs)) {
		run->bad_records++;
		return 0;
	}
	if (obs.mono_ns >= run->attached_ns)
		take_obs(run, &obs);
	if (run->error)
		return run->error;
	return is_turn_over(run) ? -EAGAIN : 0;
}

static void tell_peek(struct run *run, const struct flow_peek *asked,
		      const struct session_peek *answer, uint64_t now_ns)
{
	struct obs obs = { .kind = OBS_MINI_PEEK, .mono_ns = now_ns, .tuple = asked->tuple };
	struct tuple found = { .family = answer->family };

	memcpy(found.local.addr, answer->local, sizeof(found.local.addr));
	memcpy(found.peer.addr, answer->peer, sizeof(found.peer.addr));
	found.local.port = answer->local_port;
	found.peer.port = answer->peer_port;
	obs.mini.addr = asked->mini_addr;
	/* another one's by now, or free memory: that one is gone */
	obs.mini.substate = tuple_equal(&found, &asked->tuple) ? answer->substate : 0;
	take_obs(run, &obs);
}

/* Asks the kernel where the mini-sockets stand whose step to TIME_WAIT may go untraced. */
static void peek(struct run *run)
{
	uint64_t looked_ns;
	struct flow_peek asked[PEEKS_AT_ONCE];
	struct session_peek answers[PEEKS_AT_ONCE];
	size_t n = run->peeks_work ? flow_peeks(run->flows, asked, PEEKS_AT_ONCE) : 0;

	if (!n)
		return;
	for (size_t i = 0; i < n; i++)
		answers[i] = (struct session_peek){ .addr = asked[i].mini_addr };
	if (session_peek(run->session, answers, n)) {
		log_debug("this kernel does not run a program on request: TIME_WAIT may be noticed late");
		run->peeks_work = false;
		return;
	}
	looked_ns = run_now_ns();
	/* what happened before the look is in the ring by now, and comes first; else: another time */
	if (session_catch_up(run->session))
		return;
	for (size_t i = 0; i < n; i++)
		tell_peek(run, &asked[i], &answers[i], looked_ns);
}

static void turn(struct run *run)
{
	uint64_t now_ns = run_now_ns();
	int r;

	run->turned_ns = now_ns;
	r = session_consume(run->session);
	if (r < 0 && !run->error)
		run->error = r;
	if (now_ns >= run->peeked_ns + PEEK_EVERY_NS) {
		run->peeked_ns = now_ns;
		peek(run);
	}
	/* skipped programs are told by the kernel only when asked: in time for what is pending */
	if (run_pending(run))
		look_for_losses(run, now_ns);
	tick(run, now_ns);
	if (now_ns >= run->looked_ns + LOOK_EVERY_NS) {
		run->looked_ns = now_ns;
		if (flow_wants_owners(run->flows) && !session_snapshot(run->session, false))
			flow_looked(run->flows, now_ns);
	}
	if (run->config.turn && !run->error)
		run->error = run->config.turn(run->config.ctx);
	if (run->config.duration_ns && now_ns >= run->started_ns + run->config.duration_ns)
		run->interrupted = true;
}

static int add_fd(struct run *run, int fd, void *ptr)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = ptr };

	return epoll_ctl(run->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int open_loop(struct run *run)
{
	struct itimerspec every = { .it_interval.tv_nsec = TICK_NS, .it_value.tv_nsec = TICK_NS };
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* who started us may have ignored it: then nothing could be waited for */
	signal(SIGCHLD, SIG_DFL);
	run->epoll = epoll_create1(EPOLL_CLOEXEC);
	run->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	run->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (run->epoll < 0 || run->timer < 0 || run->signals < 0 ||
	    timerfd_settime(run->timer, 0, &every, NULL))
		return -errno;
	r = add_fd(run, run->timer, &run->timer);
	if (!r)
		r = add_fd(run, run->signals, &run->signals);
	if (!r)
		r = add_fd(run, session_fd(run->session), run->session);
	return r;
}

static int open_flows(struct run *run)
{
	uint32_t max = run->config.max_flows ? run->config.max_flows : FLOWS_DEFAULT;
	struct flow_config config = {
		.max_flows = max,
		.max_minis = max > MINIS_DEFAULT / 4 ? MINIS_DEFAULT : max * 4,
		.covered = session_plan(run->session)->covered,
		.closed = on_closed,
		.mini_ended = on_mini_ended,
		.ctx = run,
	};

	run->decoder.hz = session_hz(run->session);
	run->decoder.reasons = session_reasons(run->session, &run->decoder.n_reasons);
	return flow_table_new(&config, &run->flows);
}

int run_open(const struct run_config *config, struct run **ret)
{
	struct run *run = calloc(1, sizeof(*run));
	int r;

	if (!run)
		return -ENOMEM;
	run->config = *config;
	run->peeks_work = true;
	run->epoll = run->timer = run->signals = -1;
	for (int i = 0; i < WATCHES_MAX; i++)
		run->watches[i].fd = -1;
	r = session_open(&config->session, on_record, run, &run->session);
	run->attached_ns = run_now_ns();
	if (!r) {
		r = open_flows(run);
		if (!r)
			r = open_loop(run);
		if (r)
			log_error("cannot start: %s", strerror(-r));
	}
	if (r) {
		run_close(run);
		return r;
	}
	run->started_ns = run_now_ns();
	*ret = run;
	return 0;
}

int run_watch(struct run *run, int fd, int (*ready)(void *ctx, int fd), void *ctx)
{
	for (int i = 0; i < WATCHES_MAX; i++) {
		struct watch *w = &run->watches[i];

		if (w->fd >= 0)
			continue;
		*w = (struct watch){ fd, ready, ctx };
		return add_fd(run, fd, w);
	}
	return -ENOSPC;
}

static void on_watch(struct run *run, struct watch *w)
{
	int r = w->fd < 0 ? 0 : w->ready(w->ctx, w->fd);

	if (!r)
		return;
	epoll_ctl(run->epoll, EPOLL_CTL_DEL, w->fd, NULL);
	w->fd = -1;
	if (r < 0 && !run->error)
		run->error = r;
}

static void on_signals(struct run *run)
{
	struct signalfd_siginfo info;

	while (read(run->signals, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD) {
			run->interrupted = true;
			run->signalled = (int)info.ssi_signo;
		}
}

static void on_ready(struct run *run, void *ptr)
{
	uint64_t expirations;

	if (ptr == &run->timer) {
		if (read(run->timer, &expirations, sizeof(expirations)) < 0)
			return;
	} else if (ptr == &run->signals) {
		on_signals(run);
	} else if (ptr != run->session) {
		on_watch(run, ptr);
	}
}

/* What was there before the trace. */
static void look_around(struct run *run)
{
	int r = session_find_minis(run->session);

	if (!r)
		r = session_snapshot(run->session, true);
	if (r)
		log_info("cannot look at the sockets that exist (%s): older connections are known by what happens to them",
			 strerror(-r));
}

int run_loop(struct run *run, bool (*done)(void *ctx), void *ctx)
{
	struct epoll_event events[8];

	/* here, because records come out of it */
	if (!run->looked_around) {
		run->looked_around = true;
		look_around(run);
	}
	while (!run->interrupted && !run->error && !(done && done(ctx))) {
		int n = epoll_wait(run->epoll, events, 8, -1);

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++)
			on_ready(run, events[i].data.ptr);
		turn(run);
	}
	return run->error;
}

int run_signalled(const struct run *run)
{
	return run->signalled;
}

bool run_interrupted(const struct run *run)
{
	return run->interrupted;
}

bool run_closing(const struct run *run)
{
	return flow_closing(run->flows);
}

uint64_t run_pending(const struct run *run)
{
	return flow_counts(run->flows).pending;
}

static void fill_summary(struct run *run, uint64_t now_ns)
{
	struct flow_counts counts = flow_counts(run->flows);

	run->summary.mono_ns = now_ns;
	run->summary.duration_ns = now_ns - run->started_ns;
	run->summary.lost = run->losses.lost;
	run->summary.missed = run->losses.missed;
	run->summary.rescued = run->losses.rescued;
	run->summary.evicted = counts.evicted;
	run->summary.open = counts.open;
	if (run->bad_records)
		log_error("%llu records could not be read: the program and its sensors do not fit together",
			  (unsigned long long)run->bad_records);
}

/* One more turn's time for what must follow the last state changes: an RST, a mini-socket. */
static void drain(struct run *run)
{
	struct timespec a_turn = { .tv_nsec = TICK_NS };

	/* no descriptor: what is ready there must not cut it short */
	ppoll(NULL, 0, &a_turn, NULL);
	session_consume(run->session);
}

int run_finish(struct run *run)
{
	struct record record = { .kind = REC_SUMMARY, .summary = &run->summary };
	uint64_t now_ns;

	if (run->finished)
		return run->error;
	peek(run);
	flow_stop(run->flows, run_now_ns());
	session_detach_states(run->session);
	drain(run);
	session_detach(run->session);
	/* only now does the ring have an end */
	run->finished = true;
	session_consume(run->session);
	now_ns = run_now_ns();
	look_for_losses(run, now_ns);
	flow_finish(run->flows, now_ns);
	fill_summary(run, now_ns);
	record.mono_ns = now_ns;
	emit(run, &record);
	if (run->config.turn && !run->error)
		run->error = run->config.turn(run->config.ctx);
	return run->error;
}

void run_close(struct run *run)
{
	if (!run)
		return;
	if (run->epoll >= 0)
		close(run->epoll);
	if (run->timer >= 0)
		close(run->timer);
	if (run->signals >= 0)
		close(run->signals);
	flow_table_free(run->flows);
	session_close(run->session);
	free(run);
}
