/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* endings: every way in which the echo pair can end a connection (rows: endings.def). */
#ifndef TCPCLOSE_ENDINGS_H
#define TCPCLOSE_ENDINGS_H

#include <stdbool.h>
#include <stddef.h>

enum side { SIDE_SERVER, SIDE_CLIENT, SIDE_MAX };

enum ending_id {
#define ENDING(id, ...) ENDING_##id,
#include "endings.def"
#undef ENDING
	ENDING_MAX,
};

/* What whoever runs an ending must know of it. */
enum ending_trait {
	/* the scripted peer is done first, and the server, which never has a connection of its own, is told so */
	TRAIT_PEER_FIRST = 1 << 0,
	/*
	 * It takes luck, and so some tries: two things must happen at once, or one after
	 * the other where nobody can wait for the first. A mini-socket is not born while
	 * close() itself still holds the socket.
	 */
	TRAIT_CHANCE = 1 << 1,
	/* it is lived through twice, one after the other, and both times it must end like that */
	TRAIT_TWICE = 1 << 2,
	TRAIT_KILLED = 1 << 3, /* the program of who closes is killed (SIGKILL) */
	TRAIT_CPUS = 1 << 4,   /* with one CPU no two FINs can cross on loopback */
	TRAIT_MPTCP = 1 << 5,  /* the kernel must have it */
	TRAIT_REASON = 1 << 6, /* only the kernel's reason for the RST tells it from others: without, it is never said */
};

struct ending {
	enum ending_id id;
	const char *slug;
	const char *title;
	unsigned int closers; /* bits 1 << SIDE_... */
	enum side closer;     /* by default */
	const char *ready;    /* the server's call after which the client may start */
	const char *cause;    /* of the closer's socket, never empty */
	const char *other;    /* of the other end's socket; "" = it has none */
	const char *proof;    /* evidence the closer's verdict must carry; "" = none */
	unsigned int seconds; /* takes that long beyond --delay */
	size_t verdicts;      /* of a side that gets any */
	unsigned int traits;  /* bits TRAIT_... */
};

/* All rows, in the order in which `all` runs them; *n gets their number. */
const struct ending *endings(size_t *n);
/* Letters of the longest slug: what lists them puts its columns behind that. */
int endings_width(void);
/* NULL when there is none of that name. */
const struct ending *ending_by_slug(const char *slug);
bool ending_can_close(const struct ending *ending, enum side closer);
/* The cause that the socket of `side` must earn when `closer` ends it; "" = no verdict. */
const char *ending_cause(const struct ending *ending, enum side closer, enum side side);

/* Is the other end a scripted peer (raw.def), and no socket? It needs a namespace of its own. */
bool ending_is_raw(const struct ending *ending);
/*
 * How many verdicts that side's sockets must get. Of more than one it is the first
 * with that cause that the ending is about.
 */
size_t ending_verdicts(const struct ending *ending, enum side closer, enum side side);
/* How the closer's mini-socket must end (a slug, minis.def); "" = that is not looked at. */
const char *ending_mini(const struct ending *ending, enum side closer);
/* The scripted peer's side. */
enum side ending_raw_side(enum side closer);

const char *side_slug(enum side side); /* "server", "client" */
/* 0 and *ret, or -ENOENT. */
int side_by_slug(const char *slug, enum side *ret);

#endif
