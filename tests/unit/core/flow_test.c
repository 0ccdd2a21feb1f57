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

#include "tests/unit/core/feed.h"

static bool on_closed(void *ctx, const struct verdict *v)
{
	(void)ctx;
	(void)v;
	return true;
}

static void a_table_without_room_or_without_anybody_to_tell_is_refused(void **state)
{
	struct flow_config config = {.max_flows = 1, .max_minis = 1, .closed = on_closed};
	struct flow_config bad[3] = {config, config, config};
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
	struct flow_table *t = feed_table(4, 4);
	struct obs o = feed_state(MS(1), 1, 40000, ST_ESTABLISHED, ST_CLOSE_WAIT);
	struct tuple known = {0};
	uint64_t conn = feed_born(t, 0, 1, 40000);

	(void)state;
	assert_true(conn != 0);
	memset(&o.tuple, 0, sizeof(o.tuple));
	o.has_sock = false;
	assert_true(flow_take(t, &o, &known) == conn);
	assert_int_equal(known.peer.port, 40000);
	assert_true(feed_born(t, MS(2), 2, 40001) != conn);
	flow_table_free(t);
}

static void what_is_still_open_when_the_table_goes_is_simply_freed(void **state)
{
	struct flow_table *t = feed_table(100, 100);

	(void)state;
	for (uint16_t i = 0; i < 50; i++)
		feed_born(t, i, i, i);
	feed_aborted(t, MS(1), 3, 3);
	flow_table_free(t);
	assert_int_equal(seen.verdicts, 0);
}

static void a_verdict_is_given_once_and_only_after_it_has_settled(void **state)
{
	struct flow_table *t = feed_table(4, 4);

	(void)state;
	feed_born(t, 0, 1, 40000);
	feed_aborted(t, MS(100), 1, 40000);
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
	struct flow_table *t = feed_table(8, 8);
	struct flow_counts counts;

	(void)state;
	for (uint16_t i = 0; i < 8; i++)
		feed_born(t, MS(i), i, 100 + i);
	/* port 100 is seen again: 101 is the oldest now */
	struct obs o = feed_state(MS(10), 0, 100, ST_ESTABLISHED, ST_CLOSE_WAIT);
	flow_take(t, &o, NULL);
	feed_born(t, MS(11), 8, 108);
	assert_int_equal(seen.verdicts, 1);
	assert_int_equal(seen.peer_ports, 101);
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
	struct flow_table *t = feed_table(1024, 64);
	size_t before;
	uint64_t now = 0;

	(void)state;
	for (unsigned i = 0; i < SOCKETS; i++) {
		/* the address is another socket's again as soon as it is free */
		feed_born(t, now += US(10), i % OPEN, (uint16_t)i);
		if (i % 8 == 0)
			flow_tick(t, now += MS(1));
		if (i == SOCKETS / 10)
			before = in_use();
		feed_aborted(t, now += US(10), i % OPEN, (uint16_t)i);
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

static void a_stranger_at_the_address_of_an_ended_socket_does_not_take_its_verdict(void **state)
{
	struct flow_table *t = feed_table(64, 4);
	struct obs leave;

	(void)state;
	feed_aborted(t, MS(1), 7, 100);
	leave = feed_state(MS(2), 7, 0, ST_SYN_SENT, ST_ESTABLISHED);
	leave.others = true;
	assert_int_equal(flow_take(t, &leave, NULL), 0);
	flow_tick(t, MS(200));
	assert_int_equal(seen.verdicts, 1);
	assert_int_equal(seen.by_cause[CAUSE_LINGER_ZERO], 1);
	flow_table_free(t);
}

static void what_a_stranger_closes_at_the_address_of_a_destroyed_socket_is_not_that_socket(void **state)
{
	struct flow_table *t = feed_table(64, 4);
	struct obs o;

	(void)state;
	feed_aborted(t, MS(1), 7, 100);
	o = feed_sock(OBS_DESTROY, MS(2), 7, 100);
	flow_take(t, &o, NULL);
	o = feed_sock(OBS_RELEASE, MS(3), 7, 0);
	o.others = true;
	flow_take(t, &o, NULL);
	flow_tick(t, MS(200));
	assert_int_equal(seen.verdicts, 1);
	flow_table_free(t);
}

static void a_connecting_socket_that_nobody_asked_for_is_forgotten_without_a_verdict(void **state)
{
	struct flow_table *t = feed_table(64, 4);
	struct obs o = feed_state(MS(1), 7, 0, ST_CLOSE, ST_SYN_SENT);

	(void)state;
	flow_take(t, &o, NULL);
	assert_int_equal(flow_counts(t).open, 1);
	o = feed_state(MS(2), 7, 0, ST_SYN_SENT, ST_ESTABLISHED);
	o.others = true;
	flow_take(t, &o, NULL);
	assert_int_equal(flow_counts(t).open, 0);
	flow_finish(t, MS(200));
	assert_int_equal(seen.verdicts, 0);
	flow_table_free(t);
}

static void two_hundred_thousand_sockets_that_stay_open_cost_no_more_than_the_table(void **state)
{
	enum { SOCKETS = 200000, ROOM = 1000 };
	struct flow_table *t = feed_table(ROOM, 1);
	size_t before = 0;

	(void)state;
	for (unsigned i = 0; i < SOCKETS; i++) {
		feed_born(t, US(i), i, (uint16_t)i);
		if (i == 2 * ROOM)
			before = in_use();
	}
	assert_true(in_use() <= before);
	assert_int_equal(flow_counts(t).evicted, SOCKETS - ROOM);
	assert_int_equal(flow_counts(t).open, ROOM);
	assert_int_equal(seen.by_cause[CAUSE_UNKNOWN], SOCKETS - ROOM);
	assert_int_equal(seen.evicted, SOCKETS - ROOM);
	assert_int_equal(seen.broken, 0);
	flow_table_free(t);
}

static void a_table_full_of_minisockets_gives_up_the_oldest_and_its_socket_is_judged(void **state)
{
	struct flow_table *t = feed_table(64, 4);

	(void)state;
	for (uint16_t i = 0; i < 6; i++) {
		feed_born(t, MS(i), i, 100 + i);
		feed_half_gone(t, MS(i), i, 100 + i);
	}
	assert_int_equal(flow_counts(t).minis, 4);
	assert_int_equal(flow_counts(t).evicted, 2);
	assert_int_equal(seen.minis, 2);
	flow_tick(t, MS(5000));
	assert_int_equal(seen.verdicts, 2);
	assert_int_equal(seen.peer_ports, 100 + 101);
	flow_finish(t, MS(6000));
	assert_int_equal(seen.verdicts, 6);
	assert_int_equal(seen.broken, 0);
	flow_table_free(t);
}

static void a_table_full_of_unresolved_fin_wait2_gives_up_the_oldest_unjudged(void **state)
{
	struct flow_table *t = feed_table(4, 64);

	(void)state;
	for (uint16_t i = 0; i < 6; i++) {
		feed_born(t, MS(i), i, 100 + i);
		feed_half_gone(t, MS(i), i, 100 + i);
	}
	assert_int_equal(flow_counts(t).evicted, 2);
	assert_int_equal(seen.verdicts, 2);
	assert_int_equal(seen.by_cause[CAUSE_UNKNOWN], 2);
	assert_int_equal(seen.evicted, 2);
	assert_int_equal(seen.peer_ports, 100 + 101);
	/* their mini-sockets live on, and nobody is asked about them any more */
	struct obs o = feed_mini(OBS_MINI_EXPIRED, MS(60000), 100, ST_TIME_WAIT);
	flow_take(t, &o, NULL);
	assert_int_equal(seen.minis, 1);
	assert_int_equal(seen.verdicts, 2);
	flow_table_free(t);
}

/* One asker has room for so many questions: who was asked after waits until the others were. */
static void questions_after_minisockets_take_turns(void **state)
{
	enum { MINIS = 10, ROOM = 4 };
	struct flow_table *t = feed_table(64, 64);
	struct flow_peek peeks[ROOM];
	unsigned asked[MINIS] = {0};

	(void)state;
	for (uint16_t i = 0; i < MINIS; i++) {
		feed_born(t, MS(i), i, 100 + i);
		feed_half_gone(t, MS(i), i, 100 + i);
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
	struct flow_table *t = feed_table(64, 64);
	struct obs o;

	(void)state;
	for (uint16_t i = 0; i < 4; i++)
		feed_born(t, 0, i, 100 + i);
	feed_aborted(t, MS(1), 0, 100);
	feed_half_gone(t, MS(1), 1, 101);
	/* the network ended it, nobody knows whose it is */
	o = feed_state(MS(1), 2, 102, ST_ESTABLISHED, ST_CLOSE);
	o.sock.has_socket = true;
	o.sock.err = ETIMEDOUT;
	o.sock.unacked = 1;
	assert_false(flow_lacks_owners(t));
	flow_take(t, &o, NULL);
	assert_true(flow_lacks_owners(t));
	assert_false(flow_wants_owners(t));
	flow_finish(t, MS(2));
	assert_int_equal(seen.verdicts, 3);
	assert_int_equal(seen.by_cause[CAUSE_RETRANSMIT_TIMEOUT], 1);
	assert_int_equal(flow_counts(t).open, 1);
	assert_false(flow_wants_owners(t));
	flow_table_free(t);
}

/* State changes are detached first: of what goes on then only close() and the end are seen. */
static void what_is_opened_and_closed_once_nobody_watches_is_not_judged(void **state)
{
	struct flow_table *t = feed_table(8, 8);

	(void)state;
	feed_born(t, MS(1), 1, 100);
	flow_stop(t, MS(10));
	for (uint16_t life = 0; life < 5; life++) {
		struct obs closing = feed_sock(OBS_RELEASE, MS(11 + 2 * life), 1, 100 + life);
		struct obs gone = feed_sock(OBS_DESTROY, MS(12 + 2 * life), 1, 100 + life);

		closing.has_sock = gone.has_sock = false;
		closing.old_state = closing.new_state = ST_ESTABLISHED;
		flow_take(t, &closing, NULL);
		flow_take(t, &gone, NULL);
	}
	flow_finish(t, MS(100));
	assert_int_equal(seen.verdicts, 0);
	assert_int_equal(flow_counts(t).open, 1);
	flow_table_free(t);
}

static void what_an_understudy_repeats_is_no_observation(void **state)
{
	struct flow_table *t = feed_table(8, 8);
	struct obs o = feed_state(MS(1), 1, 100, ST_ESTABLISHED, ST_CLOSE_WAIT);

	(void)state;
	feed_born(t, MS(0), 1, 100);
	assert_int_equal(flow_take(t, &o, NULL), 1);
	o.understudy = true;
	assert_true(flow_take(t, &o, NULL) == FLOW_REPEATED);
	assert_int_equal(flow_counts(t).duplicates, 1);
	assert_int_equal(flow_counts(t).strays, 0);
	flow_table_free(t);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, feed_setup, feed_teardown)
	const struct CMUnitTest tests[] = {
		T(a_table_without_room_or_without_anybody_to_tell_is_refused),
		T(an_observation_tells_its_conn_and_what_is_known_of_its_tuple),
		T(what_is_still_open_when_the_table_goes_is_simply_freed),
		T(what_an_understudy_repeats_is_no_observation),
		T(a_stranger_at_the_address_of_an_ended_socket_does_not_take_its_verdict),
		T(what_a_stranger_closes_at_the_address_of_a_destroyed_socket_is_not_that_socket),
		T(a_connecting_socket_that_nobody_asked_for_is_forgotten_without_a_verdict),
		T(a_verdict_is_given_once_and_only_after_it_has_settled),
		T(a_full_table_gives_up_the_least_recently_seen_socket),
		T(two_hundred_thousand_sockets_pass_through_a_small_table_and_none_is_lost),
		T(two_hundred_thousand_sockets_that_stay_open_cost_no_more_than_the_table),
		T(a_table_full_of_minisockets_gives_up_the_oldest_and_its_socket_is_judged),
		T(a_table_full_of_unresolved_fin_wait2_gives_up_the_oldest_unjudged),
		T(questions_after_minisockets_take_turns),
		T(what_is_opened_and_closed_once_nobody_watches_is_not_judged),
		T(after_the_end_of_the_trace_nothing_waits_and_the_open_ones_are_counted),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
