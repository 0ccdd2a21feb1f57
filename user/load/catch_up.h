/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* catch_up: reads a ring up to where it was written when asked, and no further. */
#ifndef TCPCLOSE_LOAD_CATCH_UP_H
#define TCPCLOSE_LOAD_CATCH_UP_H

#include <stdbool.h>
#include <stdint.h>

/* Kept as long as the ring is. */
struct ring_at {
	/* The two positions: bytes since the ring was made, in the kernel's shared pages. */
	const volatile unsigned long *read, *written;
	uint64_t patience_ns;  /* an unfinished record is waited for that long */
	bool gave_up;	       /* once: this one is not waited for again */
	unsigned long gave_up_at;
};

/*
 * consume() takes records until there are none, one is unfinished, or it had
 * enough (-EAGAIN): it is called again until everything is read that was reserved
 * when this was called. 0; its error; -EAGAIN where a record stays unfinished.
 */
int catch_up(struct ring_at *at, int (*consume)(void *ctx), void *ctx);

#endif
