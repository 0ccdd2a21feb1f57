/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "echo_common.h"

#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "echo_admin.h"
#include "echo_script.h"
#include "echo_step.h"
#include "echo_wire.h"
#include "raw_peer.h"

/* Of linger-expired: the kernel doubles both. */
#define RECEIVE_BUFFER 8192
#define SEND_BUFFER 131072

static volatile sig_atomic_t expired;

static void on_alarm(int signal)
{
	(void)signal;
	expired = 1;
}

int echo_deadline(uint64_t ns)
{
	struct itimerval timer = {
		.it_value = { .tv_sec = (time_t)(ns / 1000000000),
			      .tv_usec = (suseconds_t)(ns % 1000000000 / 1000) },
		/* Again and again: the first may come just before a call blocks. */
		.it_interval = { .tv_usec = 100000 },
	};
	/* No SA_RESTART: calls end with EINTR. */
	struct sigaction action = { .sa_handler = on_alarm };

	expired = 0;
	if (sigaction(SIGALRM, &action, NULL) || setitimer(ITIMER_REAL, &timer, NULL))
		return -errno;
	return 0;
}

bool echo_expired(void)
{
	return expired;
}

static int drop_privileges(const struct echo_options *o)
{
	if (!o->drop)
		return 0;
	if (setgroups(0, NULL) || setresgid(o->gid, o->gid, o->gid) ||
	    setresuid(o->uid, o->uid, o->uid))
		return -errno;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
}

/*
 * Whoever takes our reports has started us, and is not survived.
 * After the change of user: that forgets it.
 */
static int die_with_parent(const struct echo_options *o)
{
	return o->report_fd >= 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) ? -errno : 0;
}

static uint64_t conversation_ns(const struct echo_options *o)
{
	uint64_t s = UINT64_C(1000000000);

	return o->delay_ns + (o->ending->seconds + o->linger_s) * s + ECHO_GRACE_NS;
}

static int prepare_socket(struct echo *e, int fd, const struct script *script)
{
	struct caller *c = &e->caller;
	int r = 0;

	if (script->tight)
		r = call_set_int(c, fd, SOL_SOCKET, SO_RCVBUF, "SO_RCVBUF", RECEIVE_BUFFER);
	if (!r && script->tight)
		r = call_set_int(c, fd, SOL_SOCKET, SO_SNDBUF, "SO_SNDBUF", SEND_BUFFER);
	if (!r && script->slow)
		r = wire_slow(c, fd);
	/* Refused: it works without, only less often. */
	return r == -EPERM ? 0 : r;
}

/* The listener of the server, the connection of the client. */
static int open_socket(struct echo *e)
{
	CLEANUP(close) int fd = call_socket(&e->caller, script_of(e->options->ending->id)->mptcp);
	bool server = e->options->role == SIDE_SERVER;
	int r = 0;

	if (fd < 0)
		return fd;
	/* Who comes again must not be kept from the port by what is left of the first time. */
	if (server || script_of(e->options->ending->id)->again)
		r = call_set_int(&e->caller, fd, SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR", 1);
	if (!r)
		r = prepare_socket(e, fd, script_of(e->options->ending->id));
	if (!r)
		*(server ? &e->listener : &e->fd) = TAKE_FD(fd);
	return r;
}

/* The first socket and the change of user, in the order that the ending needs. */
static int start(struct echo *e)
{
	const struct echo_options *o = e->options;
	bool early = o->drop && script_of(o->ending->id)->slow;
	int r = 0;

	if (script_of(o->ending->id)->admin && o->role == o->closer)
		r = admin_start(e);
	if (r)
		return r;
	if (early) {
		r = open_socket(e);
		/* It is the user's socket, also in the eyes of the kernel. */
		if (!r && fchown(o->role == SIDE_SERVER ? e->listener : e->fd, o->uid, o->gid))
			r = -errno;
	}
	if (!r)
		r = drop_privileges(o);
	if (!r)
		r = die_with_parent(o);
	return r || early ? r : open_socket(e);
}

static int play(struct echo *e, const struct script *script)
{
	const struct echo_options *o = e->options;
	int r = o->role == SIDE_SERVER ? script_echo(e) : script_say(e);

	if (r)
		return r;
	return o->closer == o->role ? script->closer(e) : script->other(e);
}

static int serve_one(struct echo *e, const struct script *script)
{
	int r;

	e->caller.has_peer = false;
	r = call_accept(&e->caller, e->listener);
	if (r < 0)
		return r;
	e->fd = r;
	r = echo_deadline(conversation_ns(e->options));
	return r ? r : play(e, script);
}

static uint32_t rounds(const struct echo_options *o)
{
	return o->count * (script_of(o->ending->id)->again ? 2 : 1);
}

static int serve(struct echo *e)
{
	const struct echo_options *o = e->options;
	const struct script *script = script_of(o->ending->id);
	int r;

	if (script->serve)
		return script->serve(e);
	r = call_bind(&e->caller, e->listener, &o->address);
	if (!r)
		r = call_listen(&e->caller, e->listener, 128);
	for (uint32_t i = 0; i < rounds(o) && !r; i++) {
		e->turn = i;
		r = echo_deadline(o->wait_ns);
		if (!r)
			r = serve_one(e, script);
	}
	return r;
}

static int call_one(struct echo *e)
{
	const struct script *script = script_of(e->options->ending->id);
	int r;

	if (script->call)
		return script->call(e);
	r = call_connect(&e->caller, e->fd, &e->options->address);
	return r ? r : play(e, script);
}

/* Once more, from the port that the last connection had. */
static int call_again(struct echo *e)
{
	struct sockaddr_storage from = e->caller.local;
	int r = script_of(e->options->ending->id)->again(e);

	e->caller.has_local = e->caller.has_peer = false;
	if (!r)
		r = open_socket(e);
	if (!r)
		r = call_bind(&e->caller, e->fd, &from);
	return r ? r : call_one(e);
}

static int call_anew(struct echo *e)
{
	int r = 0;

	e->caller.has_local = e->caller.has_peer = false;
	if (e->fd < 0)
		r = open_socket(e);
	return r ? r : call_one(e);
}

static int call(struct echo *e)
{
	script_step again = script_of(e->options->ending->id)->again;
	int r = 0;

	for (uint32_t i = 0; i < rounds(e->options) && !r; i++) {
		e->turn = i;
		r = echo_deadline(conversation_ns(e->options));
		if (!r)
			r = again && i % 2 ? call_again(e) : call_anew(e);
	}
	return r;
}

static bool is_scripted_peer(const struct echo_options *o)
{
	return ending_is_raw(o->ending) && ending_raw_side(o->closer) == o->role;
}

/* It has no socket; what it needs privileges for it does before it gives them up, or all along. */
static int play_peer(struct echo *e)
{
	int r = raw_needs_privileges(e->options) ? 0 : drop_privileges(e->options);

	if (!r)
		r = die_with_parent(e->options);
	return r ? r : raw_play(e);
}

static int play_side(struct echo *e)
{
	int r;

	if (is_scripted_peer(e->options))
		return play_peer(e);
	r = start(e);
	if (r)
		return r;
	return e->options->role == SIDE_SERVER ? serve(e) : call(e);
}

int echo_main(int argc, char **argv, enum side role)
{
	struct echo_options options;
	struct echo e = { .options = &options, .listener = -1, .fd = -1, .admin = -1 };
	int r;

	echo_options(argc, argv, role, &options);
	e.caller = (struct caller){
		.role = role,
		.family = options.family,
		.report_fd = options.report_fd,
		.start_ns = clock_mono_ns(),
	};
	signal(SIGPIPE, SIG_IGN);
	r = echo_deadline(options.wait_ns + conversation_ns(&options));
	if (!r)
		r = play_side(&e);
	buf_free(&e.caller.line);
	if (!r)
		return EXIT_SUCCESS;
	fprintf(stderr, "%s: %s\n", argv[0],
		r == -ETIME || echo_expired() ? "time is up" : strerror(-r));
	return EXIT_FAILURE;
}
