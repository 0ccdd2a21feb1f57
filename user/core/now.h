/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* now: what a table knows at this moment of sockets that have not ended (flow.h: flow_minis() of mini-sockets). */
#ifndef TCPCLOSE_CORE_NOW_H
#define TCPCLOSE_CORE_NOW_H

#include "core/flow.h"

/* Pointers are borrowed for the call. */
struct flow_now {
	uint64_t conn, sk;
	const struct tuple *tuple;
	uint32_t netns;
	const struct owner *owner;
	evidence_set evidence; /* so far */
	uint8_t state;
	uint64_t since_ns; /* when it entered that state ... */
	bool at_least;	   /* ... or, if nobody saw that, was first seen in it */
};

/*
 * Every socket that is followed and has not ended: not those that wait for their
 * verdict, nor those whose mini-socket has taken their place already.
 */
void flow_each_open(const struct flow_table *table,
		    void (*see)(void *ctx, const struct flow_now *flow), void *ctx);

#endif
