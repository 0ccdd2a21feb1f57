/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* echo_common: what the echo server and the echo client share, from options to exit. */
#ifndef TCPCLOSE_ECHO_COMMON_H
#define TCPCLOSE_ECHO_COMMON_H

#include <stdint.h>
#include <sys/types.h>

#include "echo_call.h"
#include "endings.h"

#define ECHO_PORT 4242	     /* of the stand-alone pair, when none is given */
#define ECHO_MESSAGE_MAX 1024
#define ECHO_GRACE_NS (UINT64_C(5) * 1000 * 1000 * 1000)

struct echo_options {
	enum side role;
	const struct ending *ending;
	enum side closer;
	uint64_t delay_ns;
	uint64_t wait_ns; /* the server waits that long for a client */
	int family;	  /* AF_INET, AF_INET6 */
	struct sockaddr_storage address;
	uint32_t linger_s;
	const char *message;
	uint32_t count; /* connections, one after the other */
	int report_fd;	/* -1 = say it on standard output */
	int tun_fd;	/* of a scripted peer: its wire; -1 = it makes one */
	bool drop;	/* privileges, to this user */
	uid_t uid;
	gid_t gid;
};

/* One run of one program. The call_...() functions of a script go through `caller`. */
struct echo {
	const struct echo_options *options;
	struct caller caller;
	int listener; /* -1 = none */
	int fd;	      /* the connection; -1 = none */
	int admin;    /* to who has kept his privileges (echo_admin.h); -1 = nobody */
	uint32_t turn; /* from 0: of count, or of twice that many where the client comes again */
};

/* Parses the command line; leaves the process on --help and on bad usage (status 2). */
void echo_options(int argc, char **argv, enum side role, struct echo_options *ret);
/* The whole of both programs: their exit status. */
int echo_main(int argc, char **argv, enum side role);

/*
 * Sets the alarm that bounds every wait of this process: a call that still blocks
 * then fails with EINTR, again and again. Not inherited by a forked child.
 */
int echo_deadline(uint64_t ns);
/* Time is up? */
bool echo_expired(void);

#endif
