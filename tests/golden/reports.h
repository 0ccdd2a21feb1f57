/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What time-wait and stuck report, made as they make it: from mini-sockets and sockets, not by hand. */
#ifndef TCPCLOSE_TESTS_GOLDEN_REPORTS_H
#define TCPCLOSE_TESTS_GOLDEN_REPORTS_H

#include "records.h"
#include "report/bill.h"
#include "report/stuck.h"

#define NETNS 4026531840u

static inline void add_mini(struct bill *bill, uint32_t netns, const struct tuple *tuple, const char *comm, uint32_t pid,
			    uint8_t state, evidence_set evidence, uint64_t born_ns)
{
	struct owner owner = { .source = pid ? OWNER_CLOSE : OWNER_UNKNOWN, .pid = pid };
	struct flow_mini mini = {
		.conn = 1, .tuple = *tuple, .netns = netns, .older = !pid,
		.evidence = evidence, .judged = state == ST_TIME_WAIT, .cause = CAUSE_ACTIVE_CLOSE,
		.born_state = state, .state = state, .born_ns = born_ns,
	};

	strcpy(owner.comm, comm);
	mini.owner = owner;
	bill_mini(bill, &mini);
}

/* A proxy that closes first, its clients, some that are older, and a hostile name. */
static inline void add_minis(struct bill *bill)
{
	struct tuple up = { .family = 4, .local = V4(192, 0, 2, 1, 0), .peer = V4(198, 51, 100, 7, 8080) };
	struct tuple in = { .family = 6,
			    .local = { .addr = { 0x20, 1, 0xd, 0xb8, [15] = 1 }, .port = 443 },
			    .peer = { .addr = { 0x20, 1, 0xd, 0xb8, [15] = 2 } } };

	for (uint16_t i = 0; i < 700; i++) {
		up.local.port = (uint16_t)(40000 + i);
		add_mini(bill, NETNS, &up, "nginx", 4711, ST_TIME_WAIT, EV(CONNECTED), (100 + i / 14) * SEC);
	}
	for (uint16_t i = 0; i < 40; i++) {
		in.peer.port = (uint16_t)(50000 + i);
		add_mini(bill, NETNS + 1, &in, "evil\033[2J", 100 + i % 2, i < 20 ? ST_TIME_WAIT : ST_FIN_WAIT2, EV(ACCEPTED),
			 140 * SEC);
	}
	up.local.port = 39999;
	add_mini(bill, NETNS, &up, "", 0, ST_TIME_WAIT, 0, 0);
}

static inline void add_deaths(struct bill *bill)
{
	struct minisocket mini = { .conn = 1, .mono_ns = 149 * SEC, .tuple = LOOPBACK(40000, 80), .netns = NETNS,
				   .owner = OWNED_BY("nginx", 4711, OWNER_CLOSE), .time_wait_ns = 60 * SEC + 300 * MS,
				   .end = MINI_EXPIRED, .complete = true };

	for (int i = 0; i < 30; i++)
		bill_ended(bill, &mini);
	mini.end = MINI_REUSED;
	mini.time_wait_ns = 0;
	mini.fin_wait2_ns = 1500 * MS;
	bill_ended(bill, &mini);
	mini.end = MINI_NEVER_CREATED;
	bill_ended(bill, &mini);
}

static inline int golden_bill(int (*take)(void *ctx, const struct record *record), void *ctx)
{
	struct bill_rules rules = { .netns = NETNS, .known = true, .port_first = 39000, .port_last = 40999,
				    .ports = 2000, .tw_reuse = 2, .timestamps = true, .max_tw = 65536,
				    .fin_timeout_s = 60, .counted = true, .kernel_tw = 745 };
	struct record record = { .kind = REC_TIME_WAIT, .mono_ns = 150 * SEC };
	struct bill *bill;
	int err = bill_new(90 * SEC, &bill);

	if (err)
		return err;
	add_deaths(bill);
	bill_begin(bill, 150 * SEC);
	bill_rules(bill, &rules);
	rules = (struct bill_rules){ .netns = NETNS + 1 };
	bill_rules(bill, &rules);
	add_minis(bill);
	record.time_wait = bill_done(bill, 256, 2, true);
	err = take(ctx, &record);
	bill_free(bill);
	return err;
}

static inline struct obs sock_at(uint64_t sk, uint8_t state, uint16_t port)
{
	struct obs o = { .kind = OBS_SNAPSHOT, .sk = sk, .has_sock = true,
			 .sock = { .tuple = LOOPBACK(8080, port), .netns_ino = NETNS, .state = state,
				   .has_socket = true, .snd_wnd = 65535 } };
	return o;
}

static inline void hold(struct obs *o, const char *comm, uint32_t pid, uint32_t fd)
{
	o->has_task = o->task.has_fd = true;
	o->task.pid = pid;
	o->task.fd = fd;
	strcpy(o->task.comm, comm);
}

static inline void know(struct stuck *stuck, const struct obs *o, uint64_t since_ns, bool at_least)
{
	struct owner owner = OWNED_BY("nginx", 4711, OWNER_CLOSE);
	struct flow_now flow = { .conn = o->sock.tuple.peer.port, .sk = o->sk, .tuple = &o->sock.tuple, .netns = NETNS,
				 .owner = &owner, .state = o->sock.state, .since_ns = since_ns,
				 .at_least = at_least };

	stuck_flow(stuck, &flow);
}

/* One of each wait. */
static inline void add_socks(struct stuck *stuck)
{
	struct obs o = sock_at(1, ST_CLOSE_WAIT, 50001);

	o.sock.unread = 38;
	o.sock.done = true;
	for (uint32_t i = 0; i < 10; i++) {
		hold(&o, i ? "worker" : "evil\033[2J", 812 + i, 7);
		stuck_see(stuck, &o);
	}
	know(stuck, &o, 40 * SEC, false);
	o = sock_at(2, ST_CLOSE_WAIT, 50002);
	o.sock.has_socket = false;
	o.sock.ack_age_ns = 70 * SEC;
	stuck_see(stuck, &o);
	know(stuck, &o, 99 * SEC, true);
	o = sock_at(3, ST_CLOSE_WAIT, 50003);
	stuck_see(stuck, &o);
	know(stuck, &o, 40 * SEC, false);
	o = sock_at(4, ST_FIN_WAIT1, 50004);
	o.sock.snd_wnd = 0;
	o.sock.unsent = 4097;
	stuck_see(stuck, &o);
	know(stuck, &o, 41 * SEC, false);
	o = sock_at(5, ST_LAST_ACK, 50005);
	o.sock.unacked = 11;
	o.sock.retransmits = 5;
	stuck_see(stuck, &o);
	know(stuck, &o, 42 * SEC, false);
	o = sock_at(6, ST_CLOSING, 50006);
	o.sock.unacked = 1;
	stuck_see(stuck, &o);
	know(stuck, &o, 43 * SEC, false);
	o = sock_at(7, ST_FIN_WAIT2, 50007);
	hold(&o, "curl", 99, 3);
	stuck_see(stuck, &o);
	know(stuck, &o, 44 * SEC, false);
	o = sock_at(8, ST_FIN_WAIT2, 50008);
	o.sock.has_socket = false;
	know(stuck, &o, 45 * SEC, false);
	o = sock_at(9, ST_CLOSE_WAIT, 50009);
	know(stuck, &o, 95 * SEC, false);
}

static inline int golden_stuck_older(uint64_t older_ns, int (*take)(void *ctx, const struct record *record),
				     void *ctx)
{
	struct record record = { .kind = REC_STUCK, .mono_ns = 100 * SEC };
	struct stuck *stuck;
	int err = stuck_new(90 * SEC, older_ns, NULL, NULL, &stuck);

	if (err)
		return err;
	stuck_begin(stuck, 100 * SEC);
	add_socks(stuck);
	record.stuck = stuck_done(stuck, 1, true);
	err = take(ctx, &record);
	stuck_free(stuck);
	return err;
}

static inline int golden_stuck(int (*take)(void *ctx, const struct record *record), void *ctx)
{
	return golden_stuck_older(30 * SEC, take, ctx);
}

#endif
