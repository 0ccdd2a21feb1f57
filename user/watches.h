/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* watches: descriptors of others that the one loop looks after. */
#ifndef TCPCLOSE_WATCHES_H
#define TCPCLOSE_WATCHES_H

#define WATCHES_MAX 128

struct watch {
	int fd; /* -1 = free */
	int (*ready)(void *ctx, int fd);
	void *ctx;
};

struct watches {
	int epoll; /* of the loop: borrowed */
	struct watch list[WATCHES_MAX];
};

void watches_init(struct watches *watches);
/* epoll's data.ptr becomes a struct watch. -ENOSPC when there are too many, or negative errno. */
int watches_add(struct watches *watches, int fd, int (*ready)(void *ctx, int fd), void *ctx);
/* One that is not watched is fine. */
void watches_remove(struct watches *watches, int fd);
/* It is readable: 0, or the negative errno that ready() ended with. */
int watches_ready(struct watches *watches, struct watch *watch);

#endif
