/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* place: network namespaces of our own to try things in, and the counters of any. */
#ifndef TCPCLOSE_PLACE_H
#define TCPCLOSE_PLACE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/mib.h"

struct place {
	int fd;	       /* of the namespace; -1 = none */
	int snmp, netstat; /* its /proc/net files */
	uint32_t inode;
};
#define PLACE_NONE ((struct place){ -1, -1, -1, 0 })

/* A new one with its loopback up; we stay where we are. Negative errno. */
int place_new(struct place *ret);
/* One that is there; fd stays the caller's. Negative errno. */
int place_adopt(int fd, struct place *ret);
/* What every call on behalf of it needs: in, and back out. Negative errno of either. */
int place_inside(const struct place *netns, int (*call)(void *ctx), void *ctx);
/* What its counters stand at now. Negative errno. */
int place_counters(const struct place *netns, struct mibs *ret);
/* The namespaces of this machine that a process is in, or that are mounted (ip netns). */
struct place_seen {
	uint32_t inode;
	pid_t pid;	/* one of its processes; 0 = none, then: */
	char path[96];	/* where it is mounted */
};
/* Up to max of them, each once; how many, or negative errno. */
int place_list(struct place_seen *ret, size_t max);
/* Likewise, from outside: -ESRCH, -ENOENT and the like where it has gone meanwhile. */
int place_counters_seen(const struct place_seen *seen, struct mibs *ret);
/* Likewise, of the namespace that a process is in. */
int place_counters_of(pid_t pid, struct mibs *ret);
void place_free(struct place *netns); /* it goes with the last process and socket in it */

#endif
