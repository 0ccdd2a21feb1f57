// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* What single sockets earn is in tests/scene; here is what the table promises whatever it is fed. */
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/flow.h"

#define ALL_VANTAGES ((UINT32_C(1) << VANTAGE_MAX) - 1)
#define US(n) ((uint64_t)(n) * 1000)
#define MS(n) ((uint64_t)(n) * 1000 * 1000)
#define MAX_LIVES 300000
#define NETNS 4026531840u

/* Everything that came out, by conn: a conn is at most one verdict. */
struct seen {
	uint64_t verdicts, minis, by_cause[CAUSE_MAX], broken;
	uint64_t last_conn;
	uint8_t *given; /* per conn */
	uint64_t port_sum; /* to see that it was those sockets and no others */
};

static struct seen seen;

static bool is_sound(const struct verdict *v)
{
	bool ok = v->conn && v->conn < MAX_LIVES && !seen.given[v->conn];

	ok &= v->cause < CAUSE_MAX && v->how < HOW_MAX && v->first_closer < CLOSER_MAX;
	ok &= v->n_path <= PATH_MAX_STEPS && v->owner.source < OWNER_SOURCE_MAX;
	ok &= !v->owner.comm[sizeof(v->owner.comm) - 1] && v->pair != v->conn;
	for (uint8_t i = 1; i < v->n_path && i < PATH_MAX_STEPS; i++)
		ok &= v->path[i].state != v->path[i - 1].state;
	return ok;
}

static void on_closed(void *ctx, const struct verdict *v)
{
	(void)ctx;
	if (is_sound(v))
		seen.given[v->conn] = 1;
	else
		seen.broken++;
	seen.verdicts++;
	seen.by_cause[v->cause]++;
	seen.port_sum += v->tuple.peer.port;
}

static void on_mini(void *ctx, const struct minisocket *m)
{
	(void)ctx;
	seen.minis++;
	seen.broken += m->end >= MINI_END_MAX;
}

static struct flow_table *table(uint32_t flows, uint32_t minis)
{
	struct flow_config config = {
		.max_flows = flows, .max_minis = minis, .covered = ALL_VANTAGES,
		.closed = on_closed, .mini_ended = on_mini,
	};
	struct flow_table *t = NULL;

	assert_int_equal(flow_table_new(&config, &t), 0);
	assert_non_null(t);
	return t;
}

static int setup(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	seen.given = calloc(MAX_LIVES, 1);
	return seen.given ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(seen.given);
	return 0;
}

/* --- one server's sockets, told apart by their peers' ports --- */

static struct obs on_sock(enum obs_kind kind, uint64_t now, uint64_t sk, uint16_t port)
{
	struct obs o = {
		.kind = kind, .mono_ns = now, .sk = 0xffff888000000000 + 0x1000 * sk, .has_sock = true,
		.tuple = { .family = 4,
			   .local = { .addr = { 192, 0, 2, 1 }, .port = 8080 },
			   .peer = { .addr = { 198, 51, 100, 1 }, .port = port } },
	};

	o.sock.tuple = o.tuple;
	o.sock.netns_ino = NETNS;
	o.sock.snd_wnd = 65535;
	return o;
}

static struct obs on_state(uint64_t now, uint64_t sk, uint16_t port, uint8_t old_state, uint8_t new_state)
{
	struct obs o = on_sock(OBS_STATE, now, sk, port);

	o.old_state = o.sock.state = old_state;
	o.new_state = new_state;
	return o;
}

static void by_server(struct obs *o)
{
	o->sock.owned = o->sock.has_socket = o->has_task = o->task.meant = true;
	o->sock.shutdown = 3;
	o->task.pid = o->task.tid = 812;
	strcpy(o->task.comm, "server");
}

static uint64_t born(struct flow_table *t, uint64_t now, uint64_t sk, uint16_t port)
{
	struct obs o = on_state(now, sk, port, ST_SYN_RECV, ST_ESTABLISHED);

	return flow_take(t, &o, NULL);
}

static uint64_t aborted(struct flow_table *t, uint64_t now, uint64_t sk, uint16_t port)
{
	struct obs o = on_state(now, sk, port, ST_ESTABLISHED, ST_CLOSE);
	uint64_t conn;

	by_server(&o);
	o.sock.linger = true;
	conn = flow_take(t, &o, NULL);
	o.kind = OBS_RST_ACTIVE;
	assert_true(flow_take(t, &o, NULL) == conn);
	o.kind = OBS_DESTROY;
	assert_true(flow_take(t, &o, NULL) == conn);
	return conn;
}

static void a_table_without_room_or_without_anybody_to_tell_is_refused(void **state)
{
	struct flow_config config = { .max_flows = 1, .max_minis = 1, .closed = on_closed };
	struct flow_config bad[3] = { config, config, config };
	struct flow_table *t = (void *)&config;

	(void)state;
	bad[0].max_flows = 0;
	bad[1].max_minis = 0;
	bad[2].closed = NULL;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(flow_table_new(&bad[i], &t), -EINVAL);
		assert_ptr_equal(t, &config);
	}
	flow_table_free(NULL);
}

static void an_observation_tells_its_conn_and_what_is_known_of_its_tuple(void **state)
{
	struct flow_table *t = table(4, 4);
	struct obs o = on_state(MS(1), 1, 40000, ST_ESTABLISHED, ST_CLOSE_WAIT);
	struct tuple known = { 0 };
	uint64_t conn = born(t, 0, 1, 40000);

	(void)state;
	assert_true(conn != 0);
	memset(&o.tuple, 0, sizeof(o.tuple));
	o.has_sock = false;
	assert_true(flow_take(t, &o, &known) == conn);
	assert_int_equal(known.peer.port, 40000);
	assert_true(born(t, MS(2), 2, 40001) != conn);
	flow_table_free(t);
}

static void what_is_still_open_when_the_table_goes_is_simply_freed(void **state)
{
	struct flow_table *t = table(100, 100);

	(void)state;
	for (uint16_t i = 0; i < 50; i++)
		born(t, i, i, i);
	aborted(t, MS(1), 3, 3);
	flow_table_free(t);
	assert_int_equal(seen.verdicts, 0);
}

static void a_verdict_is_given_once_and_only_after_it_has_settled(void **state)
{
	struct flow_table *t = table(4, 4);

	(void)state;
	born(t, 0, 1, 40000);
	aborted(t, MS(100), 1, 40000);
	flow_tick(t, MS(100) + FLOW_SETTLE_NS - 1);
	assert_int_equal(seen.verdicts, 0);
	flow_tick(t, MS(100) + FLOW_SETTLE_NS);
	assert_int_equal(seen.verdicts, 1);
	flow_tick(t, MS(100000));
	flow_finish(t, MS(100000));
	assert_int_equal(seen.verdicts, 1);
	assert_int_equal(seen.by_cause[CAUSE_LINGER_ZERO], 1);
	assert_int_equal(seen.broken, 0);
	flow_table_free(t);
}

static void a_full_table_gives_up_the_least_recently_seen_socket(void **state)
{
	struct flow_table *t = table(8, 8);
	struct flow_counts counts;

	(void)state;
	for (uint16_t i = 0; i < 8; i++)
		born(t, MS(i), i, 100 + i);
	/* port 100 is seen again: 101 is the oldest now */
	struct obs o = on_state(MS(10), 0, 100, ST_ESTABLISHED, ST_CLOSE_WAIT);
	flow_take(t, &o, NULL);
	born(t, MS(11), 8, 108);
	assert_int_equal(seen.verdicts, 1);
	assert_int_equal(seen.port_sum, 101);
	assert_int_equal(seen.by_cause[CAUSE_UNKNOWN], 1);
	counts = flow_counts(t);
	assert_int_equal(counts.evicted, 1);
	assert_int_equal(counts.open, 8);
	flow_table_free(t);
}

static size_t in_use(void)
{
	return mallinfo2().uordblks;
}

static void two_hundred_thousand_sockets_pass_through_a_small_table_and_none_is_lost(void **state)
{
	enum { SOCKETS = 200000, OPEN = 16 };
	struct flow_table *t = table(1024, 64);
	size_t before;
	uint64_t now = 0;

	(void)state;
	for (unsigned i = 0; i < SOCKETS; i++) {
		/* the address is another socket's again as soon as it is free */
		born(t, now += US(10), i % OPEN, (uint16_t)i);
		if (i % 8 == 0)
			flow_tick(t, now += MS(1));
		if (i == SOCKETS / 10)
			before = in_use();
		aborted(t, now += US(10), i % OPEN, (uint16_t)i);
	}
	assert_true(in_use() <= before);
	flow_finish(t, now);
	assert_int_equal(seen.verdicts, SOCKETS);
	assert_int_equal(seen.by_cause[CAUSE_LINGER_ZERO], SOCKETS);
	assert_int_equal(seen.broken, 0);
	assert_int_equal(flow_counts(t).evicted, 0);
	assert_int_equal(flow_counts(t).strays, 0);
	assert_int_equal(flow_counts(t).open, 0);
	flow_table_free(t);
}

static void two_hundred_thousand_sockets_that_stay_open_cost_no_more_than_the_table(void **state)
{
	enum { SOCKETS = 200000, ROOM = 1000 };
	struct flow_table *t = table(ROOM, 1);
	size_t before = 0;

	(void)state;
	for (unsigned i = 0; i < SOCKETS; i++) {
		born(t, US(i), i, (uint16_t)i);
		if (i == 2 * ROOM)
			before = in_use();
	}
	assert_true(in_use() <= before);
	assert_int_equal(flow_counts(t).evicted, SOCKETS - ROOM);
	assert_int_equal(flow_counts(t).open, ROOM);
	assert_int_equal(seen.by_cause[CAUSE_UNKNOWN], SOCKETS - ROOM);
	assert_int_equal(seen.broken, 0);
	flow_table_free(t);
}

static struct obs on_mini_of(enum obs_kind kind, uint64_t now, uint16_t port, uint8_t substate)
{
	struct obs o = on_sock(kind, now, 0, port);

	o.sk = 0;
	o.has_sock = false;
	o.mini.addr = 0xffff999900000000 + 0x100 * (uint64_t)port;
	o.mini.substate = substate;
	return o;
}

/* Closed by us, its FIN_WAIT2 goes on without a socket. */
static void half_gone(struct flow_table *t, uint64_t now, uint64_t sk, uint16_t port)
{
	struct obs o = on_state(now, sk, port, ST_ESTABLISHED, ST_FIN_WAIT1);

	by_server(&o);
	flow_take(t, &o, NULL);
	o = on_state(now, sk, port, ST_FIN_WAIT1, ST_FIN_WAIT2);
	flow_take(t, &o, NULL);
	o = on_mini_of(OBS_MINI_BORN, now, port, ST_FIN_WAIT2);
	flow_take(t, &o, NULL);
	o = on_state(now, sk, port, ST_FIN_WAIT2, ST_CLOSE);
	o.sock.dead = true;
	o.sock.shutdown = 3;
	flow_take(t, &o, NULL);
}

static void a_table_full_of_minisockets_gives_up_the_oldest_and_its_socket_is_judged(void **state)
{
	struct flow_table *t = table(64, 4);

	(void)state;
	for (uint16_t i = 0; i < 6; i++) {
		born(t, MS(i), i, 100 + i);
		half_gone(t, MS(i), i, 100 + i);
	}
	assert_int_equal(flow_counts(t).minis, 4);
	assert_int_equal(flow_counts(t).evicted, 2);
	assert_int_equal(seen.minis, 2);
	flow_tick(t, MS(5000));
	assert_int_equal(seen.verdicts, 2);
	assert_int_equal(seen.port_sum, 100 + 101);
	flow_finish(t, MS(6000));
	assert_int_equal(seen.verdicts, 6);
	assert_int_equal(seen.broken, 0);
	flow_table_free(t);
}

/* One asker has room for so many questions: who was asked after waits until the others were. */
static void questions_after_minisockets_take_turns(void **state)
{
	enum { MINIS = 10, ROOM = 4 };
	struct flow_table *t = table(64, 64);
	struct flow_peek peeks[ROOM];
	unsigned asked[MINIS] = { 0 };

	(void)state;
	for (uint16_t i = 0; i < MINIS; i++) {
		born(t, MS(i), i, 100 + i);
		half_gone(t, MS(i), i, 100 + i);
	}
	for (int round = 0; round < 5; round++) {
		size_t n = flow_peeks(t, peeks, ROOM);

		assert_in_range(n, 1, ROOM);
		for (size_t i = 0; i < n; i++)
			asked[peeks[i].tuple.peer.port - 100]++;
	}
	for (size_t i = 0; i < MINIS; i++)
		assert_true(asked[i] >= 1);
	flow_table_free(t);
}

static void after_the_end_of_the_trace_nothing_waits_and_the_open_ones_are_counted(void **state)
{
	struct flow_table *t = table(64, 64);
	struct obs o;

	(void)state;
	for (uint16_t i = 0; i < 4; i++)
		born(t, 0, i, 100 + i);
	aborted(t, MS(1), 0, 100);
	half_gone(t, MS(1), 1, 101);
	/* the network ended it, nobody knows whose it is */
	o = on_state(MS(1), 2, 102, ST_ESTABLISHED, ST_CLOSE);
	o.sock.has_socket = true;
	o.sock.err = ETIMEDOUT;
	o.sock.unacked = 1;
	flow_take(t, &o, NULL);
	flow_finish(t, MS(2));
	assert_int_equal(seen.verdicts, 3);
	assert_int_equal(seen.by_cause[CAUSE_RETRANSMIT_TIMEOUT], 1);
	assert_int_equal(flow_counts(t).open, 1);
	assert_false(flow_wants_owners(t));
	flow_table_free(t);
}

/* --- chance --- */

static uint64_t rnd_state;

static uint64_t rnd(uint64_t below)
{
	rnd_state ^= rnd_state >> 12;
	rnd_state ^= rnd_state << 25;
	rnd_state ^= rnd_state >> 27;
	return (rnd_state * UINT64_C(0x2545f4914f6cdd1d) >> 11) % below;
}

/* Sockets that live and end by themselves, a step at a time, whoever's turn it is. */
struct life {
	uint8_t ending, step;
	uint16_t port;
	uint64_t sk;
};

enum { ABORT, PASSIVE, RESET, ACTIVE, TIMEOUT, ENDINGS };

static struct obs passive_step(const struct life *l, uint64_t now)
{
	static const uint8_t states[] = { ST_ESTABLISHED, ST_CLOSE_WAIT, ST_LAST_ACK, ST_CLOSE };
	struct obs o = on_state(now, l->sk, l->port, states[l->step - 1], states[l->step]);

	if (l->step == 2)
		by_server(&o);
	o.sock.dead = l->step == 3;
	return o;
}

/* One step of its life; true when that was the last one. */
static bool live(struct flow_table *t, struct life *l, uint64_t now)
{
	struct obs o = on_state(now, l->sk, l->port, ST_ESTABLISHED, ST_CLOSE);

	if (l->step == 0) {
		born(t, now, l->sk, l->port);
		l->step = 1;
		return false;
	}
	o.sock.has_socket = true;
	switch (l->ending) {
	case ABORT:
		aborted(t, now, l->sk, l->port);
		return true;
	case ACTIVE:
		half_gone(t, now, l->sk, l->port);
		o = on_mini_of(OBS_MINI_PEEK, now, l->port, ST_TIME_WAIT);
		flow_take(t, &o, NULL);
		o = on_mini_of(OBS_MINI_EXPIRED, now, l->port, ST_TIME_WAIT);
		break;
	case RESET:
		if (l->step++ == 1) {
			o.kind = OBS_RST_RECEIVED;
			o.old_state = o.new_state = 0;
			flow_take(t, &o, NULL);
			return false;
		}
		o.sock.err = ECONNRESET;
		break;
	case PASSIVE:
		o = passive_step(l, now);
		flow_take(t, &o, NULL);
		return ++l->step == 4;
	default:
		o.sock.err = ETIMEDOUT;
		o.sock.unacked = 1;
	}
	flow_take(t, &o, NULL);
	return true;
}

static void thousands_of_lives_at_once_each_end_as_they_were_meant_to(void **state)
{
	static const enum cause meant[ENDINGS] = {
		[ABORT] = CAUSE_LINGER_ZERO, [PASSIVE] = CAUSE_PASSIVE_CLOSE, [RESET] = CAUSE_PEER_RESET,
		[ACTIVE] = CAUSE_ACTIVE_CLOSE, [TIMEOUT] = CAUSE_RETRANSMIT_TIMEOUT,
	};
	enum { AT_ONCE = 300, STEPS = 200000 };
	uint64_t want[CAUSE_MAX] = { 0 }, lives = 0, now = 0;
	struct flow_table *t = table(65536, 4096);
	struct life life[AT_ONCE] = { 0 };

	(void)state;
	rnd_state = 1122;
	for (unsigned i = 0; i < AT_ONCE; i++)
		life[i].port = (uint16_t)(1 + i);
	for (unsigned i = 0; i < STEPS; i++) {
		struct life *l = &life[rnd(AT_ONCE)];

		if (!l->step) {
			l->ending = (uint8_t)rnd(ENDINGS);
			l->sk = (uint64_t)(l - life);
			want[meant[l->ending]]++;
			lives++;
		}
		if (live(t, l, now += US(rnd(50)))) {
			l->step = 0;
			/* sometimes the same tuple lives again, sometimes it does not */
			l->port = (uint16_t)(l->port + (rnd(2) ? AT_ONCE : 0));
		}
		if (!rnd(100))
			flow_tick(t, now);
	}
	for (unsigned i = 0; i < AT_ONCE; i++) {
		while (life[i].step && !live(t, &life[i], now += US(1)))
			;
	}
	flow_finish(t, now);
	for (int c = 0; c < CAUSE_MAX; c++)
		assert_int_equal(seen.by_cause[c], want[c]);
	assert_int_equal(seen.verdicts, lives);
	assert_int_equal(seen.broken, 0);
	assert_int_equal(flow_counts(t).evicted, 0);
	assert_int_equal(flow_counts(t).open, 0);
	flow_table_free(t);
}

static struct obs nonsense(uint64_t now)
{
	static const int errors[] = { 0, 0, ECONNRESET, ETIMEDOUT, ECONNABORTED, EPIPE, ECONNREFUSED, EHOSTUNREACH };
	static const char *const reasons[] = { NULL, "TCP_STATE", "TCP_ABORT_ON_MEMORY", "no such reason" };
	struct obs o = on_sock((enum obs_kind)rnd(OBS_KIND_MAX + 1), now, rnd(40), (uint16_t)(1 + rnd(12)));
	uint64_t bits = rnd(UINT64_C(1) << 40);

	o.old_state = (uint8_t)rnd(14);
	o.new_state = (uint8_t)rnd(14);
	o.sock.state = o.old_state;
	o.sock.owned = bits & 1, o.sock.dead = bits & 2, o.sock.done = bits & 4;
	o.sock.has_socket = bits & 8, o.sock.linger = bits & 16, o.sock.keepalive = bits & 32;
	o.sock.repair = (bits & 0xfc0) == 0, o.understudy = bits & 0x1000;
	o.has_sock = bits & 0x2000, o.has_task = bits & 0x4000, o.task.meant = bits & 0x8000;
	o.task.exiting = bits & 0x10000, o.rst_flag_known = bits & 0x20000, o.rst_flag = bits & 0x40000;
	o.task.pid = (uint32_t)rnd(4);
	memset(o.task.comm, 'x', sizeof(o.task.comm));
	o.sock.shutdown = (uint8_t)rnd(4);
	o.sock.err = errors[rnd(8)];
	o.sock.err_soft = errors[rnd(8)];
	o.sock.unread = (uint32_t)rnd(3), o.sock.unsent = (uint32_t)rnd(3), o.sock.unacked = (uint32_t)rnd(3);
	o.sock.snd_wnd = (uint32_t)rnd(2);
	o.sock.linger2 = (int32_t)rnd(3) - 1;
	o.rst_reason = reasons[rnd(4)];
	if (!rnd(3))
		o.sk = 0;
	if (!rnd(3))
		o.mini.addr = 0xffff999900000000 + 0x100 * rnd(12);
	o.mini.substate = (uint8_t)rnd(8);
	if (!rnd(4))
		memset(&o.tuple, 0, sizeof(o.tuple));
	return o;
}

static void nonsense_never_breaks_the_table(void **state)
{
	enum { ROUNDS = 250000 };
	struct flow_table *t = table(24, 6);
	struct flow_peek peeks[4];
	uint64_t now = MS(1000);

	(void)state;
	rnd_state = 20;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct obs o = nonsense(now);

		/* clocks of several CPUs: a little backwards at times */
		now += rnd(10) ? US(rnd(5000)) : -US(rnd(100));
		assert_true(flow_take(t, &o, NULL) < MAX_LIVES);
		if (!rnd(5))
			flow_tick(t, now);
		if (!rnd(500))
			flow_gap(t);
		if (!rnd(20))
			flow_peeks(t, peeks, 4);
		assert_in_range(flow_counts(t).open, 0, 24);
		assert_in_range(flow_counts(t).minis, 0, 6);
	}
	flow_finish(t, now);
	assert_int_equal(flow_counts(t).taken, ROUNDS);
	assert_int_equal(seen.broken, 0);
	assert_true(seen.verdicts > 1000 && seen.minis > 100);
	flow_table_free(t);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_table_without_room_or_without_anybody_to_tell_is_refused),
		T(an_observation_tells_its_conn_and_what_is_known_of_its_tuple),
		T(what_is_still_open_when_the_table_goes_is_simply_freed),
		T(a_verdict_is_given_once_and_only_after_it_has_settled),
		T(a_full_table_gives_up_the_least_recently_seen_socket),
		T(two_hundred_thousand_sockets_pass_through_a_small_table_and_none_is_lost),
		T(two_hundred_thousand_sockets_that_stay_open_cost_no_more_than_the_table),
		T(a_table_full_of_minisockets_gives_up_the_oldest_and_its_socket_is_judged),
		T(questions_after_minisockets_take_turns),
		T(after_the_end_of_the_trace_nothing_waits_and_the_open_ones_are_counted),
		T(thousands_of_lives_at_once_each_end_as_they_were_meant_to),
		T(nonsense_never_breaks_the_table),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
