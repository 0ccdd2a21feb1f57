/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* session: the programs in the kernel, for as long as one trace lasts. All of libbpf is behind this. */
#ifndef TCPCLOSE_LOAD_SESSION_H
#define TCPCLOSE_LOAD_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "load/plan.h"

#define FILTER_MAX_PIDS 64
#define FILTER_MAX_PORTS 64

/* What the kernel lets through; all zero = everything. Each list is an "any of", the lists are an "all of". */
struct filter {
	uint32_t n_pids, pids[FILTER_MAX_PIDS];
	uint32_t n_ports, n_local_ports, n_remote_ports;
	uint16_t ports[FILTER_MAX_PORTS], local_ports[FILTER_MAX_PORTS], remote_ports[FILTER_MAX_PORTS];
	uint8_t family; /* 4, 6, 0 = both */
	uint8_t addr_family, addr[16], addr_bits; /* addr_family 0 = any */
	uint32_t netns_ino;
	uint64_t cgroup_id;
};

struct session_config {
	enum way way;
	uint32_t ring_kib; /* 0 = default; rounded up to a power of two of pages */
	bool events;	   /* send also what no verdict needs */
	struct filter filter;
};

struct session;

/*
 * One record of the wire, borrowed. Negative ends the reading with that error;
 * -EAGAIN ends it for now, and is no error.
 */
typedef int (*session_record_fn)(void *ctx, const void *record, size_t size);

struct session_losses {
	uint64_t lost[HOOK_MAX];    /* records that the ring had no room for, sockets that could not be read */
	uint64_t rescued[HOOK_MAX]; /* skipped by the kernel, caught by the understudy */
	uint64_t missed[HOOK_MAX];  /* skipped by the kernel, caught by nobody */
};

struct session_peek {
	uint64_t addr;
	uint8_t substate; /* out: 0 = no mini-socket there any more */
	uint8_t family;	  /* out, as the four below */
	uint8_t local[16], peer[16];
	uint16_t local_port, peer_port;
};

/*
 * Finds the facts, makes the plan, loads and attaches. Every link goes with the
 * process. Negative errno, logged in one sentence.
 */
int session_open(const struct session_config *config, session_record_fn take, void *ctx,
		 struct session **ret);
/* Becomes readable (an edge) when a good part of the ring is full. Until then it is for the caller to look. */
int session_fd(const struct session *s);
/* What is left in the ring: nothing; what take() had no time for; what a program has begun to write, and all behind it. */
enum session_left { SESSION_ALL_READ, SESSION_MORE, SESSION_UNFINISHED };
/* Takes what is there, until take() says -EAGAIN or one is unfinished: enum session_left. Or negative errno. */
int session_consume(struct session *s);
/* An unfinished record is waited for that long, and once: longer than a task or a virtual CPU is left waiting. */
#define SESSION_PATIENCE_NS UINT64_C(1000000000)
/*
 * Takes all that was there when it was called, however often take() says -EAGAIN.
 * 0; -EAGAIN where a record stays unfinished; else what take() said.
 */
int session_catch_up(struct session *s);
/* How far the ring was read: it moves with every record. */
unsigned long session_position(const struct session *s);
uint64_t session_unread(const struct session *s); /* records that wait in the ring */
/*
 * The sockets that exist: those that tasks hold, with the task, and with `all`
 * those that nobody holds, in every network namespace that can be entered: these
 * without their address. Through take(). 0 or negative errno.
 */
int session_snapshot(struct session *s, bool all);
/*
 * The mini-sockets that exist, likewise and without their address: once, before
 * anything is consumed. What is traced meanwhile is taken after all of them. 0 or
 * negative errno.
 */
int session_find_minis(struct session *s);
/* Reads n mini-sockets again. 0; -EOPNOTSUPP where the kernel cannot. */
int session_peek(struct session *s, struct session_peek *peeks, size_t n);
/*
 * Detaches state changes, so that nothing more is seen to end; what is under way
 * is still seen through by the others. session_detach() takes these off too. What
 * is in the ring can still be consumed after either.
 */
void session_detach_states(struct session *s);
void session_detach(struct session *s);
/* Records that the ring had no room for so far: a load from shared memory. */
uint64_t session_lost(const struct session *s);
/* All since session_open(). 0, or negative errno: *ret is not complete then. */
int session_losses(const struct session *s, struct session_losses *ret);
const struct plan *session_plan(const struct session *s); /* the session's */
/* Jiffies per second of this kernel; 0 = not known. */
uint32_t session_hz(const struct session *s);
/* This kernel's names of reasons for an RST, by number, n of them; NULL for a number without one. The session's. */
const char **session_reasons(const struct session *s, size_t *n);
void session_close(struct session *s); /* NULL is fine */

#endif
