/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * aside: records that are read now, so that the ring does not run over, and taken
 * later, when something has been told that comes before them.
 */
#ifndef TCPCLOSE_LOAD_ASIDE_H
#define TCPCLOSE_LOAD_ASIDE_H

#include "base/buf.h"
#include "load/ring.h"

/*
 * What is in the ring goes to the end of `aside` (all zero: nothing is there yet).
 * Where there is no memory, or too much is there already, it stays in the ring: who
 * lose records then are its writers, and they count them. 0, or -EBADMSG.
 */
int aside_read(struct buf *aside, const struct ring *ring);
/* All of it in that order, and then it is empty. 0, or what take() says that is negative, but for -EAGAIN: it goes on. */
int aside_give(struct buf *aside, int (*take)(void *ctx, const void *record, size_t size), void *ctx);

#endif
