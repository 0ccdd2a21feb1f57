/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* feed: sockets for a flow table, and a count of what comes out of it. */
#ifndef TESTS_UNIT_CORE_FEED_H
#define TESTS_UNIT_CORE_FEED_H

#include <stdint.h>

#include "core/flow.h"

#define US(n)          ((uint64_t)(n)*1000)
#define MS(n)          ((uint64_t)(n)*1000 * 1000)
#define FEED_MAX_CONNS 300000

/* Everything that came out, by conn: a conn is at most one verdict. */
struct seen {
	uint64_t verdicts, minis, by_cause[CAUSE_MAX];
	uint64_t evicted;    /* verdicts that say so */
	uint64_t broken;     /* records that no table may give out */
	uint64_t peer_ports; /* their sum: that it was those sockets and no others */
	uint8_t *given;
};

extern struct seen seen;

/* cmocka fixtures: an empty `seen`. */
int feed_setup(void **state);
int feed_teardown(void **state);
/* A table that sees everything. */
struct flow_table *feed_table(uint32_t flows, uint32_t minis);

/* One server's sockets, told apart by their peers' ports. */
struct obs feed_sock(enum obs_kind kind, uint64_t now, uint64_t sk, uint16_t port);
struct obs feed_state(uint64_t now, uint64_t sk, uint16_t port, uint8_t old_state,
		      uint8_t new_state);
struct obs feed_mini(enum obs_kind kind, uint64_t now, uint16_t port, uint8_t substate);
/* A close() by the server led here. */
void feed_by_server(struct obs *o);

/* Accepted; closed with linger 0 and gone; closed by us, its FIN_WAIT2 goes on without a socket. */
uint64_t feed_born(struct flow_table *t, uint64_t now, uint64_t sk, uint16_t port);
uint64_t feed_aborted(struct flow_table *t, uint64_t now, uint64_t sk, uint16_t port);
void feed_half_gone(struct flow_table *t, uint64_t now, uint64_t sk, uint16_t port);

#endif
