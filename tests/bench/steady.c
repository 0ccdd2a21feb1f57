/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Connections that do not close: open and idle, streaming, asking and answering; and
 * calls that do next to nothing but pass a tracepoint.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

#define CHUNK 32768

static int listen_only(struct worker *w)
{
	w->listener = net_listen(&w->server);
	return w->listener < 0 ? w->listener : 0;
}

/* Its process ends them all at once, without a TIME_WAIT each. */
static int open_another(struct worker *w)
{
	int r = net_pair(w, &w->near, &w->far);

	return r ? r : net_end_by_reset(w->far);
}

/*
 * Both ends belong to one process: what two of them would measure is how the
 * scheduler wakes one for the other, which varies more than any tracer costs.
 */
static int one_pair(struct worker *w)
{
	int on = 1, r = listen_only(w);

	if (!r)
		r = net_pair(w, &w->near, &w->far);
	if (r)
		return r;
	if (setsockopt(w->near, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
	    setsockopt(w->far, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
		return -errno;
	return 0;
}

static int move(int from, int to, char *buffer, size_t size)
{
	ssize_t sent = send(from, buffer, size, MSG_DONTWAIT), got;

	if (sent <= 0)
		return sent ? -errno : -EPROTO;
	for (; sent; sent -= got) {
		got = read(to, buffer, (size_t)sent);
		if (got <= 0)
			return got ? -errno : -EPROTO;
	}
	return 0;
}

static int stream(struct worker *w)
{
	static char chunk[CHUNK];

	return move(w->near, w->far, chunk, sizeof(chunk));
}

static int ask(struct worker *w)
{
	char message[64] = { 0 };
	int r = move(w->near, w->far, message, sizeof(message));

	return r ? r : move(w->far, w->near, message, sizeof(message));
}

/* LISTEN and CLOSE again: two changes of state, and nobody who answers. */
static int listen_and_back(struct worker *w)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	return listen(w->listener, 1) || connect(w->listener, &nobody, sizeof(nobody)) ? -errno : 0;
}

/* A timer is started and taken off again. */
static int wind_up_and_stop(struct worker *w)
{
	int on = 1, off = 0;

	return setsockopt(w->near, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) ||
			       setsockopt(w->near, SOL_SOCKET, SO_KEEPALIVE, &off, sizeof(off)) ?
		       -errno :
		       0;
}

const struct load load_idle = {
	.name = "idle", .unit = "connection", .what = "opened and held, both ends here", .holds = true,
	.prepare = listen_only, .once = open_another,
};
const struct load load_bulk = {
	.name = "bulk", .unit = "32 KiB", .what = "one connection that streams",
	.prepare = one_pair, .once = stream,
};
const struct load load_pingpong = {
	.name = "pingpong", .unit = "round trip", .what = "one connection, 64 bytes to and fro",
	.prepare = one_pair, .once = ask,
};
const struct load load_listen = {
	.name = "listen", .unit = "socket that listens and is CLOSE again", .what = "two changes of state and nothing else",
	.prepare = listen_only, .once = listen_and_back,
};
const struct load load_keepalive = {
	.name = "keepalive", .unit = "timer that is started and stopped", .what = "SO_KEEPALIVE on and off",
	.prepare = one_pair, .once = wind_up_and_stop,
};
