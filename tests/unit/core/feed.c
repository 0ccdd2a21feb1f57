/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/core/feed.h"

#define ALL_VANTAGES ((UINT32_C(1) << VANTAGE_MAX) - 1)
#define NETNS        4026531840u

struct seen seen;

static bool is_sound(const struct verdict *v)
{
	bool ok = v->conn && v->conn < FEED_MAX_CONNS && !seen.given[v->conn];

	ok &= v->cause < CAUSE_MAX && v->how < HOW_MAX && v->first_closer < CLOSER_MAX;
	ok &= v->n_path <= PATH_MAX_STEPS && v->owner.source < OWNER_SOURCE_MAX;
	ok &= !v->owner.comm[sizeof(v->owner.comm) - 1] && v->pair != v->conn;
	for (uint8_t i = 1; i < v->n_path && i < PATH_MAX_STEPS; i++)
		ok &= v->path[i].state != v->path[i - 1].state;
	return ok;
}

static bool on_closed(void *ctx, const struct verdict *v)
{
	(void)ctx;
	if (is_sound(v))
		seen.given[v->conn] = 1;
	else
		seen.broken++;
	seen.verdicts++;
	seen.evicted += !!(v->evidence & EV(EVICTED));
	seen.broken += !v->mono_ns && v->evidence & EV(EVICTED);
	seen.by_cause[v->cause]++;
	seen.peer_ports += v->tuple.peer.port;
	return true;
}

static void on_mini(void *ctx, const struct minisocket *m)
{
	(void)ctx;
	seen.minis++;
	seen.broken += m->end >= MINI_END_MAX;
}

struct flow_table *feed_table(uint32_t flows, uint32_t minis)
{
	struct flow_config config = {
		.max_flows = flows,
		.max_minis = minis,
		.covered = ALL_VANTAGES,
		.closed = on_closed,
		.mini_ended = on_mini,
	};
	struct flow_table *t = NULL;

	assert_int_equal(flow_table_new(&config, &t), 0);
	assert_non_null(t);
	return t;
}

int feed_setup(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	seen.given = calloc(FEED_MAX_CONNS, 1);
	return seen.given ? 0 : -1;
}

int feed_teardown(void **state)
{
	(void)state;
	free(seen.given);
	return 0;
}

struct obs feed_sock(enum obs_kind kind, uint64_t now, uint64_t sk, uint16_t port)
{
	struct obs o = {
		.kind = kind,
		.mono_ns = now,
		.sk = 0xffff888000000000 + 0x1000 * sk,
		.has_sock = true,
		.tuple = {.family = 4,
			  .local = {.addr = {192, 0, 2, 1}, .port = 8080},
			  .peer = {.addr = {198, 51, 100, 1}, .port = port}},
	};

	o.sock.tuple = o.tuple;
	o.sock.netns_ino = NETNS;
	o.sock.snd_wnd = 65535;
	return o;
}

struct obs feed_state(uint64_t now, uint64_t sk, uint16_t port, uint8_t old_state,
		      uint8_t new_state)
{
	struct obs o = feed_sock(OBS_STATE, now, sk, port);

	o.old_state = o.sock.state = old_state;
	o.new_state = new_state;
	return o;
}

void feed_by_server(struct obs *o)
{
	o->sock.owned = o->sock.has_socket = o->has_task = o->task.meant = true;
	o->sock.shutdown = 3;
	o->task.pid = o->task.tid = 812;
	strcpy(o->task.comm, "server");
}

uint64_t feed_born(struct flow_table *t, uint64_t now, uint64_t sk, uint16_t port)
{
	struct obs o = feed_state(now, sk, port, ST_SYN_RECV, ST_ESTABLISHED);

	return flow_take(t, &o, NULL);
}

uint64_t feed_aborted(struct flow_table *t, uint64_t now, uint64_t sk, uint16_t port)
{
	struct obs o = feed_state(now, sk, port, ST_ESTABLISHED, ST_CLOSE);
	uint64_t conn;

	feed_by_server(&o);
	o.sock.linger = true;
	conn = flow_take(t, &o, NULL);
	o.kind = OBS_RST_ACTIVE;
	o.sock.state = ST_CLOSE;
	assert_true(flow_take(t, &o, NULL) == conn);
	o.kind = OBS_DESTROY;
	assert_true(flow_take(t, &o, NULL) == conn);
	return conn;
}

struct obs feed_mini(enum obs_kind kind, uint64_t now, uint16_t port, uint8_t substate)
{
	struct obs o = feed_sock(kind, now, 0, port);

	o.sk = 0;
	o.has_sock = false;
	o.mini.addr = 0xffff999900000000 + 0x100 * (uint64_t)port;
	o.mini.substate = substate;
	return o;
}

/* Closed by us, its FIN_WAIT2 goes on without a socket. */
void feed_half_gone(struct flow_table *t, uint64_t now, uint64_t sk, uint16_t port)
{
	struct obs o = feed_state(now, sk, port, ST_ESTABLISHED, ST_FIN_WAIT1);

	feed_by_server(&o);
	flow_take(t, &o, NULL);
	o = feed_state(now, sk, port, ST_FIN_WAIT1, ST_FIN_WAIT2);
	flow_take(t, &o, NULL);
	o = feed_mini(OBS_MINI_BORN, now, port, ST_FIN_WAIT2);
	flow_take(t, &o, NULL);
	o = feed_state(now, sk, port, ST_FIN_WAIT2, ST_CLOSE);
	o.sock.dead = true;
	o.sock.shutdown = 3;
	flow_take(t, &o, NULL);
}
