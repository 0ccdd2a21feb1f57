/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* trace: verdicts of every connection that closes, until told to stop; record: only its tape. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auditor.h"
#include "base/log.h"
#include "cmd.h"
#include "opts.h"
#include "output.h"
#include "run.h"
#include "sink/summary.h"
#include "taping.h"

/* How long what COMMAND left behind may take to be resolved. */
#define COMMAND_GRACE_NS UINT64_C(1500000000)

/*
 * What is lost on a busy machine is lost because nobody reads the ring, not
 * because it is small: reading takes little, but it must not wait in a queue.
 */
#define READER_NICE (-10)

struct trace {
	struct config config;
	struct output output; /* of trace */
	struct taping taping;
	struct run *run;
	struct auditor *auditor; /* NULL without --audit */
	struct audit_sum audited;
	pid_t child;	  /* 0 = none */
	int child_fd;	  /* pidfd */
	int nice_before;  /* for COMMAND, which is none of ours */
	int status;	  /* what waitpid() said */
	int not_started;  /* exit status for a COMMAND that could not be run, as shells have it; 0 = it ran */
	uint64_t ended_ns; /* when the child ended; 0 = it has not */
	sigset_t mask;	   /* what COMMAND inherits: ours as they were given to us */
	struct sigaction on_sigpipe, on_sigxfsz;
};

static int take_line(void *ctx, const struct record *record)
{
	struct trace *t = ctx;
	struct record line = *record;

	line.wall_step_ns = run_wall_step_ns(t->run);
	return output_take(&t->output, &line);
}

static int on_record(void *ctx, const struct record *record)
{
	struct trace *t = ctx;
	struct summary summary;
	struct record whole = *record;
	int r = 0;

	if (record->kind == REC_SUMMARY && t->auditor) {
		summary = *record->summary;
		whole.summary = &summary;
		r = auditor_tell(t->auditor, run_covered(t->run), take_line, t, &summary.audit);
		t->audited = summary.audit;
	}
	if (!r)
		r = output_take(&t->output, &whole);
	if (record->kind != REC_SUMMARY || t->config.quiet)
		return r;
	/* where both go to one place, the summary comes last */
	if (!r)
		r = output_flush(&t->output);
	summary_print(stderr, whole.summary);
	return r;
}

static bool on_want(void *ctx, const struct verdict *v)
{
	struct trace *t = ctx;

	return opts_want(&t->config, v);
}

static bool on_want_mini(void *ctx, const struct minisocket *m)
{
	struct trace *t = ctx;

	return opts_want_older(&t->config, m);
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
	/* what COMMAND closed as it ended is open here until the peer has answered */
	return (!run_pending(t->run) && !run_closing(t->run)) ||
	       run_now_ns() > t->ended_ns + COMMAND_GRACE_NS;
}

static _Noreturn void become_command(const struct trace *t, int tell)
{
	char **command = t->config.run;
	int r;

	sigaction(SIGPIPE, &t->on_sigpipe, NULL);
	sigaction(SIGXFSZ, &t->on_sigxfsz, NULL);
	sigprocmask(SIG_SETMASK, &t->mask, NULL);
	setpriority(PRIO_PROCESS, 0, t->nice_before);
	/* what it prints has no place on a tape */
	if (t->taping.target.is_stdout)
		dup2(STDERR_FILENO, STDOUT_FILENO);
	execvp(command[0], command);
	r = -errno;
	/* who cannot be told sees it in the status */
	(void)!write(tell, &r, sizeof(r));
	_exit(127);
}

/* A pipe that closes on exec tells whether there was something to execute. */
static int fork_command(struct trace *t)
{
	int told[2], r = 0;

	if (pipe2(told, O_CLOEXEC))
		return -errno;
	t->child = fork();
	if (!t->child)
		become_command(t, told[1]);
	if (t->child < 0)
		r = -errno;
	close(told[1]);
	if (!r && read(told[0], &r, sizeof(r)) != sizeof(r))
		r = 0;
	close(told[0]);
	return r;
}

/* Called only once everything is attached. Negative errno, logged. */
static int start_command(struct trace *t)
{
	int r = fork_command(t);

	if (!r) {
		/* a function of glibc's only since 2.36 */
		t->child_fd = (int)syscall(SYS_pidfd_open, t->child, 0);
		r = t->child_fd < 0 ? -errno : run_watch(t->run, t->child_fd, on_child, t);
	}
	if (!r)
		return 0;
	log_error("cannot run %s: %s", t->config.run[0], strerror(-r));
	t->not_started = r == -ENOENT ? 127 : 126;
	if (t->child > 0) {
		kill(t->child, SIGTERM);
		waitpid(t->child, NULL, 0);
	}
	t->child = 0;
	return r;
}

/*
 * -n, -d or a signal ended the trace before COMMAND: it goes on as if it had
 * never been traced, and its status is still ours to pass on. SIGTERM reaches
 * only us, Ctrl-C reaches it from the terminal.
 */
static void wait_for_command(struct trace *t)
{
	sigset_t set;

	if (t->child <= 0 || on_child(t, t->child_fd))
		return;
	/* from a terminal it has been told to end as we have */
	if (!run_signalled(t->run))
		log_info("the trace is over: waiting for %s to end", t->config.run[0]);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	if (run_signalled(t->run) == SIGTERM)
		kill(t->child, SIGTERM);
	while (!on_child(t, t->child_fd))
		if (sigwaitinfo(&set, NULL) == SIGTERM)
			kill(t->child, SIGTERM);
}

static int trace(struct trace *t)
{
	struct run_config run = {
		.session = { .way = t->config.way, .ring_kib = t->config.ring_kib,
			     .events = t->config.events, .filter = t->config.filter },
		.head = &t->taping.head,
		.tape = t->taping.tape,
		.max_flows = t->config.max_flows,
		.events = t->config.events,
		.count = t->config.count,
		.duration_ns = t->config.duration_ns,
		.emit = on_record,
		.want = on_want,
		.want_mini = on_want_mini,
		.strays = !opts_ask_for_owners(&t->config),
		.audit = t->auditor ? auditor_audit(t->auditor) : NULL,
		.turn = on_turn,
		.ctx = t,
	};
	int r, finish;

	sigprocmask(SIG_BLOCK, NULL, &t->mask);
	sigaction(SIGPIPE, NULL, &t->on_sigpipe);
	sigaction(SIGXFSZ, NULL, &t->on_sigxfsz);
	r = run_open(&run, &t->run);
	if (r)
		return r;
	r = output_begin(&t->output);
	if (!r)
		r = taping_begin(&t->taping);
	/* no right to do so is no error */
	t->nice_before = getpriority(PRIO_PROCESS, 0);
	setpriority(PRIO_PROCESS, 0, READER_NICE);
	if (!r && t->auditor)
		r = auditor_begin(t->auditor);
	if (!r && !t->config.quiet)
		fputs("Tracing TCP closes... Ctrl-C to end.\n", stderr);
	if (!r && t->config.run)
		r = start_command(t);
	if (!r)
		r = run_loop(t->run, is_over, t);
	if (!r && t->auditor)
		r = auditor_end(t->auditor);
	finish = run_finish(t->run);
	return r ? r : finish;
}

/* COMMAND's own, as a shell would say it. */
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
	if (c->audit && (c->filter.n_pids || c->filter.n_ports || c->filter.n_local_ports ||
			 c->filter.n_remote_ports || c->filter.family || c->filter.addr_family || c->filter.cgroup_id)) {
		log_error("--audit must see all that the kernel counts: of the filters only --netns goes with it");
		return -EINVAL;
	}
	if (c->run && !c->run[0]) {
		log_error("-- wants a command behind it");
		return -EINVAL;
	}
	return 0;
}

static int check_record(const struct config *c)
{
	if (c->output)
		return 0;
	log_error("record wants to be told where: tcpclose record -o FILE");
	return -EINVAL;
}

static int open_both(struct trace *t, enum command command)
{
	uint64_t wall_ns = output_wall_ns();
	const char *tape = command == CMD_RECORD ? t->config.output : t->config.tape;
	int r = taping_open(tape, &t->config, wall_ns, &t->taping);

	if (!r && t->config.audit) {
		r = auditor_new(t->config.filter.netns_ino, &t->auditor);
		if (r)
			log_error("cannot start: %s", strerror(-r));
	}
	if (!r && command == CMD_TRACE)
		r = output_open(&t->config, t->config.json ? &sink_ndjson : &sink_text, wall_ns, &t->output);
	return r ? r : taping_apart(&t->taping, &t->output.target);
}

/* Everything is closed, whatever went wrong. */
static int close_all(struct trace *t, int r)
{
	int closed = output_close(&t->output), kept;

	if (t->run)
		wait_for_command(t);
	run_close(t->run);
	auditor_free(t->auditor);
	if (t->child_fd >= 0)
		close(t->child_fd);
	kept = taping_close(&t->taping);
	if (kept == -EPIPE)
		kept = 0;
	if (r == TARGET_REFUSED)
		return EXIT_USAGE;
	if (!r)
		r = closed;
	if (r == -EPIPE || t->not_started)
		return status_of(t);
	/* what there is no room for they say themselves */
	if (r && t->run && !kept && !closed)
		log_error("cannot go on: %s", strerror(-r));
	if (!r && !kept && !t->config.run && t->audited.gap)
		return EXIT_WRONG;
	return r || kept ? EXIT_FAILED : status_of(t);
}

static int trace_as(enum command command, const struct cmd_help *help, int argc, char **argv)
{
	struct trace t = { .child_fd = -1 };
	int r;

	if (!cmd_begin(command, help, argc, argv, &t.config, &r))
		return r;
	if (check(&t.config) || (command == CMD_RECORD && check_record(&t.config)))
		return EXIT_USAGE;
	cmd_warn_of_pids(&t.config);
	r = open_both(&t, command);
	if (!r)
		r = trace(&t);
	return close_all(&t, r);
}

int cmd_trace(int argc, char **argv)
{
	static const struct cmd_help help = {
		.usage = cmd_usage,
		.status = "0 done, 1 could not do it, 2 bad usage, 3 done and something is wrong;\n"
			  "with COMMAND its own. The manual: man tcpclose.",
	};

	return trace_as(CMD_TRACE, &help, argc, argv);
}

int cmd_record(int argc, char **argv)
{
	static const struct cmd_help help = {
		.usage = "Usage: tcpclose record -o FILE [OPTIONS] [-- COMMAND ...]\n\n"
			 "Keeps all that the sensors say, until told to stop or while COMMAND runs. What it means is\n"
			 "told by tcpclose replay FILE: the same verdicts as tcpclose trace would have given.\n\n",
		.status = "0 done, 1 could not do it, 2 bad usage; with COMMAND its own.",
	};

	return trace_as(CMD_RECORD, &help, argc, argv);
}
