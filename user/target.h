/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* target: a file that a result goes into. What it had before it keeps until there is something in its place. */
#ifndef TCPCLOSE_TARGET_H
#define TCPCLOSE_TARGET_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* The command line names as a target what cannot be one: exit status 2. */
#define TARGET_REFUSED (-ENOTUNIQ)

/* All zero: none. */
struct target {
	const char *name; /* for sentences */
	FILE *file;
	bool owned;	/* not the process's stdout */
	bool is_stdout; /* what COMMAND prints would get into it */
	bool created, begun;
	off_t from; /* where in it ours begins */
};

/*
 * Opens it for writing, and leaves it as it is. NULL: stdout itself; "-": the same
 * by a descriptor of our own. Negative errno, not logged.
 */
int target_open(const char *path, struct target *ret);
/* Is that what is open there? Not of devices: nothing is lost in them. */
bool target_is(const struct target *target, int fd);
/* From here on it is ours: what was in it goes. 0 or negative errno. */
int target_begin(struct target *target);
/* Before it is closed: if it was never begun, nothing has happened to it. */
void target_leave(struct target *target);
/* Before it is closed, after a write that failed: what does not end with a line end goes. */
void target_cut(struct target *target);

#endif
