/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "demo/pair.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "demo/report.h"
#include "base/log.h"

#define NOBODY "65534"
/* Where the report pipe ends in the child. */
#define REPORT_FD 3
/* And a scripted peer's wire. */
#define TUN_FD 4
/* Beyond all that have their place. */
#define ELSEWHERE_FD 10

struct child {
	struct pair *pair;
	enum side side;
	pid_t pid; /* 0 = not started */
	int pidfd, report;
	bool exited, silent; /* it has ended; its pipe has */
	siginfo_t end;
	struct report_reader reader;
};

struct pair {
	struct pair_config config;
	struct run *run;
	int err; /* the client could not be started */
	struct child child[SIDE_MAX];
};

/* --- what is executed, and how -------------------------------------------------- */

struct arguments {
	char path[PATH_MAX];
	char end[48], closer[32], delay[48], port[32];
	char *argv[12];
	int netns, tun; /* -1 = as we have it, none */
};

static int program_path(enum side side, char *ret, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", ret, size);
	char *slash;
	int room;

	if (n < 0)
		return -errno;
	if ((size_t)n == size)
		return -ENAMETOOLONG;
	ret[n] = '\0';
	slash = strrchr(ret, '/') + 1;
	room = (int)(size - (size_t)(slash - ret));
	return snprintf(slash, (size_t)room, "tcpclose-echo-%s", side_slug(side)) < room
		       ? 0
		       : -ENAMETOOLONG;
}

int pair_check(void)
{
	char path[PATH_MAX];

	for (enum side side = 0; side < SIDE_MAX; side++) {
		int r = program_path(side, path, sizeof(path));

		if (!r && access(path, X_OK))
			r = -errno;
		if (r) {
			log_error("the echo %s is not beside tcpclose: %s", side_slug(side),
				  strerror(-r));
			return r;
		}
	}
	return 0;
}

static int fill_arguments(const struct pair_config *c, enum side side, struct arguments *ret)
{
	static char report[] = "--report-fd=3", tun[] = "--tun-fd=4", user[] = "--user=" NOBODY,
		    four[] = "-4", six[] = "-6", mapped[] = "--address=::ffff:127.0.0.1";
	bool raw = ending_is_raw(c->ending);
	int n = 0, r;

	_Static_assert(REPORT_FD == 3 && TUN_FD == 4, "as the arguments say");
	r = program_path(side, ret->path, sizeof(ret->path));
	if (r)
		return r;
	snprintf(ret->end, sizeof(ret->end), "--end=%s", c->ending->slug);
	snprintf(ret->closer, sizeof(ret->closer), "--closer=%s", side_slug(c->closer));
	snprintf(ret->delay, sizeof(ret->delay), "--delay=%" PRIu64 ".%09" PRIu64,
		 c->delay_ns / 1000000000, c->delay_ns % 1000000000);
	snprintf(ret->port, sizeof(ret->port), "--port=%u", c->port);
	ret->argv[n++] = ret->path;
	ret->argv[n++] = ret->end;
	ret->argv[n++] = ret->closer;
	ret->argv[n++] = ret->delay;
	ret->argv[n++] = ret->port;
	ret->argv[n++] = report;
	ret->argv[n++] = c->family == 4 ? four : six;
	if (c->mapped)
		ret->argv[n++] = mapped;
	ret->netns = c->netns > 0 ? c->netns : -1;
	ret->tun = raw && side == ending_raw_side(c->closer) ? c->tun : -1;
	if (ret->tun >= 0)
		ret->argv[n++] = tun;
	/* Only root can become nobody; who is not root already has no more than it needs. */
	if (!geteuid())
		ret->argv[n++] = user;
	ret->argv[n] = NULL;
	return 0;
}

/* Does not return. Status 127 is "could not be executed", as with a shell. */
static void become_program(struct arguments *arguments, int report)
{
	int tun = arguments->tun;
	sigset_t none;

	sigemptyset(&none);
	/* The run's loop has signals blocked; a program starts with none. */
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (arguments->netns >= 0 && setns(arguments->netns, CLONE_NEWNET))
		_exit(127);
	/* Out of each other's way first. */
	report = fcntl(report, F_DUPFD, ELSEWHERE_FD);
	if (tun >= 0)
		tun = fcntl(tun, F_DUPFD, ELSEWHERE_FD);
	if (dup2(report, REPORT_FD) < 0 || (tun >= 0 && dup2(tun, TUN_FD) < 0))
		_exit(127);
	/* Not every library has its descriptors closed here; libpcap's sees packets of others. */
	syscall(SYS_close_range, (tun >= 0 ? TUN_FD : REPORT_FD) + 1, ~0u, 0);
	execv(arguments->path, arguments->argv);
	_exit(127);
}

/* --- what the children say and how they end ------------------------------------ */

static int start_child(struct pair *pair, enum side side);

static bool ready_for_client(const struct pair *pair, const struct app *app)
{
	return !pair->child[SIDE_CLIENT].pid && !pair->err && !app->error &&
	       !strcmp(app->role, side_slug(SIDE_SERVER)) &&
	       !strcmp(app->call, pair->config.ending->ready);
}

static int take_app(void *ctx, const struct app *app)
{
	struct pair *pair = ctx;
	int r = pair->config.app(pair->config.ctx, app);

	if (!r && ready_for_client(pair, app))
		pair->err = start_child(pair, SIDE_CLIENT);
	return r;
}

static int on_report(void *ctx, int fd)
{
	struct child *child = ctx;
	char bytes[4096];
	ssize_t n;
	int r;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0) {
		r = report_feed(&child->reader, bytes, (size_t)n, take_app, child->pair);
		if (r)
			return r < 0 ? r : -EINVAL;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	child->silent = true;
	return 1;
}

/* Who has no connection has nothing that would end it: it is told when the other one has ended. */
static void stop_other(const struct pair *pair, enum side ended)
{
	enum side side = ending_raw_side(ended);
	const struct child *other = &pair->child[side];

	bool done = ended == pair->config.closer;

	/* here it is the peer that is done first, and the server waits to be told */
	if (pair->config.ending->traits & TRAIT_PEER_FIRST)
		done = !done;
	if (done && !*pair->config.ending->other && other->pid && !other->exited)
		syscall(SYS_pidfd_send_signal, other->pidfd, SIGTERM, NULL, 0);
}

static int on_end(void *ctx, int fd)
{
	struct child *child = ctx;

	(void)fd;
	/* It tells by si_pid whether there was an end to wait for. */
	child->end.si_pid = 0;
	if (waitid(P_PID, (id_t)child->pid, &child->end, WEXITED | WNOHANG))
		return -errno;
	if (!child->end.si_pid)
		return 0;
	child->exited = true;
	stop_other(child->pair, child->side);
	return 1;
}

static int watch(struct child *child)
{
	int r = run_watch(child->pair->run, child->report, on_report, child);

	return r ? r : run_watch(child->pair->run, child->pidfd, on_end, child);
}

static int start_child(struct pair *pair, enum side side)
{
	struct child *child = &pair->child[side];
	CLEANUP(close) int writer = -1;
	struct arguments arguments;
	int ends[2], r;

	r = fill_arguments(&pair->config, side, &arguments);
	if (r)
		return r;
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	child->report = ends[0];
	writer = ends[1];
	if (fcntl(child->report, F_SETFL, O_NONBLOCK))
		return -errno;
	child->pid = fork();
	if (!child->pid)
		become_program(&arguments, writer);
	if (child->pid < 0) {
		child->pid = 0;
		return -errno;
	}
	/* Ours, and not waited for: the number cannot be anybody else's yet. */
	child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	if (child->pidfd < 0) {
		r = -errno;
		kill(child->pid, SIGKILL);
		return r;
	}
	return watch(child);
}

int pair_start(struct run *run, const struct pair_config *config, struct pair **ret)
{
	struct pair *pair = calloc(1, sizeof(*pair));
	int r;

	if (!pair)
		return -ENOMEM;
	pair->config = *config;
	pair->run = run;
	for (enum side side = 0; side < SIDE_MAX; side++) {
		struct child *child = &pair->child[side];

		child->pair = pair;
		child->side = side;
		child->pidfd = child->report = -1;
	}
	r = start_child(pair, SIDE_SERVER);
	if (r) {
		log_error("cannot start the echo server: %s", strerror(-r));
		pair_free(pair);
		return r;
	}
	*ret = pair;
	return 0;
}

static bool child_done(const struct child *child)
{
	return child->exited && child->silent;
}

bool pair_done(const struct pair *pair)
{
	const struct child *client = &pair->child[SIDE_CLIENT];

	/* No client comes after a server that has ended, or could not be started. */
	return child_done(&pair->child[SIDE_SERVER]) && (!client->pid || child_done(client));
}

/* 0 by itself, or SIGKILL where that is the ending. */
static bool ended_well(const struct pair *pair, const struct child *child)
{
	bool suicide = pair->config.ending->traits & TRAIT_KILLED && pair->config.closer == child->side;

	if (suicide)
		return child->end.si_code == CLD_KILLED && child->end.si_status == SIGKILL;
	return child->end.si_code == CLD_EXITED && !child->end.si_status;
}

bool pair_failed(const struct pair *pair, char why[PAIR_WHY])
{
	if (pair->err) {
		snprintf(why, PAIR_WHY, "the client could not be started: %s",
			 strerror(-pair->err));
		return true;
	}
	for (enum side side = 0; side < SIDE_MAX; side++) {
		const struct child *child = &pair->child[side];

		if (child->pid && ended_well(pair, child))
			continue;
		if (!child->pid)
			snprintf(why, PAIR_WHY, "the client was never started");
		else if (!child->exited)
			snprintf(why, PAIR_WHY, "the %s did not end", side_slug(side));
		else if (child->end.si_code == CLD_EXITED)
			snprintf(why, PAIR_WHY,
				 child->end.si_status == 127 ? "the %s could not be executed (%d)"
							     : "the %s ended with status %d",
				 side_slug(side), child->end.si_status);
		else
			snprintf(why, PAIR_WHY, "the %s was killed by signal %d", side_slug(side),
				 child->end.si_status);
		return true;
	}
	return false;
}

void pair_kill(struct pair *pair)
{
	for (enum side side = 0; side < SIDE_MAX; side++)
		if (pair->child[side].pid && !pair->child[side].exited)
			syscall(SYS_pidfd_send_signal, pair->child[side].pidfd, SIGKILL, NULL, 0);
}

static void forget(struct run *run, int fd)
{
	if (fd < 0)
		return;
	run_unwatch(run, fd);
	close(fd);
}

void pair_free(struct pair *pair)
{
	if (!pair)
		return;
	pair_kill(pair);
	for (enum side side = 0; side < SIDE_MAX; side++) {
		struct child *child = &pair->child[side];

		/* Killed: it does not keep us waiting. */
		if (child->pid && !child->exited)
			waitid(P_PID, (id_t)child->pid, &child->end, WEXITED);
		forget(pair->run, child->pidfd);
		forget(pair->run, child->report);
	}
	free(pair);
}
