/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/flow_priv.h"
#include "feed.h"

static struct obs found(uint64_t now, uint16_t port, uint8_t substate)
{
	struct obs o = feed_mini(OBS_MINI_FOUND, now, port, substate);

	o.mini.timeout_ns = MS(30000);
	o.mini.addr = 0; /* sock_diag tells none */
	return o;
}

static void take(struct flow_table *t, enum obs_kind kind, uint64_t now, uint16_t port)
{
	struct obs o = feed_mini(kind, now, port, ST_TIME_WAIT);

	flow_take(t, &o, NULL);
}

static void take_found(struct flow_table *t, uint64_t now, uint16_t port)
{
	struct obs o = found(now, port, ST_TIME_WAIT);

	flow_take(t, &o, NULL);
}

static void assert_counts(const struct flow_table *t, uint64_t born, uint64_t found, uint64_t ended)
{
	struct flow_counts c = flow_counts(t);

	assert_int_equal(c.minis_born, born);
	assert_int_equal(c.minis_found, found);
	assert_int_equal(c.minis_ended, ended);
	assert_int_equal(c.minis, born + found - ended);
}

/* The look comes first, then the ring up to then: what the ring tells of it happened before. */
static void a_birth_that_is_read_after_its_mini_socket_was_found_is_its_birth(void **state)
{
	struct flow_table *t = feed_table(8, 8);
	struct obs o;

	(void)state;
	take_found(t, MS(100), 100);
	assert_counts(t, 0, 1, 0);
	feed_born(t, MS(10), 1, 100);
	o = feed_state(MS(20), 1, 100, ST_ESTABLISHED, ST_FIN_WAIT1);
	flow_take(t, &o, NULL);
	take(t, OBS_MINI_BORN, MS(30), 100);
	assert_counts(t, 1, 0, 0);
	o = feed_state(MS(31), 1, 100, ST_FIN_WAIT2, ST_CLOSE);
	flow_take(t, &o, NULL);
	flow_tick(t, MS(5000));
	assert_int_equal(seen.by_cause[CAUSE_ACTIVE_CLOSE], 1);
	take(t, OBS_MINI_EXPIRED, MS(60000), 100);
	assert_counts(t, 1, 0, 1);
	assert_int_equal(seen.minis, 1);
	flow_table_free(t);
}

/* Same memory, same tuple, an earlier life. */
/* Lean records: close() says who, our FIN where and in which namespace; the counters come last. */
static void a_socket_that_began_with_its_close_finds_its_mini_socket(void **state)
{
	struct flow_table *t = feed_table(8, 8);
	struct obs o = feed_sock(OBS_RELEASE, MS(1), 1, 100);

	(void)state;
	o.old_state = o.new_state = ST_ESTABLISHED;
	o.has_sock = false;
	o.tuple.family = 0;
	o.sock.netns_ino = 0;
	flow_take(t, &o, NULL);
	o = feed_state(MS(2), 1, 100, ST_ESTABLISHED, ST_FIN_WAIT1);
	o.has_sock = false;
	flow_take(t, &o, NULL);
	o = feed_mini(OBS_MINI_BORN, MS(3), 100, ST_TIME_WAIT);
	flow_take(t, &o, NULL);
	o = feed_state(MS(4), 1, 100, ST_FIN_WAIT2, ST_CLOSE);
	flow_take(t, &o, NULL);
	flow_finish(t, MS(500));
	assert_int_equal(seen.verdicts, 1);
	assert_int_equal(seen.by_cause[CAUSE_ACTIVE_CLOSE], 1);
	flow_table_free(t);
}

static void an_end_from_before_it_was_found_is_another_ones(void **state)
{
	struct flow_table *t = feed_table(8, 8);

	(void)state;
	take_found(t, MS(100), 100);
	take(t, OBS_MINI_CANCEL, MS(50), 100);
	take(t, OBS_MINI_KILLED, MS(50), 100);
	flow_tick(t, MS(5000));
	assert_counts(t, 0, 1, 0);
	assert_int_equal(flow_counts(t).strays, 2);
	take(t, OBS_MINI_KILLED, MS(6000), 100);
	assert_counts(t, 0, 1, 1);
	flow_table_free(t);
}

static void count_one(void *ctx, const struct flow_mini *mini)
{
	unsigned *n = ctx;

	n[mini->older]++;
	assert_true(mini->conn);
	assert_int_equal(mini->tuple.family, 4);
	if (mini->older)
		assert_int_equal(mini->born_ns, MS(60000 - 30000));
	else
		assert_int_equal(mini->state, ST_FIN_WAIT2);
}

static void those_that_are_held_can_be_counted_and_told_apart(void **state)
{
	struct flow_table *t = feed_table(64, 64);
	unsigned n[2] = {0};

	(void)state;
	for (uint16_t i = 0; i < 3; i++) {
		feed_born(t, MS(i), i, 100 + i);
		feed_half_gone(t, MS(i), i, 100 + i);
	}
	for (uint16_t i = 0; i < 4; i++)
		take_found(t, MS(60000), 200 + i);
	take(t, OBS_MINI_KILLED, MS(60001), 200);
	take(t, OBS_MINI_KILLED, MS(60001), 100);
	flow_minis(t, count_one, n);
	assert_int_equal(n[0], 2);
	assert_int_equal(n[1], 3);
	assert_counts(t, 3, 4, 2);
	flow_table_free(t);
}

/* Its memory is known from its first event on; what another one's address tells is not about it. */
static void one_that_was_found_gets_its_address_from_its_own_event(void **state)
{
	struct flow_table *t = feed_table(8, 8);
	struct obs o;

	(void)state;
	take_found(t, MS(100), 100);
	take_found(t, MS(100), 101);
	take_found(t, MS(101), 101);
	assert_counts(t, 0, 2, 0);
	assert_int_equal(t->n_unmet, 2);
	o = feed_mini(OBS_MINI_CANCEL, MS(50), 100, ST_TIME_WAIT);
	o.mini.addr += 64;
	flow_take(t, &o, NULL);
	assert_int_equal(t->n_unmet, 2);
	take(t, OBS_MINI_EXPIRED, MS(30000), 100);
	assert_int_equal(t->n_unmet, 1);
	assert_counts(t, 0, 2, 1);
	flow_table_free(t);
}

/* An orphan without an address: its first event tells. A known one is not found again. */
static void a_socket_that_was_found_without_its_address_is_one_flow(void **state)
{
	struct flow_table *t = feed_table(8, 8);
	struct obs o;

	(void)state;
	for (int i = 0; i < 2; i++) {
		o = feed_sock(OBS_SNAPSHOT, MS(1), 0, 100);
		o.sk = 0;
		o.sock.state = o.old_state = o.new_state = ST_LAST_ACK;
		flow_take(t, &o, NULL);
		assert_int_equal(flow_counts(t).open, 1);
	}
	o = feed_state(MS(5), 7, 100, ST_LAST_ACK, ST_CLOSE);
	flow_take(t, &o, NULL);
	assert_int_equal(flow_counts(t).open, 0);
	o = feed_sock(OBS_SNAPSHOT, MS(4), 0, 100);
	o.sk = 0;
	flow_take(t, &o, NULL);
	assert_int_equal(flow_counts(t).open, 0);
	flow_tick(t, MS(5000));
	assert_int_equal(seen.verdicts, 1);
	flow_table_free(t);
}

/* sock_diag's time is the earliest possible one: a short life may begin after it. */
static void what_was_found_before_its_birth_is_that_birth(void **state)
{
	struct flow_table *t = feed_table(8, 8);
	struct obs o;

	(void)state;
	o = feed_sock(OBS_SNAPSHOT, MS(1), 0, 100);
	o.sk = 0;
	o.sock.state = o.old_state = o.new_state = ST_FIN_WAIT2;
	flow_take(t, &o, NULL);
	assert_int_equal(flow_counts(t).open, 1);
	feed_born(t, MS(2), 7, 100);
	assert_int_equal(flow_counts(t).open, 1);
	assert_int_equal(t->n_unmet_flows, 0);
	flow_table_free(t);
}

/* The other end of the connection that feed.c's server has with that port. */
static struct obs client_state(uint64_t now, uint16_t port, uint8_t old_state, uint8_t new_state)
{
	struct obs o = feed_state(now, 1000u + port, port, old_state, new_state);

	o.tuple = o.sock.tuple = tuple_mirror(&o.tuple);
	return o;
}

static void client_connects(struct flow_table *t, uint64_t now, uint16_t port)
{
	struct obs o = client_state(now, port, ST_CLOSE, ST_SYN_SENT);

	flow_take(t, &o, NULL);
	o = client_state(now, port, ST_SYN_SENT, ST_ESTABLISHED);
	flow_take(t, &o, NULL);
}

static void client_closes(struct flow_table *t, uint64_t now, uint16_t port)
{
	struct obs o = client_state(now, port, ST_ESTABLISHED, ST_CLOSE_WAIT);

	flow_take(t, &o, NULL);
	o = client_state(now, port, ST_CLOSE_WAIT, ST_LAST_ACK);
	flow_take(t, &o, NULL);
	o = client_state(now, port, ST_LAST_ACK, ST_CLOSE);
	o.sock.dead = true;
	flow_take(t, &o, NULL);
}

static size_t in_time_wait(const struct flow_table *t)
{
	size_t n = 0;

	for (const struct list *at = t->all_minis.next; at != &t->all_minis; at = at->next)
		n += container_of(at, struct mini, queue)->state == ST_TIME_WAIT;
	return n;
}

static void a_peer_whose_last_fin_is_acknowledged_ends_fin_wait2_at_once(void **state)
{
	struct flow_table *t = feed_table(8, 8);

	(void)state;
	for (uint16_t port = 100; port < 102; port++) {
		client_connects(t, MS(1), port);
		feed_born(t, MS(1), port, port);
		feed_half_gone(t, MS(2), port, port);
	}
	client_closes(t, MS(3), 100);
	assert_int_equal(in_time_wait(t), 1);
	flow_tick(t, MS(5000));
	assert_int_equal(seen.by_cause[CAUSE_ACTIVE_CLOSE], 1);
	assert_int_equal(seen.by_cause[CAUSE_PASSIVE_CLOSE], 1);
	flow_table_free(t);
}

/* What cannot be in this order on one kernel can be on a tape. */
static void but_not_of_a_mini_socket_that_is_over_or_about_to_be(void **state)
{
	struct flow_table *t = feed_table(8, 8);
	struct obs o;

	(void)state;
	for (uint16_t port = 100; port < 103; port++) {
		client_connects(t, MS(1), port);
		feed_born(t, MS(1), port, port);
		feed_half_gone(t, MS(2), port, port);
	}
	o = feed_mini(OBS_MINI_EXPIRED, MS(60002), 100, ST_FIN_WAIT2);
	flow_take(t, &o, NULL);
	o = feed_mini(OBS_MINI_CANCEL, MS(60002), 101, ST_FIN_WAIT2);
	flow_take(t, &o, NULL);
	client_closes(t, MS(60002), 100);
	client_closes(t, MS(60002), 101);
	assert_int_equal(in_time_wait(t), 0);
	assert_true(list_empty(&t->timed));
	flow_tick(t, MS(65000));
	assert_int_equal(seen.by_cause[CAUSE_FIN_WAIT2_TIMEOUT], 1);
	assert_int_equal(seen.broken, 0);
	assert_counts(t, 3, 0, 2);
	flow_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_found_before_its_birth_is_that_birth, feed_setup,
						feed_teardown),
		cmocka_unit_test_setup_teardown(one_that_was_found_gets_its_address_from_its_own_event,
						feed_setup, feed_teardown),
		cmocka_unit_test_setup_teardown(a_socket_that_was_found_without_its_address_is_one_flow,
						feed_setup, feed_teardown),
		cmocka_unit_test_setup_teardown(
			a_birth_that_is_read_after_its_mini_socket_was_found_is_its_birth, feed_setup,
			feed_teardown),
		cmocka_unit_test_setup_teardown(a_socket_that_began_with_its_close_finds_its_mini_socket,
						feed_setup, feed_teardown),
		cmocka_unit_test_setup_teardown(an_end_from_before_it_was_found_is_another_ones,
						feed_setup, feed_teardown),
		cmocka_unit_test_setup_teardown(a_peer_whose_last_fin_is_acknowledged_ends_fin_wait2_at_once,
						feed_setup, feed_teardown),
		cmocka_unit_test_setup_teardown(but_not_of_a_mini_socket_that_is_over_or_about_to_be,
						feed_setup, feed_teardown),
		cmocka_unit_test_setup_teardown(those_that_are_held_can_be_counted_and_told_apart,
						feed_setup, feed_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
