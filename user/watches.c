/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "watches.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>

void watches_init(struct watches *w)
{
	w->epoll = -1;
	for (int i = 0; i < WATCHES_MAX; i++)
		w->list[i].fd = -1;
}

int watches_add(struct watches *w, int fd, int (*ready)(void *ctx, int fd), void *ctx)
{
	struct epoll_event event = { .events = EPOLLIN };

	for (int i = 0; i < WATCHES_MAX; i++) {
		if (w->list[i].fd >= 0)
			continue;
		event.data.ptr = &w->list[i];
		if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event))
			return -errno;
		w->list[i] = (struct watch){ fd, ready, ctx };
		return 0;
	}
	return -ENOSPC;
}

static void forget(struct watches *w, struct watch *watch)
{
	epoll_ctl(w->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->fd = -1;
}

void watches_remove(struct watches *w, int fd)
{
	for (int i = 0; i < WATCHES_MAX; i++)
		if (fd >= 0 && w->list[i].fd == fd)
			forget(w, &w->list[i]);
}

int watches_ready(struct watches *w, struct watch *watch)
{
	int fd = watch->fd, r = fd < 0 ? 0 : watch->ready(watch->ctx, fd);

	/* ready() may have had it removed, and another put in its place */
	if (r && watch->fd == fd)
		forget(w, watch);
	return r < 0 ? r : 0;
}
