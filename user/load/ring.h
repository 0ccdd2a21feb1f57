/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * ring: reads a BPF ring buffer. Its memory is mapped once, not twice as libbpf
 * does to make records of the ring's end lie in one piece (half the resident
 * size), and writers are told how far it was read once in a while, not with each
 * record: their next reservation would wait for that cache line.
 */
#ifndef TCPCLOSE_LOAD_RING_H
#define TCPCLOSE_LOAD_RING_H

#include <stddef.h>
#include <stdint.h>

/* The longest record; a longer one is none of ours. */
#define RING_RECORD_MAX 1024

struct ring {
	unsigned long *read;	      /* our position: bytes since it was made */
	const unsigned long *written; /* the writers' */
	const char *data;
	size_t size; /* a power of two of pages */
	size_t page;
};

/* 0 or negative errno. fd is the map's, and stays the caller's. */
int ring_open(int fd, size_t size, struct ring *ret);
void ring_close(struct ring *ring);
/*
 * Hands out the records that are there now: 0; or until the next is unfinished: 1,
 * there may be others behind it; or until take() says something negative: that is
 * returned, and the record counts as read. -EBADMSG for a record that cannot be one.
 */
int ring_consume(const struct ring *ring, int (*take)(void *ctx, const void *record, size_t size), void *ctx);
/* How many records wait, finished or not. */
uint64_t ring_unread(const struct ring *ring);

#endif
