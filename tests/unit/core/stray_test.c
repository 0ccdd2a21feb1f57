// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Resets that no connection sent: whose tuple it was, and when that is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/core/feed.h"

#define SECONDS(n) MS((n) * UINT64_C(1000))

static struct {
	size_t n, verdicts_before; /* verdicts when the last one came */
	struct reset last;
	size_t verdicts;
	bool refuse;
} told;

static bool on_closed(void *ctx, const struct verdict *v)
{
	(void)ctx;
	(void)v;
	told.verdicts++;
	return !told.refuse;
}

static void on_reset(void *ctx, const struct reset *reset)
{
	(void)ctx;
	told.n++;
	told.verdicts_before = told.verdicts;
	told.last = *reset;
}

static int make(void **state)
{
	struct flow_config config = {
		.max_flows = 64, .max_minis = 64, .covered = UINT32_MAX, .closed = on_closed, .reset = on_reset,
	};

	memset(&told, 0, sizeof(told));
	return flow_table_new(&config, (struct flow_table **)state);
}

static int drop(void **state)
{
	flow_table_free(*state);
	return 0;
}

static struct obs stray_to(uint64_t now, uint16_t port)
{
	struct obs o = feed_sock(OBS_RST_STRAY, now, 0, port);

	o.sk = 0;
	o.has_sock = false;
	o.rst_reason = "NO_SOCKET";
	return o;
}

static void stray(struct flow_table *t, uint64_t now, uint16_t port)
{
	struct obs o = stray_to(now, port);

	assert_int_equal(flow_take(t, &o, NULL), 0);
}

static void a_closed_port_answers_in_nobodys_name(void **state)
{
	struct flow_table *t = *state;

	stray(t, MS(1), 40000);
	assert_int_equal(flow_counts(t).pending, 1);
	assert_true(flow_pending_in(t, 4026531840u));
	assert_false(flow_pending_in(t, 1));
	flow_tick(t, MS(1) + FLOW_SETTLE_NS);
	assert_int_equal(told.n, 0);
	flow_tick(t, MS(200));
	assert_int_equal(told.n, 1);
	assert_int_equal(told.last.by, RESET_NO_SOCKET);
	assert_string_equal(told.last.reason, "NO_SOCKET");
	assert_true(!told.last.of && !told.last.to && told.last.owner.source == OWNER_UNKNOWN);
	assert_int_equal(told.last.tuple.peer.port, 40000);
	assert_int_equal(flow_counts(t).pending, 0);
	assert_int_equal(told.verdicts, 0);
}

static void late_data_names_who_had_closed(void **state)
{
	struct flow_table *t = *state;
	uint64_t conn = feed_born(t, 0, 1, 40000);

	assert_true(feed_aborted(t, MS(10), 1, 40000) == conn);
	stray(t, MS(3210), 40000);
	flow_tick(t, MS(3300));
	assert_int_equal(told.n, 1);
	assert_true(told.last.of == conn);
	assert_int_equal(told.last.cause, CAUSE_LINGER_ZERO);
	assert_int_equal(told.last.owner.pid, 812);
	assert_true(told.last.after_ns == MS(3200));
}

static void it_waits_for_a_verdict_that_is_under_way(void **state)
{
	struct flow_table *t = *state;
	struct obs o = feed_state(MS(10), 1, 40000, ST_ESTABLISHED, ST_CLOSE);
	uint64_t conn = feed_born(t, 0, 1, 40000);

	/* the network ended it: who owns it is not known yet */
	o.sock.err = 110;
	o.sock.has_socket = true;
	flow_take(t, &o, NULL);
	stray(t, MS(11), 40000);
	flow_tick(t, MS(200));
	assert_int_equal(told.n, 0);
	flow_tick(t, SECONDS(2));
	assert_int_equal(told.n, 0);
	flow_tick(t, SECONDS(2) + FLOW_LOOK_WAIT_NS);
	assert_int_equal(told.n, 1);
	assert_int_equal(told.verdicts_before, 1);
	assert_true(told.last.of == conn);
}

static void it_tells_of_the_close_and_not_of_the_end_of_fin_wait2(void **state)
{
	struct flow_table *t = *state;
	struct obs o;

	feed_born(t, 0, 1, 40000);
	feed_half_gone(t, MS(100), 1, 40000);
	o = feed_mini(OBS_RST_REPLY, MS(400), 40000, ST_FIN_WAIT2);
	o.rst_reason = "TCP_TIMEWAIT_SOCKET";
	flow_take(t, &o, NULL);
	o = feed_mini(OBS_MINI_KILLED, MS(401), 40000, ST_FIN_WAIT2);
	flow_take(t, &o, NULL);
	flow_tick(t, MS(600));
	flow_tick(t, MS(620));
	assert_int_equal(told.n, 1);
	assert_int_equal(told.last.by, RESET_MINISOCKET);
	assert_int_equal(told.last.cause, CAUSE_DATA_AFTER_CLOSE);
	assert_true(told.last.after_ns == MS(300));
}

static void another_port_or_namespace_is_another_connection(void **state)
{
	struct flow_table *t = *state;
	struct obs o = stray_to(MS(500), 40000);

	feed_born(t, 0, 1, 40000);
	feed_aborted(t, MS(10), 1, 40000);
	stray(t, MS(500), 40001);
	flow_tick(t, MS(600));
	assert_int_equal(told.n, 1);
	assert_int_equal(told.last.of, 0);
	o.sock.netns_ino = 5;
	o.mono_ns = MS(700);
	flow_take(t, &o, NULL);
	flow_tick(t, MS(800));
	assert_int_equal(told.n, 2);
	assert_int_equal(told.last.of, 0);
}

static void what_was_minutes_ago_is_forgotten(void **state)
{
	struct flow_table *t = *state;

	feed_born(t, 0, 1, 40000);
	feed_aborted(t, MS(10), 1, 40000);
	flow_tick(t, MS(200));
	stray(t, SECONDS(301), 40000);
	flow_tick(t, SECONDS(302));
	assert_int_equal(told.n, 1);
	assert_int_equal(told.last.of, 0);
}

static void the_last_life_of_a_tuple_is_meant(void **state)
{
	struct flow_table *t = *state;
	uint64_t second;

	feed_born(t, 0, 1, 40000);
	feed_aborted(t, MS(10), 1, 40000);
	flow_tick(t, MS(200));
	second = feed_born(t, MS(300), 2, 40000);
	feed_aborted(t, MS(400), 2, 40000);
	flow_tick(t, MS(600));
	stray(t, MS(900), 40000);
	flow_tick(t, MS(1000));
	assert_true(told.last.of == second);
	assert_true(told.last.after_ns == MS(500));
}

static void who_was_not_wanted_is_not_named_either(void **state)
{
	struct flow_table *t = *state;

	told.refuse = true;
	feed_born(t, 0, 1, 40000);
	feed_aborted(t, MS(10), 1, 40000);
	stray(t, MS(500), 40000);
	flow_tick(t, MS(600));
	assert_int_equal(told.verdicts, 1);
	assert_int_equal(told.n, 0);
}

static void the_other_end_on_this_host_gets_it(void **state)
{
	struct flow_table *t = *state;
	struct obs o = stray_to(MS(5), 40000);
	uint64_t conn = feed_born(t, 0, 1, 40000);

	o.tuple = tuple_mirror(&o.tuple);
	flow_take(t, &o, NULL);
	flow_tick(t, MS(200));
	assert_int_equal(told.n, 1);
	assert_true(told.last.to == conn);
}

static void an_understudy_that_repeats_is_not_believed(void **state)
{
	struct flow_table *t = *state;
	struct obs o = stray_to(MS(5), 40000);

	flow_take(t, &o, NULL);
	o.understudy = true;
	o.mono_ns += US(2);
	flow_take(t, &o, NULL);
	o.tuple.peer.port++;
	flow_take(t, &o, NULL);
	flow_tick(t, MS(200));
	assert_int_equal(told.n, 2);
}

static void at_the_end_all_are_told(void **state)
{
	struct flow_table *t = *state;

	stray(t, MS(5), 40000);
	flow_finish(t, MS(6));
	assert_int_equal(told.n, 1);
}

/* As many lives as are remembered, each on a port of its own, and in the middle somebody asks. */
static void the_oldest_is_forgotten_for_the_newest(void **state)
{
	struct flow_table *t = *state;
	uint64_t now = 0, last = 0;

	for (uint32_t i = 0; i <= 65536; i++, now += MS(1)) {
		feed_born(t, now, i % 32, (uint16_t)i);
		last = feed_aborted(t, now + 1, i % 32, (uint16_t)i);
		if (i == 30000)
			stray(t, now + 2, 0);
		if (i % 100 == 0)
			flow_tick(t, now + 3);
	}
	flow_tick(t, now + MS(200));
	/* by then the first was there, and no second life of its port */
	assert_true(told.n == 1 && told.last.of == 1);
	stray(t, now + MS(201), 1);
	flow_tick(t, now + MS(400));
	assert_true(told.n == 2 && told.last.of == 2);
	stray(t, now + MS(401), 0);
	flow_tick(t, now + MS(600));
	assert_true(told.n == 3 && told.last.of == last);
	/* one more, and the second life, the oldest by now, goes */
	feed_born(t, now + MS(601), 1, 2);
	feed_aborted(t, now + MS(602), 1, 2);
	flow_tick(t, now + MS(800));
	stray(t, now + MS(801), 1);
	flow_tick(t, now + MS(1000));
	assert_true(told.n == 4 && !told.last.of);
}

static void so_it_is_where_nobody_has_asked_before(void **state)
{
	struct flow_table *t = *state;
	uint64_t now = 0, last = 0;

	/* the first two hundred are forgotten again */
	for (uint32_t i = 0; i < 65536 + 200; i++, now += MS(1)) {
		feed_born(t, now, i % 32, (uint16_t)i);
		last = feed_aborted(t, now + 1, i % 32, (uint16_t)i);
		if (i % 100 == 0)
			flow_tick(t, now + 3);
	}
	flow_tick(t, now + MS(200));
	stray(t, now + MS(201), 199);
	stray(t, now + MS(202), 200);
	flow_tick(t, now + MS(400));
	/* port 200's first life is the oldest that is left; port 199 is known by its second */
	assert_true(told.n == 2 && told.last.of == 201);
	stray(t, now + MS(401), 199);
	flow_tick(t, now + MS(600));
	assert_true(told.n == 3 && told.last.of == last);
}

static void a_flood_is_bounded(void **state)
{
	struct flow_table *t = *state;

	for (uint32_t i = 0; i < 100000; i++)
		stray(t, MS(5), (uint16_t)(i % 60000));
	flow_tick(t, MS(200));
	assert_true(told.n > 1000 && told.n < 100000);
	assert_true(flow_counts(t).evicted == 100000 - told.n);
	assert_int_equal(flow_counts(t).pending, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_closed_port_answers_in_nobodys_name),
		TEST(late_data_names_who_had_closed),
		TEST(it_waits_for_a_verdict_that_is_under_way),
		TEST(it_tells_of_the_close_and_not_of_the_end_of_fin_wait2),
		TEST(another_port_or_namespace_is_another_connection),
		TEST(what_was_minutes_ago_is_forgotten),
		TEST(the_last_life_of_a_tuple_is_meant),
		TEST(who_was_not_wanted_is_not_named_either),
		TEST(the_other_end_on_this_host_gets_it),
		TEST(an_understudy_that_repeats_is_not_believed),
		TEST(at_the_end_all_are_told),
		TEST(the_oldest_is_forgotten_for_the_newest),
		TEST(so_it_is_where_nobody_has_asked_before),
		TEST(a_flood_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
