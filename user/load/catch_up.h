/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* catch_up: reads a ring up to where it was written when asked, and no further. */
#ifndef TCPCLOSE_LOAD_CATCH_UP_H
#define TCPCLOSE_LOAD_CATCH_UP_H

#include <stdint.h>

/* The ring's two positions: bytes since it was made, in the kernel's shared pages. */
struct ring_at {
	const volatile unsigned long *read, *written;
};

/*
 * consume() takes records until there are none, one is unfinished, or it had
 * enough (-EAGAIN): it is called again until everything is read that was reserved
 * when this was called. 0; its error; -EAGAIN where a record stays unfinished.
 */
int catch_up(const struct ring_at *at, int (*consume)(void *ctx), void *ctx);

#endif
