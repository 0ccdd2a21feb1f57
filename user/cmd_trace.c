/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* trace: verdicts of every connection that closes, until told to stop. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd.h"
#include "opts.h"
#include "output.h"
#include "run.h"
#include "sink/summary.h"

/* How long what COMMAND left behind may take to be resolved. */
#define COMMAND_GRACE_NS UINT64_C(1500000000)

/*
 * What is lost on a busy machine is lost because nobody reads the ring, not
 * because it is small: reading takes little, but it must not wait in a queue.
 */
#define READER_NICE (-10)

struct trace {
	struct config config;
	struct output output;
	struct run *run;
	pid_t child;	  /* 0 = none */
	int child_fd;	  /* pidfd */
	int nice_before;  /* for COMMAND, which is none of ours */
	int status;	  /* what waitpid() said */
	int not_started;  /* exit status for a COMMAND that could not be run, as shells have it; 0 = it ran */
	uint64_t ended_ns; /* when the child ended; 0 = it has not */
};

static int on_record(void *ctx, const struct record *record)
{
	struct trace *t = ctx;

	if (record->kind == REC_SUMMARY && !t->config.quiet)
		summary_print(stderr, record->summary);
	return output_take(&t->output, record);
}

static bool on_want(void *ctx, const struct verdict *v)
{
	struct trace *t = ctx;

	return opts_want(&t->config, v);
}

static int on_turn(void *ctx)
{
	struct trace *t = ctx;

	return output_flush(&t->output);
}

static int on_child(void *ctx, int fd)
{
	struct trace *t = ctx;

	(void)fd;
	if (waitpid(t->child, &t->status, WNOHANG) != t->child)
		return 0;
	t->child = 0;
	t->ended_ns = run_now_ns();
	return 1;
}

static bool is_over(void *ctx)
{
	struct trace *t = ctx;

	if (!t->ended_ns)
		return false;
	return !run_pending(t->run) || run_now_ns() > t->ended_ns + COMMAND_GRACE_NS;
}

/*
 * Started only once everything is attached. A pipe that closes on exec tells
 * whether there was something to execute.
 */
static int start_command(struct trace *t)
{
	char **command = t->config.run;
	sigset_t none;
	int told[2], r = 0;

	if (pipe2(told, O_CLOEXEC))
		return -errno;
	t->child = fork();
	if (!t->child) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		signal(SIGPIPE, SIG_DFL);
		setpriority(PRIO_PROCESS, 0, t->nice_before);
		execvp(command[0], command);
		r = -errno;
		if (write(told[1], &r, sizeof(r)) < 0)
			_exit(127);
		_exit(127);
	}
	close(told[1]);
	if (t->child < 0)
		r = -errno;
	else if (read(told[0], &r, sizeof(r)) != sizeof(r))
		r = 0;
	close(told[0]);
	if (r) {
		log_error("cannot run %s: %s", command[0], strerror(-r));
		t->not_started = r == -ENOENT ? 127 : 126;
		if (t->child > 0)
			waitpid(t->child, NULL, 0);
		t->child = 0;
		return r;
	}
	t->child_fd = pidfd_open(t->child, 0);
	return t->child_fd < 0 ? -errno : run_watch(t->run, t->child_fd, on_child, t);
}

static int trace(struct trace *t)
{
	struct run_config run = {
		.session = { .way = t->config.way, .ring_kib = t->config.ring_kib,
			     .events = t->config.events, .filter = t->config.filter },
		.max_flows = t->config.max_flows,
		.events = t->config.events,
		.count = t->config.count,
		.duration_ns = t->config.duration_ns,
		.emit = on_record,
		.want = on_want,
		.turn = on_turn,
		.ctx = t,
	};
	int r = run_open(&run, &t->run), finish;

	if (r)
		return r;
	/* no right to do so is no error */
	t->nice_before = getpriority(PRIO_PROCESS, 0);
	setpriority(PRIO_PROCESS, 0, READER_NICE);
	if (!t->config.quiet)
		fputs("Tracing TCP closes... Ctrl-C to end.\n", stderr);
	if (t->config.run)
		r = start_command(t);
	if (!r)
		r = run_loop(t->run, is_over, t);
	finish = run_finish(t->run);
	return r ? r : finish;
}

/* COMMAND outlives the trace when a signal ended it: it got that signal too, from the same terminal. */
static int status_of(const struct trace *t)
{
	if (t->not_started)
		return t->not_started;
	if (!t->ended_ns)
		return EXIT_DONE;
	return WIFSIGNALED(t->status) ? 128 + WTERMSIG(t->status) : WEXITSTATUS(t->status);
}

static int check(const struct config *c)
{
	if (c->n_words) {
		log_error("there is no command %s: see tcpclose --help", c->words[0]);
		return -EINVAL;
	}
	if (c->run && !c->run[0]) {
		log_error("-- wants a command behind it");
		return -EINVAL;
	}
	return 0;
}

int cmd_trace(int argc, char **argv)
{
	struct trace t = { .child_fd = -1 };
	int r, closed;

	if (opts_parse(CMD_TRACE, argc, argv, &t.config))
		return EXIT_USAGE;
	if (t.config.version) {
		puts("tcpclose " TCPCLOSE_VERSION);
		return EXIT_DONE;
	}
	if (t.config.help) {
		usage_trace();
		return EXIT_DONE;
	}
	if (check(&t.config))
		return EXIT_USAGE;
	log_set_level(t.config.verbose ? LOG_DEBUG : t.config.quiet ? LOG_ERROR : LOG_INFO);
	if (output_open(&t.config, t.config.json ? &sink_ndjson : &sink_text, &t.output))
		return EXIT_FAILED;
	r = trace(&t);
	closed = output_close(&t.output);
	run_close(t.run);
	if (t.child_fd >= 0)
		close(t.child_fd);
	if (!r)
		r = closed;
	if (r == -EPIPE || t.not_started)
		return status_of(&t);
	if (r && t.run)
		log_error("cannot go on: %s", strerror(-r));
	return r ? EXIT_FAILED : status_of(&t);
}
