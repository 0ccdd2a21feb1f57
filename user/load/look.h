/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* look: what an iterator of the kernel shows, in order with what is traced meanwhile. */
#ifndef TCPCLOSE_LOAD_LOOK_H
#define TCPCLOSE_LOAD_LOOK_H

#include "load/session.h"

struct bpf_program;

struct look {
	session_record_fn take;
	void *ctx;
	int (*catch_up)(struct session *session); /* NULL = in no order with anything */
	struct session *session;
};

/* 0 or negative errno. The iterator writes slots of the size of struct wire_full. */
int look_here(const struct look *look, struct bpf_program *iterator);
/* In every network namespace: for an iterator that shows only its own. */
int look_everywhere(const struct look *look, struct bpf_program *iterator);

#endif
