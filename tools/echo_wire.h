/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * echo_wire: a bad wire on loopback, without privileges. What is dropped was on the
 * wire and reached this host; the TCP of that socket never took it in.
 */
#ifndef TCPCLOSE_ECHO_WIRE_H
#define TCPCLOSE_ECHO_WIRE_H

#include "echo_call.h"

/*
 * From now on the socket hears nothing that comes from `peer`, and is not heard; a
 * listener answers no SYN. -ENOPROTOOPT where the kernel has no TCP_MD5SIG.
 */
int wire_cut(struct caller *c, int fd, const struct sockaddr_storage *peer);
int wire_mend(struct caller *c, int fd, const struct sockaddr_storage *peer);
/*
 * Everything arrives, some microseconds late. Accepted sockets have it from their
 * listener. -EPERM: newer kernels want CAP_NET_ADMIN for it on a TCP socket.
 */
int wire_slow(struct caller *c, int fd);

#endif
