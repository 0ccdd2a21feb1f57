// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Records of two CPUs may come with their times the wrong way round: no span of time is then longer than the run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/core/feed.h"

static struct verdict verdict;
static struct minisocket mini;

static bool on_closed(void *ctx, const struct verdict *v)
{
	(void)ctx;
	verdict = *v;
	return true;
}

static void on_mini(void *ctx, const struct minisocket *m)
{
	(void)ctx;
	mini = *m;
}

static int make(void **state)
{
	struct flow_config config = {
		.max_flows = 8, .max_minis = 8, .covered = UINT32_MAX, .closed = on_closed, .mini_ended = on_mini,
	};

	memset(&verdict, 0, sizeof(verdict));
	memset(&mini, 0, sizeof(mini));
	return flow_table_new(&config, (struct flow_table **)state);
}

static int drop(void **state)
{
	flow_table_free(*state);
	return 0;
}

static void state_of(struct flow_table *t, uint64_t now, uint8_t old_state, uint8_t new_state)
{
	struct obs o = feed_state(now, 1, 40000, old_state, new_state);

	feed_by_server(&o);
	flow_take(t, &o, NULL);
}

static void no_step_of_a_path_is_before_the_one_before_it(void **state)
{
	struct flow_table *t = *state;

	state_of(t, MS(100), ST_SYN_RECV, ST_ESTABLISHED);
	state_of(t, MS(101), ST_ESTABLISHED, ST_FIN_WAIT1);
	state_of(t, MS(101) - US(5), ST_FIN_WAIT1, ST_FIN_WAIT2);
	state_of(t, MS(102), ST_FIN_WAIT2, ST_CLOSE);
	flow_tick(t, MS(9000));
	flow_finish(t, MS(9000));
	assert_int_equal(verdict.n_path, 4);
	assert_true(verdict.path[1].at_ns == MS(1));
	assert_true(verdict.path[2].at_ns == MS(1));
	assert_true(verdict.path[3].at_ns == MS(2));
}

static void a_mini_socket_that_ends_before_it_began_has_lived_for_no_time(void **state)
{
	static const uint8_t states[] = {ST_FIN_WAIT2, ST_TIME_WAIT};
	struct flow_table *t = *state;

	for (size_t i = 0; i < 2; i++) {
		struct obs o = feed_mini(OBS_MINI_BORN, MS(202), 40000, states[i]);

		state_of(t, MS(200), ST_SYN_RECV, ST_ESTABLISHED);
		state_of(t, MS(201), ST_ESTABLISHED, ST_FIN_WAIT1);
		flow_take(t, &o, NULL);
		state_of(t, MS(203), states[i] == ST_FIN_WAIT2 ? ST_FIN_WAIT2 : ST_FIN_WAIT1, ST_CLOSE);
		o = feed_mini(OBS_MINI_EXPIRED, MS(202) - US(5), 40000, states[i]);
		flow_take(t, &o, NULL);
		flow_tick(t, MS(9000));
		assert_true(mini.conn && !mini.fin_wait2_ns && !mini.time_wait_ns);
		assert_int_equal(mini.end, MINI_EXPIRED);
		memset(&mini, 0, sizeof(mini));
	}
}

static void a_request_is_not_older_than_time_itself(void **state)
{
	struct flow_table *t = *state;
	struct obs o = feed_sock(OBS_REQUEST_GONE, MS(5), 0, 40000);

	o.sk = 0;
	o.request.age_ns = UINT64_MAX;
	flow_take(t, &o, NULL);
	flow_tick(t, MS(9000));
	assert_true(verdict.age_ns == MS(5));
}

static void a_close_that_ended_before_it_was_called_did_not_wait(void **state)
{
	struct flow_table *t = *state;
	struct obs o = feed_sock(OBS_RELEASE, MS(102), 1, 40000);

	state_of(t, MS(100), ST_SYN_RECV, ST_ESTABLISHED);
	feed_by_server(&o);
	flow_take(t, &o, NULL);
	o = feed_state(MS(103), 1, 40000, ST_ESTABLISHED, ST_FIN_WAIT1);
	feed_by_server(&o);
	o.sock.linger = true;
	o.sock.linger_ms = 5000;
	flow_take(t, &o, NULL);
	o = feed_state(MS(102) - US(5), 1, 40000, ST_FIN_WAIT1, ST_FIN_WAIT2);
	o.sock.linger = true;
	o.sock.linger_ms = 5000;
	flow_take(t, &o, NULL);
	state_of(t, MS(104), ST_FIN_WAIT2, ST_CLOSE);
	flow_tick(t, MS(9000));
	flow_finish(t, MS(9000));
	assert_true(verdict.conn && !verdict.linger_wait_ns);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_step_of_a_path_is_before_the_one_before_it),
		TEST(a_mini_socket_that_ends_before_it_began_has_lived_for_no_time),
		TEST(a_request_is_not_older_than_time_itself),
		TEST(a_close_that_ended_before_it_was_called_did_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
