/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* namespaces: the network namespaces of this machine, one after the other. */
#ifndef TCPCLOSE_LOAD_NAMESPACES_H
#define TCPCLOSE_LOAD_NAMESPACES_H

#include <stdint.h>
#include <sys/types.h>

/* Inode of the one that this thread is in; 0 = not known. */
uint32_t namespaces_own(void);
/*
 * Calls each() for every one that a process is in (pid is such a process) or that
 * is mounted (pid is 0), once for each. 0, or what each() said first that was not 0.
 */
int namespaces_list(int (*each)(void *ctx, const char *path, pid_t pid), void *ctx);
/*
 * Calls each(ctx) in this thread's own network namespace, and then, for as long as
 * the call runs, in every other one that a process is in or that is mounted, once
 * in each. Where entering is not allowed, only in its own. 0, or what each() said
 * first that was not 0.
 */
int namespaces_visit(int (*each)(void *ctx), void *ctx);

#endif
