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
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "source.h"
#include "watches.h"

struct run {
	struct run_config config;
	struct source *source;
	int epoll, timer, signals;
	struct watches watches;
	uint64_t started_ns;
	int signalled;
	bool interrupted, finished, begun;
	int error;
};

uint64_t run_now_ns(void)
{
	return clock_mono_ns();
}

static void turn(struct run *run)
{
	uint64_t now_ns = run_now_ns();
	int r = run->source->ops->turn(run->source, now_ns);

	if (r > 0)
		run->interrupted = true;
	else if (r < 0 && !run->error)
		run->error = r;
	if (!run->error)
		run->error = intake_error(run->source->intake);
	if (run->config.tape && !run->error)
		run->error = tape_flush(run->config.tape);
	if (run->config.turn && !run->error)
		run->error = run->config.turn(run->config.ctx);
	if (run->config.count && intake_verdicts(run->source->intake) >= run->config.count)
		run->interrupted = true;
	if (run->config.duration_ns && now_ns >= run->started_ns + run->config.duration_ns)
		run->interrupted = true;
}

static int add_fd(struct run *run, int fd, void *ptr, uint32_t how)
{
	struct epoll_event event = { .events = EPOLLIN | how, .data.ptr = ptr };

	return epoll_ctl(run->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int open_loop(struct run *run)
{
	struct itimerspec every = { .it_interval.tv_nsec = RUN_TICK_NS, .it_value.tv_nsec = RUN_TICK_NS };
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* a file that must not grow is an error like a full one */
	signal(SIGXFSZ, SIG_IGN);
	/* who started us may have ignored it: then nothing could be waited for */
	signal(SIGCHLD, SIG_DFL);
	run->epoll = epoll_create1(EPOLL_CLOEXEC);
	run->watches.epoll = run->epoll;
	run->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	run->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (run->epoll < 0 || run->timer < 0 || run->signals < 0 ||
	    timerfd_settime(run->timer, 0, &every, NULL))
		return -errno;
	r = add_fd(run, run->timer, &run->timer, 0);
	if (!r)
		r = add_fd(run, run->signals, &run->signals, 0);
	/* once it was full it has something most of the time: only being woken counts */
	if (!r && run->source->fd >= 0)
		r = add_fd(run, run->source->fd, run->source, EPOLLET);
	return r;
}

/* Negative errno, logged; live_open() does it itself, for it knows what to do about it. */
static int open_source(struct run *run)
{
	int r;

	if (!run->config.replay)
		return live_open(&run->config, &run->source);
	r = replay_open(&run->config, &run->source);
	if (r)
		log_error("cannot start: %s", strerror(-r));
	return r;
}

int run_open(const struct run_config *config, struct run **ret)
{
	struct run *run = calloc(1, sizeof(*run));
	int r;

	if (!run) {
		log_error("cannot start: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	run->config = *config;
	run->epoll = run->timer = run->signals = -1;
	watches_init(&run->watches);
	r = open_source(run);
	if (!r) {
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
	return watches_add(&run->watches, fd, ready, ctx);
}

void run_unwatch(struct run *run, int fd)
{
	watches_remove(&run->watches, fd);
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
	int r;

	if (ptr == &run->timer) {
		if (read(run->timer, &expirations, sizeof(expirations)) < 0)
			return;
	} else if (ptr == &run->signals) {
		on_signals(run);
	} else if (ptr != run->source) {
		r = watches_ready(&run->watches, ptr);
		if (r && !run->error)
			run->error = r;
	}
}

int run_loop(struct run *run, bool (*done)(void *ctx), void *ctx)
{
	struct epoll_event events[8];

	/* here, because records come out of it */
	if (!run->begun) {
		run->begun = true;
		run->source->ops->begin(run->source);
	}
	while (!run->interrupted && !run->error && !(done && done(ctx))) {
		int n = epoll_wait(run->epoll, events, 8, run->source->fd < 0 ? 0 : -1);

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
	return intake_closing(run->source->intake);
}

uint64_t run_pending(const struct run *run)
{
	return intake_counts(run->source->intake).pending;
}

const struct flow_table *run_flows(const struct run *run)
{
	return intake_flows(run->source->intake);
}

int run_drain(struct run *run)
{
	return run->source->ops->drain ? run->source->ops->drain(run->source) : 0;
}

int run_look(struct run *run, void (*see)(void *ctx, const struct obs *obs), void *ctx)
{
	int r;

	if (!run->source->ops->look)
		return -EOPNOTSUPP;
	intake_see(run->source->intake, see, ctx);
	r = run->source->ops->look(run->source);
	intake_see(run->source->intake, NULL, NULL);
	return r;
}

bool run_pending_in(const struct run *run, uint32_t netns)
{
	return intake_pending_in(run->source->intake, netns);
}

uint32_t run_covered(const struct run *run)
{
	return intake_covered(run->source->intake);
}

int64_t run_wall_step_ns(const struct run *run)
{
	return intake_wall_step_ns(run->source->intake);
}

int run_finish(struct run *run)
{
	int r;

	if (run->finished)
		return run->error;
	run->finished = true;
	/* who cannot be written to is told no more */
	if (run->error)
		intake_fail(run->source->intake, run->error);
	r = run->source->ops->finish(run->source);
	if (!r)
		r = intake_error(run->source->intake);
	if (!r && run->config.tape)
		r = tape_flush(run->config.tape);
	if (!r && run->config.turn)
		r = run->config.turn(run->config.ctx);
	if (!run->error)
		run->error = r;
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
	if (run->source)
		run->source->ops->close(run->source);
	free(run);
}
