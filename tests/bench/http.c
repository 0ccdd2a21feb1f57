/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A server and a client as they are written: both wait by epoll, the server
 * accepts, reads a request of a few hundred bytes, answers with a page and closes
 * ("Connection: close"); the client reads to the end. Threads of one process, so
 * that its CPU is that of both.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

#define PAGE_SIZE_BYTES 4096
#define EVENTS 16

static const char request[] = "GET /index.html HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench/1\r\nAccept: */*\r\n"
			      "Accept-Encoding: gzip, deflate\r\nConnection: close\r\n\r\n";
static char page[PAGE_SIZE_BYTES] = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n";

static int watch(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int wait_for_any(int epoll, struct epoll_event *events, int n)
{
	int r;

	do
		r = epoll_wait(epoll, events, n, -1);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

static int take_in(const struct worker *w, int epoll)
{
	int fd = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), r;

	if (fd < 0)
		return errno == EAGAIN ? 0 : -errno;
	r = watch(epoll, fd);
	if (r)
		close(fd);
	return r;
}

/* A request is one segment here. */
static int answer(const struct worker *w, int fd)
{
	char text[1024];
	ssize_t n = read(fd, text, sizeof(text));
	int r = 0;

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n != sizeof(request) - 1 || write(fd, page, sizeof(page)) != sizeof(page))
		r = -EPROTO;
	if (!r && w->by_reset)
		/* not before the page is there: an RST would overtake it */
		return 0;
	close(fd);
	return r;
}

static int serve_some(const struct worker *w, int epoll)
{
	struct epoll_event events[EVENTS];
	int n = wait_for_any(epoll, events, EVENTS), r = n < 0 ? n : 0;

	for (int i = 0; i < n && !r; i++) {
		int fd = events[i].data.fd;

		if (fd == w->listener)
			r = take_in(w, epoll);
		else if (events[i].events & (EPOLLHUP | EPOLLERR))
			close(fd);
		else
			r = answer(w, fd);
	}
	return r;
}

static void *serve(void *ctx)
{
	const struct worker *w = ctx;
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	/* it ends with its process */
	if (epoll >= 0 && !watch(epoll, w->listener))
		while (!serve_some(w, epoll))
			;
	return NULL;
}

static int prepare(struct worker *w)
{
	pthread_t server;

	w->listener = net_listen(&w->server);
	w->near = epoll_create1(EPOLL_CLOEXEC);
	if (w->listener < 0 || w->near < 0)
		return w->listener < 0 ? w->listener : -errno;
	return -pthread_create(&server, NULL, serve, w);
}

static int prepare_reset(struct worker *w)
{
	w->by_reset = true;
	return prepare(w);
}

/* All of the page, and where the server closes, its end. */
static int read_page(const struct worker *w, int fd)
{
	char text[PAGE_SIZE_BYTES];
	struct epoll_event event;
	size_t got = 0;

	for (;;) {
		ssize_t n;
		int r = wait_for_any(w->near, &event, 1);

		if (r < 0)
			return r;
		n = read(fd, text, sizeof(text));
		if (n <= 0)
			return n || got != sizeof(page) ? -EPROTO : 0;
		got += (size_t)n;
		if (w->by_reset && got == sizeof(page))
			return 0;
	}
}

static int ask(struct worker *w)
{
	int fd = net_connect(net_source(w), &w->server), r = fd < 0 ? fd : watch(w->near, fd);

	if (!r && write(fd, request, sizeof(request) - 1) != sizeof(request) - 1)
		r = -EPROTO;
	if (!r)
		r = read_page(w, fd);
	if (!r && w->by_reset)
		r = net_end_by_reset(fd);
	if (fd >= 0)
		close(fd);
	return r;
}

const struct load load_http_rst = {
	.name = "http-rst", .unit = "connection", .prepare = prepare_reset, .once = ask,
	.what = "a request and a page of 4 KiB, both sides by epoll; the client ends it by SO_LINGER 0",
};
const struct load load_http_fin = {
	.name = "http-fin", .unit = "connection", .prepare = prepare, .once = ask,
	.what = "the same, then both sides close, the server first",
};
