/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * mix N WORKERS: N connections over all of its endings at once, from so many
 * processes, in the network namespace that it is started in (its loopback is
 * brought up). What each socket must earn goes to standard output, a line each:
 *
 *	PID LOCAL PEER CAUSE [anyone]
 *
 * Both ends are in one process. Every client has an address of its own, so that
 * no tuple lives twice. Exit status 1 when an ending could not be done as meant.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT "how did this end?"
#define DEADLINE_MS 20000

struct address {
	struct sockaddr_in in;
};

/* One connection: client's and server's socket, -1 = none (any more). */
struct link {
	int client, server, listener;
	struct address here, there; /* client's and server's */
};

static int worker;
static uint32_t made;

static void fail(const char *what)
{
	fprintf(stderr, "mix: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int check(int r, const char *what)
{
	if (r < 0)
		fail(what);
	return r;
}

static void set(int fd, int level, int option, const void *value, socklen_t size)
{
	check(setsockopt(fd, level, option, value, size), "setsockopt");
}

static struct address address_of(uint32_t ip, uint16_t port)
{
	return (struct address){ { .sin_family = AF_INET, .sin_addr.s_addr = htonl(ip), .sin_port = htons(port) } };
}

static struct address name_of(int fd)
{
	struct address a;
	socklen_t size = sizeof(a.in);

	check(getsockname(fd, (struct sockaddr *)&a.in, &size), "getsockname");
	return a;
}

static int tcp_socket(int flags)
{
	return check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0), "socket");
}

/* On an address of its own: 127.128.0.0 and up, apart from the servers' 127.0.0.x. */
static int client_socket(int flags)
{
	struct address a = address_of(0x7f800000u + ((uint32_t)worker << 16) + made++, 0);
	int fd = tcp_socket(flags);

	check(bind(fd, (struct sockaddr *)&a.in, sizeof(a.in)), "bind");
	return fd;
}

static int listen_on(uint32_t ip, struct address *ret)
{
	struct address a = address_of(ip, 0);
	int fd = tcp_socket(0), on = 1;

	set(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	check(bind(fd, (struct sockaddr *)&a.in, sizeof(a.in)), "bind");
	check(listen(fd, 64), "listen");
	*ret = name_of(fd);
	return fd;
}

static void must_earn(const struct address *local, const struct address *peer, const char *cause, const char *more)
{
	char a[INET_ADDRSTRLEN], b[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &local->in.sin_addr, a, sizeof(a));
	inet_ntop(AF_INET, &peer->in.sin_addr, b, sizeof(b));
	printf("%d %s:%u %s:%u %s%s\n", (int)getpid(), a, ntohs(local->in.sin_port), b, ntohs(peer->in.sin_port),
	       cause, more);
}

static void wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (check(poll(&p, 1, DEADLINE_MS), "poll") != 1) {
		errno = ETIME;
		fail("poll");
	}
}

static void say(int fd)
{
	if (check((int)send(fd, TEXT, sizeof(TEXT), MSG_NOSIGNAL), "send") != sizeof(TEXT))
		fail("send");
}

static void hear(int fd)
{
	char text[sizeof(TEXT)];

	wait_for(fd, POLLIN);
	if (check((int)recv(fd, text, sizeof(text), MSG_WAITALL), "recv") != sizeof(text))
		fail("recv");
}

static void hear_end(int fd)
{
	char byte;

	wait_for(fd, POLLIN);
	if (check((int)recv(fd, &byte, 1, 0), "recv"))
		fail("data instead of an end");
}

/* ECONNRESET, or EPIPE where the peer had closed before. */
static void hear_reset(int fd)
{
	char byte;

	wait_for(fd, POLLERR);
	while (recv(fd, &byte, 1, 0) > 0)
		;
	close(fd);
}

static void linger(int fd, int seconds)
{
	struct linger l = { .l_onoff = 1, .l_linger = seconds };

	set(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

/* --- the endings: `first` ends it, `other` is the other end ----------------------- */

static void end_default(int first, int other)
{
	close(first);
	hear_end(other);
	close(other);
}

static void end_linger_zero(int first, int other)
{
	linger(first, 0);
	close(first);
	hear_reset(other);
}

static void end_linger_drained(int first, int other)
{
	linger(first, 5);
	say(first);
	close(first);
	hear(other);
	hear_end(other);
	close(other);
}

static void end_unread(int first, int other)
{
	say(other);
	wait_for(first, POLLIN);
	close(first);
	hear_reset(other);
}

static void end_half_close(int first, int other)
{
	check(shutdown(first, SHUT_WR), "shutdown");
	hear_end(other);
	say(other);
	close(other);
	hear(first);
	hear_end(first);
	close(first);
}

static void end_disconnect(int first, int other)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	check(connect(first, &none, sizeof(none)), "disconnect");
	close(first);
	hear_reset(other);
}

static void end_data_after_close(int first, int other)
{
	close(first);
	hear_end(other);
	say(other);
	hear_reset(other);
}

static void end_linger2(int first, int other)
{
	int negative = -1;

	set(first, IPPROTO_TCP, TCP_LINGER2, &negative, sizeof(negative));
	close(first);
	hear_reset(other);
}

static void end_killed(int first, int other)
{
	pid_t pid = check(fork(), "fork");

	if (!pid) {
		close(other);
		raise(SIGKILL);
	}
	/* the child's is the last reference to `first`; ours to `other` stays */
	close(first);
	check(waitpid(pid, NULL, 0), "waitpid");
	hear_end(other);
	close(other);
}

static const struct {
	void (*end)(int first, int other);
	const char *first, *other;
	unsigned weight;
	const char *more; /* whose it is: "" = this process's */
} rows[] = {
	{ end_default, "active-close", "passive-close", 8, "" },
	{ end_linger_zero, "linger-zero", "peer-reset", 6, "" },
	{ end_linger_drained, "active-close", "passive-close", 4, "" },
	{ end_unread, "unread-data", "peer-reset", 6, "" },
	{ end_half_close, "active-close", "passive-close", 4, "" },
	{ end_disconnect, "disconnect", "peer-reset", 4, "" },
	{ end_data_after_close, "data-after-close", "peer-reset", 6, "" },
	{ end_linger2, "linger2-negative", "peer-reset", 4, "" },
	{ end_killed, "active-close", "passive-close", 1, " anyone" },
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static struct link make_link(int listener, const struct address *there)
{
	struct link l = { .client = client_socket(0), .there = *there };

	check(connect(l.client, (const struct sockaddr *)&there->in, sizeof(there->in)), "connect");
	l.server = check(accept(listener, NULL, NULL), "accept");
	l.here = name_of(l.client);
	say(l.client);
	hear(l.server);
	return l;
}

static void live_pair(size_t row, int listener, const struct address *there)
{
	struct link l = make_link(listener, there);
	bool by_client = made % 2;

	rows[row].end(by_client ? l.client : l.server, by_client ? l.server : l.client);
	must_earn(&l.here, &l.there, by_client ? rows[row].first : rows[row].other, rows[row].more);
	must_earn(&l.there, &l.here, by_client ? rows[row].other : rows[row].first, rows[row].more);
}

/* --- the endings that have no two sockets of ours ----------------------------------- */

static void live_refused(void)
{
	struct address nobody = address_of(0x7f000001u, 1), here;
	int fd = client_socket(0);

	/* connect() chooses the port; a socket that was refused has none any more */
	here = name_of(fd);
	if (!connect(fd, (struct sockaddr *)&nobody.in, sizeof(nobody.in)) || errno != ECONNREFUSED)
		fail("connect to nobody");
	close(fd);
	must_earn(&here, &nobody, "refused", "");
}

/* A listener that hears nothing: its filter drops every segment. */
static int deaf_listener(struct address *ret)
{
	struct sock_filter drop = { BPF_RET | BPF_K, 0, 0, 0 };
	struct sock_fprog program = { 1, &drop };
	int fd = listen_on(0x7f000001u, ret);

	set(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
	return fd;
}

static void live_cancelled(const struct address *deaf)
{
	int fd = client_socket(SOCK_NONBLOCK);
	struct address here;

	if (!connect(fd, (const struct sockaddr *)&deaf->in, sizeof(deaf->in)) || errno != EINPROGRESS)
		fail("connect to the deaf");
	here = name_of(fd);
	close(fd);
	must_earn(&here, deaf, "connect-cancelled", "");
}

static void live_listener_closed(void)
{
	struct address there, here;
	int listener = listen_on(0x7f000001u, &there), fd = client_socket(0);

	check(connect(fd, (struct sockaddr *)&there.in, sizeof(there.in)), "connect");
	here = name_of(fd);
	/* three-way handshakes end at the server: it has it in its queue now */
	wait_for(listener, POLLIN);
	close(listener);
	hear_reset(fd);
	must_earn(&there, &here, "listener-closed", "");
	must_earn(&here, &there, "peer-reset", "");
}

#define OTHERS 3

static void live_one(unsigned pick, int listener, const struct address *there, const struct address *deaf)
{
	for (size_t row = 0; row < N_ROWS; row++) {
		if (pick < rows[row].weight) {
			live_pair(row, listener, there);
			return;
		}
		pick -= rows[row].weight;
	}
	if (pick < OTHERS)
		live_refused();
	else if (pick < 2 * OTHERS)
		live_cancelled(deaf);
	else
		live_listener_closed();
}

static void work(uint32_t n)
{
	unsigned all = 3 * OTHERS;
	struct address there, deaf;
	int listener = listen_on(0x7f000001u, &there);

	deaf_listener(&deaf);
	for (size_t row = 0; row < N_ROWS; row++)
		all += rows[row].weight;
	/* every ending in turn, and each worker elsewhere in it */
	for (uint32_t i = 0; i < n; i++)
		live_one((i * 7 + (unsigned)worker * 5) % all, listener, &there, &deaf);
}

static void loopback_up(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = check(socket(AF_INET, SOCK_DGRAM, 0), "socket");

	check(ioctl(fd, SIOCSIFFLAGS, &lo), "lo up");
	close(fd);
}

int main(int argc, char **argv)
{
	uint32_t n = argc > 1 ? (uint32_t)atoi(argv[1]) : 20000, workers = argc > 2 ? (uint32_t)atoi(argv[2]) : 8;
	int status, bad = 0;

	/* a line is one write: all workers share the file */
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	loopback_up();
	for (worker = 0; worker < (int)workers; worker++) {
		if (check(fork(), "fork"))
			continue;
		work(n / workers);
		exit(fflush(stdout) ? 1 : 0);
	}
	while (wait(&status) > 0)
		bad |= status;
	return bad ? 1 : 0;
}
