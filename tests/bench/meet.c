/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Connections between two that have to wait for each other, as programs do: a
 * server of its own accepts, reads a request, answers and closes; the client
 * reads to the end. Threads of one process, so that its CPU is that of both.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

static int answer(int fd, bool by_reset)
{
	char byte;
	int r;

	if (read(fd, &byte, 1) != 1 || write(fd, &byte, 1) != 1)
		return -EPROTO;
	/* The client's acknowledgement: an RST may overtake the answer. */
	if (read(fd, &byte, 1) != 1)
		return -EPROTO;
	r = by_reset ? net_end_by_reset(fd) : 0;
	close(fd);
	return r;
}

static void *serve(void *ctx)
{
	const struct worker *w = ctx;
	/* It ends with its process, or when the listener does. */
	for (;;) {
		int fd = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0 || answer(fd, w->by_reset))
			return NULL;
	}
}

static int prepare(struct worker *w)
{
	pthread_t server;

	w->listener = net_listen(&w->server);
	if (w->listener < 0)
		return w->listener;
	return -pthread_create(&server, NULL, serve, w);
}

static int prepare_reset(struct worker *w)
{
	w->by_reset = true;
	return prepare(w);
}

static int meet(struct worker *w)
{
	int fd = net_connect(net_source(w), &w->server), r = 0;
	char byte = 'x';

	if (fd < 0)
		return fd;
	if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1 || write(fd, &byte, 1) != 1)
		r = -EPROTO;
	/* Its end: nothing more, or ECONNRESET. */
	else if (read(fd, &byte, 1) > 0)
		r = -EPROTO;
	close(fd);
	return r;
}

const struct load load_meet_rst = {
	.name = "meet-rst", .unit = "connection", .prepare = prepare_reset, .once = meet,
	.what = "a client and a server that wait for each other, a request and an answer, then SO_LINGER 0",
};
const struct load load_meet_fin = {
	.name = "meet-fin", .unit = "connection", .prepare = prepare, .once = meet,
	.what = "the same, then both sides close, the server first",
};
