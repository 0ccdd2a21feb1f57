/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* look: what the kernel shows when asked, in order with what is traced meanwhile. */
#ifndef TCPCLOSE_LOAD_LOOK_H
#define TCPCLOSE_LOAD_LOOK_H

#include "load/session.h"

struct bpf_program;
struct wire_held;

struct look {
	session_record_fn take;
	void *ctx;
	int (*catch_up)(struct session *session); /* NULL = in no order with anything */
	struct session *session;
	const struct wire_held *next; /* read, and not given yet */
	size_t waiting;
	int passed_over; /* why the first network namespace was that could not be asked; 0 = none */
};

/* The iterator writes slots of the size of struct wire_held. 0 or negative errno. */
int look_at(struct look *look, struct bpf_program *iterator);
/* n records, each in a slot of its own, oldest first, as they were just read. 0 or negative errno. */
int look_give(struct look *look, const struct wire_held *records, size_t n);
/*
 * A record of that time is about to be taken: what was looked at before comes
 * first. 0 or negative errno.
 */
int look_give_until(struct look *look, uint64_t mono_ns);

#endif
