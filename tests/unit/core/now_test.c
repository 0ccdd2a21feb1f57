/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/now.h"
#include "tests/unit/core/feed.h"

static struct flow_now flows[8];
static struct flow_mini minis[8];
static size_t n_flows, n_minis;

static void on_flow(void *ctx, const struct flow_now *flow)
{
	(void)ctx;
	flows[n_flows++] = *flow;
}

static void on_mini(void *ctx, const struct flow_mini *mini)
{
	(void)ctx;
	minis[n_minis++] = *mini;
}

static void look(const struct flow_table *t)
{
	n_flows = n_minis = 0;
	flow_each_open(t, on_flow, NULL);
	flow_minis(t, on_mini, NULL);
}

static void a_state_has_the_age_of_the_event_that_began_it(void **state)
{
	struct flow_table *t = feed_table(8, 8);
	struct obs o;

	(void)state;
	feed_born(t, MS(1), 1, 1000);
	o = feed_state(MS(5), 1, 1000, ST_ESTABLISHED, ST_CLOSE_WAIT);
	flow_take(t, &o, NULL);
	look(t);
	assert_int_equal(n_flows, 1);
	assert_int_equal(flows[0].state, ST_CLOSE_WAIT);
	assert_int_equal(flows[0].since_ns, MS(5));
	assert_false(flows[0].at_least);
	flow_table_free(t);
}

static void what_was_there_before_is_at_least_that_old(void **state)
{
	struct flow_table *t = feed_table(8, 8);
	struct obs o = feed_sock(OBS_SNAPSHOT, MS(3), 1, 1000);

	(void)state;
	o.sock.state = o.old_state = o.new_state = ST_CLOSE_WAIT;
	flow_take(t, &o, NULL);
	look(t);
	assert_int_equal(flows[0].since_ns, MS(3));
	assert_true(flows[0].at_least);
	/* until it is seen to enter another one */
	o = feed_state(MS(9), 1, 1000, ST_CLOSE_WAIT, ST_LAST_ACK);
	flow_take(t, &o, NULL);
	look(t);
	assert_int_equal(flows[0].since_ns, MS(9));
	assert_false(flows[0].at_least);
	flow_table_free(t);
}

static void a_mini_socket_knows_its_sockets_verdict_once_there_is_one(void **state)
{
	struct flow_table *t = feed_table(8, 8);
	struct obs o;

	(void)state;
	feed_born(t, MS(1), 1, 1000);
	feed_half_gone(t, MS(2), 1, 1000);
	look(t);
	assert_int_equal(n_flows, 0);
	assert_int_equal(n_minis, 1);
	assert_int_equal(minis[0].state, ST_FIN_WAIT2);
	assert_int_equal(minis[0].born_ns, MS(2));
	assert_int_equal(minis[0].owner.pid, 812);
	assert_false(minis[0].judged);
	assert_true(minis[0].evidence & EV(ACCEPTED));

	o = feed_mini(OBS_MINI_PEEK, MS(300), 1000, ST_TIME_WAIT);
	flow_take(t, &o, NULL);
	flow_tick(t, MS(400));
	look(t);
	assert_int_equal(minis[0].state, ST_TIME_WAIT);
	assert_int_equal(minis[0].time_wait_ns, MS(300));
	assert_int_equal(minis[0].born_state, ST_FIN_WAIT2);
	assert_true(minis[0].judged);
	assert_int_equal(minis[0].cause, CAUSE_ACTIVE_CLOSE);
	assert_true(minis[0].evidence & EV(ACCEPTED));

	o = feed_mini(OBS_MINI_EXPIRED, MS(60300), 1000, ST_TIME_WAIT);
	flow_take(t, &o, NULL);
	look(t);
	assert_int_equal(n_minis, 0);
	flow_table_free(t);
}

/* The mini-socket stands in the kernel's table before its socket is said to have closed. */
static void who_has_a_mini_socket_is_open_no_more(void **state)
{
	struct flow_table *t = feed_table(8, 8);
	struct obs o;

	(void)state;
	feed_born(t, MS(1), 1, 1000);
	o = feed_state(MS(2), 1, 1000, ST_ESTABLISHED, ST_FIN_WAIT1);
	flow_take(t, &o, NULL);
	look(t);
	assert_int_equal(n_flows, 1);
	o = feed_mini(OBS_MINI_BORN, MS(2), 1000, ST_TIME_WAIT);
	flow_take(t, &o, NULL);
	look(t);
	assert_int_equal(n_flows, 0);
	assert_int_equal(n_minis, 1);
	flow_table_free(t);
}

/* Killed before its socket had a verdict: it is neither here nor told of. */
static void who_has_ended_before_the_verdict_is_not_lost_sight_of(void **state)
{
	struct flow_table *t = feed_table(8, 8);
	struct obs o;

	(void)state;
	feed_born(t, MS(1), 1, 1000);
	feed_half_gone(t, MS(2), 1, 1000);
	o = feed_mini(OBS_MINI_PEEK, MS(3), 1000, ST_TIME_WAIT);
	flow_take(t, &o, NULL);
	o = feed_mini(OBS_MINI_KILLED, MS(4), 1000, ST_TIME_WAIT);
	flow_take(t, &o, NULL);
	look(t);
	assert_int_equal(n_minis, 0);
	flow_minis_untold(t, on_mini, NULL);
	assert_int_equal(n_minis, 1);
	assert_true(minis[0].dying);
	assert_int_equal(seen.minis, 0);

	flow_tick(t, MS(100));
	assert_int_equal(seen.minis, 1);
	look(t);
	flow_minis_untold(t, on_mini, NULL);
	assert_int_equal(n_minis, 0);
	flow_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_has_a_mini_socket_is_open_no_more, feed_setup, feed_teardown),
		cmocka_unit_test_setup_teardown(who_has_ended_before_the_verdict_is_not_lost_sight_of, feed_setup,
						feed_teardown),
		cmocka_unit_test_setup_teardown(a_state_has_the_age_of_the_event_that_began_it, feed_setup, feed_teardown),
		cmocka_unit_test_setup_teardown(what_was_there_before_is_at_least_that_old, feed_setup, feed_teardown),
		cmocka_unit_test_setup_teardown(a_mini_socket_knows_its_sockets_verdict_once_there_is_one, feed_setup,
						feed_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
