/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* echo_script: what each side does in each ending (rows: endings.def). */
#ifndef TCPCLOSE_ECHO_SCRIPT_H
#define TCPCLOSE_ECHO_SCRIPT_H

#include "echo_common.h"

/*
 * 0 when it went as written, also where "as written" is an error of the connection;
 * else negative errno. A step that closes the connection sets e->fd to -1.
 */
typedef int (*script_step)(struct echo *e);

struct script {
	script_step closer; /* after the talk; NULL = there is no such moment */
	script_step other;
	script_step serve; /* instead of listen, accept and talk; NULL = the usual */
	script_step call;  /* instead of connect and talk; NULL = the usual */
	script_step again; /* not NULL: both live through it twice, the client from the same port, after this */
	bool tight; /* both ends can hold little that was received, and more that is to be sent */
	bool admin; /* the closer has somebody with privileges beside it */
	bool mptcp; /* both ends are sockets of MPTCP */
	bool slow;  /* both ends get a slow wire before they connect, where that is allowed */
};

const struct script *script_of(enum ending_id ending);

/* The talk, as every connection begins: the client says it, the server echoes it. */
int script_say(struct echo *e);
int script_echo(struct echo *e);

#endif
