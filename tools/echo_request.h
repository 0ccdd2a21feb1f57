/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* echo_request: servers to which a scripted peer comes that never becomes a connection. */
#ifndef TCPCLOSE_ECHO_REQUEST_H
#define TCPCLOSE_ECHO_REQUEST_H

#include "echo_common.h"

/* Listens with room for two and accepts nobody; the peer says when it is done. */
int request_ignore(struct echo *e);
/* The same, and then waits until the kernel has forgotten the peer's first / third handshake. */
int request_outlive(struct echo *e);
int request_outlive_third(struct echo *e);
/* The same as the first, with TCP_DEFER_ACCEPT. */
int request_defer(struct echo *e);
/* Has an administrator destroy the peer's handshake. */
int request_destroy(struct echo *e);

#endif
