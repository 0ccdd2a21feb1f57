/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The processes of a load: started together, measured each, added up. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

/* How much longer than its time a process may take before it is ended as hung. */
#define HUNG_S 60
/* Pacing by finer steps than this would measure the timer. */
#define NAP_NS UINT64_C(1000000)

struct channels {
	int go[2];    /* a byte for each: start; its end: go home */
	int leave[2]; /* its end: close everything */
	int told[2];  /* from the processes: ready, then a result */
};

struct message {
	int error;
	struct load_result result;
};

uint64_t load_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

static uint64_t cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * SECOND_NS + (uint64_t)used.tv_nsec;
}

/* "time run, time waited, slices"; 0 where the kernel does not count. */
static uint64_t waited_ns(void)
{
	unsigned long long ran, waited = 0;
	FILE *file = fopen("/proc/self/schedstat", "re");

	if (!file)
		return 0;
	if (fscanf(file, "%llu %llu", &ran, &waited) != 2)
		waited = 0;
	fclose(file);
	return waited;
}

static void pin(uint32_t index)
{
	cpu_set_t allowed, one;
	int wanted;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return;
	wanted = CPU_COUNT(&allowed) - 1 - (int)(index % (uint32_t)CPU_COUNT(&allowed));
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed) && wanted-- == 0)
			CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static void keep_pace(const struct worker *w)
{
	uint64_t per_s = w->options->per_s, due, now;
	struct timespec nap = { 0 };

	if (!per_s)
		return;
	due = w->started_ns + w->ops * SECOND_NS / per_s;
	now = load_now_ns();
	if (due < now + NAP_NS)
		return;
	nap.tv_sec = (time_t)((due - now) / SECOND_NS);
	nap.tv_nsec = (long)((due - now) % SECOND_NS);
	ppoll(NULL, 0, &nap, NULL);
}

static int measure(const struct load *load, struct worker *w, struct load_result *ret)
{
	uint64_t cpu = cpu_ns(), waited = waited_ns();
	int r = 0;

	w->ops = 0;
	w->started_ns = load_now_ns();
	while (!r && w->ops < w->count && load_now_ns() < w->started_ns + w->options->seconds_ns) {
		r = load->once(w);
		if (!r)
			w->ops++;
		keep_pace(w);
	}
	*ret = (struct load_result){ w->ops, load_now_ns() - w->started_ns, cpu_ns() - cpu, waited_ns() - waited };
	return r;
}

static bool told_to_go(int fd)
{
	char byte;

	return read(fd, &byte, 1) == 1;
}

static void wait_for_end_of(int fd)
{
	char byte;

	while (read(fd, &byte, 1) > 0)
		;
}

static int tell(int fd, const struct message *message)
{
	return write(fd, message, sizeof(*message)) == sizeof(*message) ? 0 : -EPIPE;
}

static int work(const struct load *load, struct worker *w, struct channels *c)
{
	struct message message = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(c->go[1]);
	close(c->leave[1]);
	close(c->told[0]);
	if (w->options->pin)
		pin(w->index);
	message.error = load->prepare(w);
	if (tell(c->told[1], &message) || message.error || !told_to_go(c->go[0]))
		return 1;
	alarm((unsigned int)(w->options->seconds_ns / SECOND_NS) + HUNG_S);
	message.error = measure(load, w, &message.result);
	alarm(0);
	if (tell(c->told[1], &message))
		return 1;
	wait_for_end_of(c->leave[0]);
	return message.error ? 1 : 0;
}

static int start(const struct load *load, const struct load_options *options, struct channels *c)
{
	for (uint32_t i = 0; i < options->processes; i++) {
		struct worker w = { .options = options, .index = i, .listener = -1, .near = -1, .far = -1 };
		pid_t pid;

		w.count = options->count / options->processes + (i < options->count % options->processes);
		pid = fork();
		if (pid < 0)
			return -errno;
		if (!pid)
			_exit(work(load, &w, c));
	}
	close(c->told[1]);
	c->told[1] = -1;
	return 0;
}

/* One message of every process; their end before that is an error. */
static int gather(const struct load_options *options, int fd, struct load_result *ret)
{
	struct load_result all = { 0 };
	struct message m;
	int r = 0;

	for (uint32_t i = 0; i < options->processes; i++) {
		if (read(fd, &m, sizeof(m)) != sizeof(m))
			return -ECHILD;
		if (m.error)
			r = m.error;
		all.ops += m.result.ops;
		all.cpu_ns += m.result.cpu_ns;
		all.wait_ns += m.result.wait_ns;
		if (m.result.ns > all.ns)
			all.ns = m.result.ns;
	}
	*ret = all;
	return r;
}

static int start_them(const struct load_options *options, int fd)
{
	for (uint32_t i = 0; i < options->processes; i++)
		if (write(fd, "", 1) != 1)
			return -errno;
	return 0;
}

static void close_all(struct channels *c)
{
	int fds[] = { c->go[0], c->go[1], c->leave[0], c->leave[1], c->told[0], c->told[1] };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

int workers_run(const struct load *load, const struct load_options *options,
		int (*go)(void *ctx), int (*leave)(void *ctx, const struct load_result *all), void *ctx)
{
	struct channels c = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	struct load_result all;
	int r;

	if (pipe(c.go) || pipe(c.leave) || pipe(c.told))
		return -errno;
	r = start(load, options, &c);
	if (!r)
		r = gather(options, c.told[0], &all);
	if (!r)
		r = go(ctx);
	if (!r)
		r = start_them(options, c.go[1]);
	if (!r)
		r = gather(options, c.told[0], &all);
	if (!r)
		r = leave(ctx, &all);
	close_all(&c);
	while (wait(NULL) > 0)
		;
	return r;
}
