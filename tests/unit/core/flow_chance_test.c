// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* What the table promises, by chance: the same numbers in every run. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/core/feed.h"

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
	static const uint8_t states[] = {ST_ESTABLISHED, ST_CLOSE_WAIT, ST_LAST_ACK, ST_CLOSE};
	struct obs o = feed_state(now, l->sk, l->port, states[l->step - 1], states[l->step]);

	if (l->step == 2)
		feed_by_server(&o);
	o.sock.dead = l->step == 3;
	return o;
}

/* One step of its life; true when that was the last one. */
static bool live(struct flow_table *t, struct life *l, uint64_t now)
{
	struct obs o = feed_state(now, l->sk, l->port, ST_ESTABLISHED, ST_CLOSE);

	if (l->step == 0) {
		feed_born(t, now, l->sk, l->port);
		l->step = 1;
		return false;
	}
	o.sock.has_socket = true;
	switch (l->ending) {
	case ABORT:
		feed_aborted(t, now, l->sk, l->port);
		return true;
	case ACTIVE:
		feed_half_gone(t, now, l->sk, l->port);
		o = feed_mini(OBS_MINI_PEEK, now, l->port, ST_TIME_WAIT);
		flow_take(t, &o, NULL);
		o = feed_mini(OBS_MINI_EXPIRED, now, l->port, ST_TIME_WAIT);
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
		[ABORT] = CAUSE_LINGER_ZERO,          [PASSIVE] = CAUSE_PASSIVE_CLOSE,
		[RESET] = CAUSE_PEER_RESET,           [ACTIVE] = CAUSE_ACTIVE_CLOSE,
		[TIMEOUT] = CAUSE_RETRANSMIT_TIMEOUT,
	};
	enum { AT_ONCE = 300, STEPS = 200000 };
	uint64_t want[CAUSE_MAX] = {0}, lives = 0, now = 0;
	struct flow_table *t = feed_table(65536, 4096);
	struct life life[AT_ONCE] = {0};

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
	static const int errors[] = {
		0, 0, ECONNRESET, ETIMEDOUT, ECONNABORTED, EPIPE, ECONNREFUSED, EHOSTUNREACH};
	static const char *const reasons[] = {NULL, "TCP_STATE", "TCP_ABORT_ON_MEMORY",
					      "no such reason"};
	struct obs o = feed_sock((enum obs_kind)rnd(OBS_KIND_MAX + 1), now, rnd(40),
				 (uint16_t)(1 + rnd(12)));
	uint64_t bits = rnd(UINT64_C(1) << 40);

	o.old_state = (uint8_t)rnd(14);
	o.new_state = (uint8_t)rnd(14);
	o.sock.state = o.old_state;
	o.sock.owned = bits & 1, o.sock.dead = bits & 2, o.sock.done = bits & 4;
	o.sock.has_socket = bits & 8, o.sock.linger = bits & 16, o.sock.keepalive = bits & 32;
	o.sock.repair = (bits & 0xfc0) == 0, o.understudy = bits & 0x1000;
	o.has_sock = bits & 0x2000, o.has_task = bits & 0x4000, o.task.meant = bits & 0x8000;
	o.task.exiting = bits & 0x10000, o.rst_flag_known = bits & 0x20000,
	o.rst_flag = bits & 0x40000;
	o.task.pid = (uint32_t)rnd(4);
	memset(o.task.comm, 'x', sizeof(o.task.comm));
	o.sock.shutdown = (uint8_t)rnd(4);
	o.sock.err = errors[rnd(8)];
	o.sock.err_soft = errors[rnd(8)];
	o.sock.unread = (uint32_t)rnd(3), o.sock.unsent = (uint32_t)rnd(3),
	o.sock.unacked = (uint32_t)rnd(3);
	o.sock.snd_wnd = (uint32_t)rnd(2);
	o.sock.linger2 = (int32_t)rnd(3) - 1;
	o.rst_reason = reasons[rnd(4)];
	if (!rnd(3))
		o.sk = 0;
	if (!rnd(3))
		o.mini.addr = 0xffff999900000000 + 0x100 * rnd(12);
	o.mini.substate = (uint8_t)rnd(8);
	o.mini.caller = (uint8_t)rnd(MINI_BY_MAX);
	o.mini.timeout_ns = MS(rnd(70000));
	if (!rnd(4))
		memset(&o.tuple, 0, sizeof(o.tuple));
	return o;
}

static void nonsense_never_breaks_the_table(void **state)
{
	enum { ROUNDS = 250000 };
	struct flow_table *t = feed_table(24, 6);
	struct flow_peek peeks[4];
	uint64_t now = MS(1000);

	(void)state;
	rnd_state = 20;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct obs o = nonsense(now);
		uint64_t conn;

		/* clocks of several CPUs: a little backwards at times */
		now += rnd(10) ? US(rnd(5000)) : -US(rnd(100));
		conn = flow_take(t, &o, NULL);
		assert_true(conn < FEED_MAX_CONNS || (conn == FLOW_REPEATED && o.understudy));
		if (!rnd(5))
			flow_tick(t, now);
		if (!rnd(500))
			flow_gap(t, now);
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
#define T(f) cmocka_unit_test_setup_teardown(f, feed_setup, feed_teardown)
	const struct CMUnitTest tests[] = {
		T(thousands_of_lives_at_once_each_end_as_they_were_meant_to),
		T(nonsense_never_breaks_the_table),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
