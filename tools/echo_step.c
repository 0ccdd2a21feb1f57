/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "echo_step.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "base/clock.h"
#include "echo_peer.h"

#define READ_BYTES 65536
/* How often a condition is looked at that cannot be waited for. */
#define LOOK_NS UINT64_C(2000000)
/* More than the kernel ever delays an acknowledgement (200 ms): one that takes longer is lost. */
#define ACK_NS UINT64_C(250000000)

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / 1000000000),
				  .tv_nsec = (long)(ns % 1000000000) };
}

void step_until(uint64_t mono_ns)
{
	struct timespec t;

	for (uint64_t now = clock_mono_ns(); now < mono_ns && !echo_expired(); now = clock_mono_ns()) {
		t = timespec_of(mono_ns - now);
		ppoll(NULL, 0, &t, NULL);
	}
}

int step_delay(struct echo *e)
{
	uint64_t end = clock_mono_ns() + e->options->delay_ns;
	struct pollfd p = { .fd = e->fd };
	struct timespec t;

	caller_say(&e->caller, "waits %g s ...", (double)e->options->delay_ns / 1e9);
	for (uint64_t now = clock_mono_ns(); now < end; now = clock_mono_ns()) {
		if (echo_expired())
			return -ETIME;
		t = timespec_of(end - now);
		/* POLLERR and POLLHUP come unasked. */
		if (ppoll(&p, 1, &t, NULL) > 0)
			return 0;
	}
	return 0;
}

int step_close(struct echo *e)
{
	int fd = e->fd;

	e->fd = -1;
	return call_close(&e->caller, fd);
}

int step_write(struct echo *e)
{
	ssize_t n = call_write(&e->caller, e->fd, e->options->message, strlen(e->options->message));

	return n < 0 ? (int)n : 0;
}

static int read_to_end(struct echo *e, bool echo)
{
	static char bytes[READ_BYTES];
	ssize_t n;

	do {
		n = call_read(&e->caller, e->fd, bytes, sizeof(bytes));
		if (echo && n > 0)
			call_write(&e->caller, e->fd, bytes, (size_t)n);
	} while (n > 0);
	return echo_expired() ? -ETIME : 0;
}

int step_read_to_end(struct echo *e)
{
	return read_to_end(e, false);
}

int step_echo_to_end(struct echo *e)
{
	return read_to_end(e, e->options->role == SIDE_SERVER);
}

static int await_poll(struct echo *e, short events)
{
	int r = call_poll(&e->caller, e->fd, events, ECHO_GRACE_NS + e->options->delay_ns);

	return r < 0 ? r : r ? 0 : -ETIME;
}

int step_await_data(struct echo *e)
{
	return await_poll(e, POLLIN);
}

int step_await_fin(struct echo *e)
{
	return await_poll(e, POLLRDHUP);
}

int step_await_break(struct echo *e)
{
	return await_poll(e, 0);
}

/* Looks again and again until `there` says so; -ETIME at the deadline. */
static int await(struct echo *e, bool (*there)(struct echo *e))
{
	while (!there(e)) {
		if (echo_expired())
			return -ETIME;
		step_until(clock_mono_ns() + LOOK_NS);
	}
	return 0;
}

static bool has_error(struct echo *e)
{
	struct pollfd p = { .fd = e->fd };

	return poll(&p, 1, 0) > 0 && p.revents & POLLERR;
}

int step_await_error(struct echo *e)
{
	return await(e, has_error);
}

static bool has_ended(struct echo *e)
{
	struct pollfd p = { .fd = e->fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) > 0 && p.revents & POLLRDHUP;
}

int step_await_end(struct echo *e)
{
	return await(e, has_ended);
}

static bool all_acked(struct echo *e)
{
	int queued = 0;

	return ioctl(e->fd, SIOCOUTQ, &queued) || !queued;
}

int step_write_unheard(struct echo *e)
{
	uint64_t until;
	int r;

	do {
		r = step_write(e);
		until = clock_mono_ns() + ACK_NS;
		while (!r && !all_acked(e) && clock_mono_ns() < until)
			step_until(clock_mono_ns() + LOOK_NS);
	} while (!r && all_acked(e) && !echo_expired());
	return echo_expired() ? -ETIME : r;
}

int step_await_acked(struct echo *e)
{
	return await(e, all_acked);
}

static bool peer_has_read(struct echo *e)
{
	struct peer_socket peer;

	/* Not a matter of right and wrong: where it cannot be seen nobody waits. */
	return peer_look(&e->caller, &peer) || !peer.exists || !peer.unread;
}

int step_await_read(struct echo *e)
{
	int r = step_await_acked(e);

	return r ? r : await(e, peer_has_read);
}

/* Where the other end cannot be seen the deadline decides, which is as late as it can be. */
static bool peer_orphaned(struct echo *e)
{
	struct peer_socket peer;

	return !peer_look(&e->caller, &peer) && !peer.held;
}

static bool peer_gone(struct echo *e)
{
	struct peer_socket peer;

	return !peer_look(&e->caller, &peer) && !peer.exists;
}

static int await_peer(struct echo *e, bool (*there)(struct echo *e), const char *what)
{
	int r;

	caller_say(&e->caller, "waits until the other end %s ...", what);
	r = await(e, there);
	/* Another host, or no inet_diag: it has had its time. */
	return r == -ETIME && !echo_deadline(ECHO_GRACE_NS) ? 0 : r;
}

int step_await_orphan(struct echo *e)
{
	return await_peer(e, peer_orphaned, "is closed");
}

int step_await_gone(struct echo *e)
{
	return await_peer(e, peer_gone, "is gone");
}

static bool own_is_mini(struct echo *e)
{
	struct peer_socket own;

	return !peer_look_own(&e->caller, &own) && !own.held &&
	       (own.state == TCP_FIN_WAIT2 || own.state == TCP_TIME_WAIT);
}

int step_await_mini(struct echo *e)
{
	return await(e, own_is_mini);
}

static bool is_over(const struct peer_socket *s)
{
	return !s->exists || s->state == TCP_TIME_WAIT;
}

static bool both_over(struct echo *e)
{
	struct peer_socket own, peer;

	return !peer_look_own(&e->caller, &own) && is_over(&own) && !peer_look(&e->caller, &peer) &&
	       is_over(&peer);
}

int step_await_over(struct echo *e)
{
	return await_peer(e, both_over, "is over, as is this one");
}

static sigset_t stop_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	return set;
}

int step_hold_stop(void)
{
	sigset_t set = stop_signals();

	return sigprocmask(SIG_BLOCK, &set, NULL) ? -errno : 0;
}

int step_await_stop(struct echo *e)
{
	struct timespec t = timespec_of(e->options->wait_ns);
	sigset_t set = stop_signals();

	caller_say(&e->caller, "waits for Ctrl-C, at most %g s ...",
		   (double)e->options->wait_ns / 1e9);
	sigtimedwait(&set, NULL, &t);
	return 0;
}
