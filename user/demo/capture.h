/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* capture: the TCP segments of one port on one interface, by libpcap. */
#ifndef TCPCLOSE_DEMO_CAPTURE_H
#define TCPCLOSE_DEMO_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "core/record.h"

/* What libpcap has to say when it cannot. */
#define CAPTURE_WHY 256

struct capture;

/*
 * On the interface of that name in the caller's network namespace: loopback, or
 * one that carries bare IP. Sees every segment from or to that port from now on, each once. segment(ctx, s)
 * is called from capture_drain(). 0, or negative errno with a sentence in why.
 */
int capture_open(const char *device, uint16_t port, void (*segment)(void *ctx, const struct segment *s), void *ctx,
		 struct capture **ret, char why[CAPTURE_WHY]);
/* Readable when there is something to drain. */
int capture_fd(const struct capture *capture);
/* Gives out all that is there, and does not wait for more. 0 or negative errno. */
int capture_drain(struct capture *capture);
/* Segments that there was no room for, since it was opened. */
uint64_t capture_dropped(const struct capture *capture);
void capture_close(struct capture *capture); /* NULL is fine */

#endif
