/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* raw_peer: the scripted other host (rows: raw.def). */
#ifndef TCPCLOSE_RAW_PEER_H
#define TCPCLOSE_RAW_PEER_H

#include "echo_common.h"

/* What has to be set in its namespace; NULL: both ends of this ending are sockets. */
const char *raw_sysctls(enum ending_id ending);
/* Where its n-th connection comes from, when it is the client. */
struct sockaddr_storage raw_peer_address(int family, unsigned n);
/* Must the peer keep its privileges while it plays? */
bool raw_needs_privileges(const struct echo_options *options);
/*
 * Plays the peer's part to its end, on the TUN descriptor of the options or on
 * one of its own. 0, also when it was told to stop; negative errno.
 */
int raw_play(struct echo *e);

#endif
