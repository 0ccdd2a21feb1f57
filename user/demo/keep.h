/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * keep: the records of one story, kept until it is complete. Only then is known to
 * which connection a call or a segment belongs, and whether the story counts.
 */
#ifndef TCPCLOSE_DEMO_KEEP_H
#define TCPCLOSE_DEMO_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/record.h"

/* Records of one story; what is beyond is counted. Verdicts always find room. */
#define KEEP_MAX 16384

struct kept {
	struct record record; /* points into this very struct, see keep_emit() */
	uint32_t arrival;
	union {
		struct verdict close;
		struct minisocket minisocket;
		struct {
			struct event event;
			struct obs obs;
		};
		struct app app;
		struct segment segment;
		struct loss loss;
		struct reset reset;
	};
};

struct keep {
	uint16_t port;	     /* of the server: whatever does not have it is not ours */
	uint32_t netns;	     /* of the pair: the same port in another one is a stranger's; 0 = any */
	uint64_t since_ns;   /* whatever began before is a stranger's: a namespace's inode is soon another's */
	uint64_t until_ns;   /* so is whatever began after that; 0 = it is ours still */
	uint64_t after_conn; /* connections up to this one belong to earlier stories */
	struct kept *items;
	size_t n, cap;
	uint64_t dropped;
	size_t verdicts[2];  /* server's, client's */
	size_t minis_born, minis_ended;
};

/* Empties it for the next story; keeps the memory. */
void keep_begin(struct keep *keep, uint16_t port, uint32_t netns, uint64_t since_ns);
/* Takes a copy of a record of this story, passes over what belongs to others. 0 or -ENOMEM. */
int keep_take(struct keep *keep, const struct record *record);
/* Gives every call and segment its conn, and all records to emit() as they happened in time. */
int keep_emit(struct keep *keep, int (*emit)(void *ctx, const struct record *record), void *ctx);
/* The n-th verdict (from 0) of a side (0 server, 1 client); NULL when there are fewer. */
const struct verdict *keep_verdict(const struct keep *keep, int side, size_t n);
/* Of that side the first whose cause is this one, else its first of all. */
const struct verdict *keep_verdict_of(const struct keep *keep, int side, enum cause cause);
/* Is there a verdict that an event may be missing from? Then this is not all that happened. */
bool keep_is_gapped(const struct keep *keep);
/*
 * The first mini-socket that has ended, of a socket of that side that had its verdict;
 * NULL when none has. Namespaces take each other's numbers at once: the mini-sockets
 * that went with an earlier one are of no connection here.
 */
const struct minisocket *keep_mini(const struct keep *keep, int side);
void keep_free(struct keep *keep);

#endif
