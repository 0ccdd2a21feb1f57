/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * listed: sockets and mini-sockets with one port, as the kernel lists them
 * (/proc/net/tcp): its own word, not what was traced.
 */
#ifndef TCPCLOSE_DEMO_LISTED_H
#define TCPCLOSE_DEMO_LISTED_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct listed_socket {
	uint16_t local_port, peer_port;
	uint8_t state;
};

struct listed {
	struct listed_socket *sockets;
	size_t n, cap;
};

/* Adds those that have `port` at either end, listeners apart. 0 or -ENOMEM. */
int listed_parse(FILE *table, uint16_t port, struct listed *list);
/* Of this network namespace. 0 or negative errno. */
int listed_read(uint8_t family, uint16_t port, struct listed *list);
/* Takes out of `list` what stood in `before` too, whatever its state was then. */
void listed_subtract(struct listed *list, const struct listed *before);
void listed_free(struct listed *list);

#endif
