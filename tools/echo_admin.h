/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* echo_admin: somebody with privileges, beside a program that has given them up. */
#ifndef TCPCLOSE_ECHO_ADMIN_H
#define TCPCLOSE_ECHO_ADMIN_H

#include "echo_common.h"

/*
 * Forks him. While we are still root: he stays it, and is gone when we are. His
 * descriptor into e->admin.
 */
int admin_start(struct echo *e);
/* Has him destroy our connection (SOCK_DESTROY, as `ss -K` does), and waits until he has. */
int admin_destroy(struct echo *e);
/* Has him put our connection into TCP_REPAIR; it is ours alone again when he says that he has. */
int admin_repair(struct echo *e);

#endif
