/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* tcpclose demo: the echo pair ends its connections, under trace. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "load/namespaces.h"
#include "cmd.h"
#include "demo/play.h"
#include "demo/repeat.h"
#include "netns.h"
#include "opts.h"
#include "output.h"
#include "taping.h"

#define DELAY_DEFAULT_NS UINT64_C(100000000)
#define DELAY_MAX_NS (3600 * UINT64_C(1000000000))

struct act {
	const struct ending *ending;
	enum side closer;
};

struct demo {
	struct config config;
	struct act acts[OPTS_MAX_ENDINGS];
	int n_acts;
	struct output output;
	struct taping taping;
	struct run *run;
	struct capture *capture;
	struct play play;
	struct repeat repeat;
	bool again; /* not the first time: what is as it must be is not shown once more */
	bool muted;
	int reserved; /* a socket that holds the port */
	int results[PLAY_INTERRUPTED + 1];
};

/* --- what is to be done ----------------------------------------------------------- */

static int add_act(struct demo *demo, const struct ending *ending, bool named)
{
	enum side closer = ending->closer;

	if (demo->n_acts == OPTS_MAX_ENDINGS) {
		log_error("more than %d endings", OPTS_MAX_ENDINGS);
		return -EINVAL;
	}
	if (demo->config.closer && side_by_slug(demo->config.closer, &closer)) {
		log_error("--closer must be server or client, not %s", demo->config.closer);
		return -EINVAL;
	}
	if (!ending_can_close(ending, closer)) {
		if (named) {
			log_error("%s cannot be done by the %s", ending->slug, side_slug(closer));
			return -EINVAL;
		}
		closer = ending->closer;
	}
	demo->acts[demo->n_acts++] = (struct act){ ending, closer };
	return 0;
}

static int add_all(struct demo *demo)
{
	const struct ending *row;
	size_t n;
	int r = 0;

	row = endings(&n);
	for (size_t i = 0; i < n && !r; i++)
		r = add_act(demo, &row[i], false);
	return r;
}

static int add_word(struct demo *demo, const char *word)
{
	const struct ending *ending = ending_by_slug(word);

	if (!strcmp(word, "all"))
		return add_all(demo);
	if (ending)
		return add_act(demo, ending, true);
	log_error("no ending is called %s: tcpclose demo --help lists them", word);
	return -EINVAL;
}

/* An orderly end and an abort, if nobody asks for others. */
static int choose_acts(struct demo *demo)
{
	int r = 0;

	for (int i = 0; i < demo->config.n_words && !r; i++)
		r = add_word(demo, demo->config.words[i]);
	if (!r && !demo->config.n_words)
		r = add_word(demo, "default");
	if (!r && !demo->config.n_words)
		r = add_word(demo, "linger-zero");
	return r;
}

static int check_config(struct demo *demo)
{
	struct config *c = &demo->config;

	if (c->run) {
		log_error("demo brings its own programs: there is nothing to put behind --");
		return -EINVAL;
	}
	if (!c->delay_set)
		/* many times: what counts is what they leave behind */
		c->delay_ns = c->count > 1 ? 0 : DELAY_DEFAULT_NS;
	if (c->delay_ns > DELAY_MAX_NS) {
		log_error("--delay must not be longer than 3600 s");
		return -EINVAL;
	}
	if (!c->filter.family)
		c->filter.family = 4;
	return choose_acts(demo);
}

/* --- what it needs ----------------------------------------------------------------- */

/*
 * A port that is free, and stays ours as long as the socket is open: nobody binds
 * to it but a server that says SO_REUSEADDR, as ours does.
 */
static int reserve_port(struct demo *demo)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} address = { 0 };
	bool six = demo->config.filter.family == 6;
	socklen_t length = six ? sizeof(address.in6) : sizeof(address.in);
	CLEANUP(close) int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	if (six)
		address.in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
						     .sin6_addr = in6addr_loopback };
	else
		address.in = (struct sockaddr_in){ .sin_family = AF_INET,
						   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, &address.any, length) || getsockname(fd, &address.any, &length)) {
		int r = -errno;

		log_error("no port on IPv%u loopback: %s", demo->config.filter.family,
			  strerror(-r));
		return r;
	}
	/* The port stands at the same place in both. */
	demo->play.port = ntohs(address.in.sin_port);
	demo->reserved = TAKE_FD(fd);
	return 0;
}

static int emit(void *ctx, const struct record *record)
{
	struct demo *demo = ctx;
	int r;

	repeat_take(&demo->repeat, record);
	if (record->kind == REC_STORY && record->story->begin)
		demo->muted = demo->again && !demo->config.json && record->story->as_expected;
	if (demo->muted && record->kind != REC_LEFT && record->kind != REC_SUMMARY)
		return 0;
	r = output_take(&demo->output, record);
	/* one ending is told: who reads along has it now */
	if (!r && record->kind == REC_STORY)
		r = output_flush(&demo->output);
	return r;
}

static int on_record(void *ctx, const struct record *record)
{
	return play_take(&((struct demo *)ctx)->play, record);
}

/* A SYN has no port yet when the kernel's filter sees it: strangers come through, and go here. */
static bool on_want(void *ctx, const struct verdict *v)
{
	uint16_t port = ((struct demo *)ctx)->play.port;

	return v->tuple.local.port == port || v->tuple.peer.port == port;
}

static int on_segments(void *ctx, int fd)
{
	struct demo *demo = ctx;

	(void)fd;
	/* What is wrong with it play_ending() will say. */
	return capture_drain(demo->capture) ? 1 : 0;
}

/* Without it there is still a story; the wire is missing in it. */
static int open_capture(struct demo *demo)
{
	char why[CAPTURE_WHY] = "";
	int r = capture_open("lo", demo->play.port, play_segment, &demo->play, &demo->capture, why);

	if (r) {
		log_error("segments cannot be shown: %s", *why ? why : strerror(-r));
		return 0;
	}
	demo->play.capture = demo->capture;
	return run_watch(demo->run, capture_fd(demo->capture), on_segments, demo);
}

static int open_run(struct demo *demo)
{
	const struct config *c = &demo->config;
	struct run_config config = {
		.session = { .way = c->way,
			     .ring_kib = c->ring_kib,
			     .events = true,
			     .filter = c->filter },
		.head = &demo->taping.head,
		.tape = demo->taping.tape,
		.max_flows = c->max_flows,
		.events = true,
		.strays = true,
		.emit = on_record,
		.want = on_want,
		.ctx = demo,
	};

	config.session.filter.ports[0] = demo->play.port;
	config.session.filter.n_ports = 1;
	return run_open(&config, &demo->run);
}

/* A replay must know what on_want() does. */
static int open_tape(struct demo *demo, uint64_t wall_ns)
{
	char port[8];
	int r = taping_open(demo->config.tape, &demo->config, wall_ns, &demo->taping);

	snprintf(port, sizeof(port), "%u", demo->play.port);
	return r ? r : taping_want(&demo->taping, "port", port);
}

static void open_repeat(struct demo *demo)
{
	struct repeat *r = &demo->repeat;
	struct bill_rules rules = { .netns = namespaces_own() };

	netns_rules(&rules, 1);
	r->port = demo->play.port;
	r->family = demo->play.family;
	r->port_first = rules.port_first;
	r->port_last = rules.port_last;
	r->left.range_ports = rules.ports;
	r->left.mini_bytes = netns_mini_bytes();
}

static int open_demo(struct demo *demo)
{
	const struct config *c = &demo->config;
	uint64_t wall_ns = output_wall_ns();
	int r = pair_check();

	if (!r)
		r = reserve_port(demo);
	if (!r)
		r = open_tape(demo, wall_ns);
	if (!r)
		r = output_open(c, c->json ? &sink_ndjson : &sink_ladder, wall_ns, &demo->output);
	if (!r)
		r = taping_apart(&demo->taping, &demo->output.target);
	if (!r)
		r = open_run(demo);
	if (!r)
		r = output_begin(&demo->output);
	if (!r)
		r = taping_begin(&demo->taping);
	if (r)
		return r;
	demo->play.run = demo->run;
	demo->play.family = c->filter.family;
	demo->play.delay_ns = c->delay_ns;
	demo->play.brief = demo->n_acts > 2 && !c->ladder;
	demo->play.progress = !c->quiet && isatty(STDERR_FILENO);
	demo->play.emit = emit;
	demo->play.ctx = demo;
	open_repeat(demo);
	return open_capture(demo);
}

/* --- doing it ------------------------------------------------------------------------ */

/* 0, or negative errno; demo->results says when it was interrupted. */
static int play_act(struct demo *demo, const struct act *act, uint64_t times)
{
	enum play_result result = PLAY_SKIPPED;

	for (uint64_t n = 0; n < times; n++) {
		int r;

		demo->again = n > 0;
		/* to wait a minute once is enough */
		demo->play.follow = demo->config.follow && !demo->again;
		r = play_ending(&demo->play, act->ending, act->closer, &result);
		if (r)
			return r;
		demo->results[result]++;
		if (result == PLAY_INTERRUPTED || result == PLAY_SKIPPED)
			return 0;
	}
	return 0;
}

/* What is in a namespace that has gone with its story is not left. */
static bool leaves_something(const struct demo *demo, const struct act *act)
{
	return demo->config.count > 1 && !ending_is_raw(act->ending);
}

static int tell_left(struct demo *demo)
{
	struct record record = { .kind = REC_LEFT, .mono_ns = run_now_ns(), .left = &demo->repeat.left };
	int r = repeat_end(&demo->repeat);

	if (r) {
		log_error("cannot read what the kernel lists: %s", strerror(-r));
		return r;
	}
	return demo->repeat.left.runs ? emit(demo, &record) : 0;
}

static int play_all(struct demo *demo)
{
	uint64_t times = demo->config.count ? demo->config.count : 1;
	int r = 0;

	for (int i = 0; i < demo->n_acts && !r && !demo->results[PLAY_INTERRUPTED]; i++) {
		const struct act *act = &demo->acts[i];

		r = repeat_begin(&demo->repeat, act->ending, act->closer);
		if (!r)
			r = play_act(demo, act, times);
		if (!r && leaves_something(demo, act))
			r = tell_left(demo);
	}
	return r;
}

static void say_results(const struct demo *demo)
{
	const int *n = demo->results;

	if (demo->n_acts > 2)
		log_info("%d endings as they must be, %d not, %d skipped", n[PLAY_AS_EXPECTED],
			 n[PLAY_DIFFERS], n[PLAY_SKIPPED]);
}

static int perform(struct demo *demo)
{
	int r = open_demo(demo), closed, kept;

	if (!r)
		r = play_all(demo);
	if (!r)
		r = run_finish(demo->run);
	if (!r)
		say_results(demo);
	play_free(&demo->play);
	repeat_free(&demo->repeat);
	capture_close(demo->capture);
	run_close(demo->run);
	kept = taping_close(&demo->taping);
	closed = output_close(&demo->output);
	if (demo->reserved >= 0)
		close(demo->reserved);
	if (!r)
		r = closed;
	return r ? r : kept;
}

int cmd_demo(int argc, char **argv)
{
	static const struct cmd_help help = {
		.usage = "Usage: tcpclose demo [ENDING ...|all] [OPTIONS]\n\n"
			 "Runs an echo server and its client, unprivileged and on loopback, through endings\n"
			 "of a TCP connection, and shows what the kernel, the wire and both programs saw.\n"
			 "Without ENDING: default and linger-zero, and what tells them apart.\n\n",
		.list = cmd_list_endings,
		.status = "0 all as it must be, 1 could not do it, 2 bad usage, 3 not as it must be.",
	};
	struct demo demo = { .reserved = -1, .play.net = RAW_NET_INIT };
	int r;

	if (!cmd_begin(CMD_DEMO, &help, argc, argv, &demo.config, &r))
		return r;
	if (check_config(&demo))
		return EXIT_USAGE;
	r = perform(&demo);
	if (r == TARGET_REFUSED)
		return EXIT_USAGE;
	if (r && r != -EPIPE)
		return EXIT_FAILED;
	return demo.results[PLAY_DIFFERS] ? EXIT_WRONG : EXIT_DONE;
}
