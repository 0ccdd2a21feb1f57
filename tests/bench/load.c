/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * load NAME: puts one load on loopback, in a network namespace of its own, and
 * prints one line of JSON about it. With --wait a driver says when: it says
 * ready, runs at "go", and keeps everything open until its input ends.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "load.h"

#define SECONDS_MAX 600
#define COUNT_MAX 100000000
#define HELD_MAX 200000
#define PROCESSES_MAX 64
#define TW_BUCKETS 4000000
/* Descriptors that are not connections. */
#define SPARE_FDS 32
/* A driver that says nothing that long is gone. */
#define PATIENCE_S 1800

static const struct load *const loads[] = { &load_churn_rst, &load_churn_fin, &load_churn_mix, &load_meet_rst, &load_meet_fin,
					    &load_http_rst, &load_http_fin,
					    &load_idle, &load_bulk, &load_pingpong,
					    &load_listen, &load_keepalive };
#define N_LOADS ((int)(sizeof(loads) / sizeof(loads[0])))

struct run {
	const struct load *load;
	struct load_options options;
};

static int usage(void)
{
	fputs("usage: load NAME [--count N] [--seconds S] [--per-s N] [--processes N] [--pin] [--wait]\n"
	      "                 [--here] [--tw-buckets N]\n", stderr);
	for (int i = 0; i < N_LOADS; i++)
		fprintf(stderr, "  %-10s  %s (counts a %s)\n", loads[i]->name, loads[i]->what, loads[i]->unit);
	return 2;
}

static int number(const char *word, uint64_t max, uint64_t *ret)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(word, &end, 10);
	if (errno || end == word || *end || n < 1 || n > max)
		return -EINVAL;
	*ret = n;
	return 0;
}

static const struct load *find(const char *name)
{
	for (int i = 0; i < N_LOADS; i++)
		if (name && !strcmp(loads[i]->name, name))
			return loads[i];
	return NULL;
}

static int take(int letter, const char *word, struct load_options *o)
{
	uint64_t n = 0;
	int r = 0;

	switch (letter) {
	case 'c': return number(word, COUNT_MAX, &o->count);
	case 'r': return number(word, COUNT_MAX, &o->per_s);
	case 's':
		r = number(word, SECONDS_MAX, &n);
		o->seconds_ns = n * SECOND_NS;
		return r;
	case 'n':
		r = number(word, PROCESSES_MAX, &n);
		o->processes = (uint32_t)n;
		return r;
	case 'b':
		r = strcmp(word, "0") ? number(word, UINT32_MAX >> 1, &n) : 0;
		o->tw_buckets = (uint32_t)n;
		return r;
	case 'p': o->pin = true; return 0;
	case 'w': o->wait = true; return 0;
	case 'h': o->here = true; return 0;
	default: return -EINVAL;
	}
}

static int parse(int argc, char **argv, struct run *ret)
{
	static const struct option longs[] = {
		{ "count", required_argument, NULL, 'c' }, { "seconds", required_argument, NULL, 's' },
		{ "per-s", required_argument, NULL, 'r' }, { "processes", required_argument, NULL, 'n' },
		{ "tw-buckets", required_argument, NULL, 'b' }, { "pin", no_argument, NULL, 'p' },
		{ "wait", no_argument, NULL, 'w' }, { "here", no_argument, NULL, 'h' }, { 0 },
	};
	struct run run = { .options = { .count = COUNT_MAX, .seconds_ns = SECOND_NS, .processes = 1,
					.tw_buckets = TW_BUCKETS } };
	int letter;

	while ((letter = getopt_long(argc, argv, "", longs, NULL)) != -1)
		if (take(letter, optarg, &run.options))
			return -EINVAL;
	run.load = optind == argc - 1 ? find(argv[optind]) : NULL;
	if (!run.load || run.options.processes > run.options.count)
		return -EINVAL;
	*ret = run;
	return 0;
}

/* Not everybody may raise the hard limit, root included; more processes do as well. */
static void spread_over_processes(struct load_options *o)
{
	struct rlimit limit, wanted;
	uint64_t each, needed;

	if (o->count > HELD_MAX)
		o->count = HELD_MAX;
	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	needed = 2 * o->count / o->processes + SPARE_FDS;
	wanted = (struct rlimit){ needed, needed > limit.rlim_max ? needed : limit.rlim_max };
	if (setrlimit(RLIMIT_NOFILE, &wanted)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= needed)
		return;
	each = (limit.rlim_cur - SPARE_FDS) / 2;
	o->processes = (uint32_t)((o->count + each - 1) / each);
}

static void say(const char *line)
{
	puts(line);
	fflush(stdout);
}

static int go(void *ctx)
{
	const struct run *run = ctx;
	char line[256];

	if (!run->options.wait)
		return 0;
	snprintf(line, sizeof(line), "{\"ready\":\"%s\",\"pid\":%d,\"netns\":%" PRIu64 "}", run->load->name,
		 (int)getpid(), net_namespace());
	say(line);
	return fgets(line, sizeof(line), stdin) ? 0 : -ECANCELED;
}

static int leave(void *ctx, const struct load_result *all)
{
	const struct run *run = ctx;
	double seconds = (double)all->ns / SECOND_NS;
	char line[512];

	snprintf(line, sizeof(line),
		 "{\"load\":\"%s\",\"unit\":\"%s\",\"processes\":%u,\"ops\":%" PRIu64 ",\"seconds\":%.6f,"
		 "\"per_s\":%.1f,\"cpu_s\":%.6f,\"wait_s\":%.6f,\"netns\":%" PRIu64 "}",
		 run->load->name, run->load->unit, run->options.processes, all->ops, seconds,
		 seconds > 0 ? (double)all->ops / seconds : 0, (double)all->cpu_ns / SECOND_NS,
		 (double)all->wait_ns / SECOND_NS, net_namespace());
	say(line);
	while (run->options.wait && fgets(line, sizeof(line), stdin))
		;
	return 0;
}

int main(int argc, char **argv)
{
	struct run run;
	int r;

	if (parse(argc, argv, &run))
		return usage();
	alarm(PATIENCE_S);
	if (run.load->holds)
		spread_over_processes(&run.options);
	r = run.options.here ? 0 : net_private(run.options.tw_buckets);
	if (!r)
		r = workers_run(run.load, &run.options, go, leave, &run);
	if (r)
		fprintf(stderr, "load %s: %s\n", run.load->name, strerror(-r));
	return r ? 1 : 0;
}
