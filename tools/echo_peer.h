/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* echo_peer: the other end of a connection as this host's kernel has it; needs no privileges. */
#ifndef TCPCLOSE_ECHO_PEER_H
#define TCPCLOSE_ECHO_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "echo_call.h"

struct peer_socket {
	bool exists; /* as a socket or as the mini-socket after it */
	bool held;   /* some process has a descriptor of it */
	uint32_t unread; /* bytes that have arrived there and were not read */
	uint8_t state;   /* TCP_... of <netinet/tcp.h>; 0 = none, it does not exist */
};

/*
 * Asks sock_diag for the socket that mirrors c->local and c->peer. 0 and *ret, or
 * negative errno where it cannot be asked (no inet_diag, another host).
 */
int peer_look(const struct caller *c, struct peer_socket *ret);
/* The same for our own end. */
int peer_look_own(const struct caller *c, struct peer_socket *ret);
/*
 * SOCK_DESTROY of the socket that has c->local and c->peer. -EPERM without
 * CAP_NET_ADMIN, -EOPNOTSUPP where the kernel was built without it.
 */
int peer_destroy_own(const struct caller *c);

#endif
