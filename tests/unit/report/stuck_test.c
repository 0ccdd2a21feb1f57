/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/stuck.h"

#define SEC UINT64_C(1000000000)

static struct stuck *stuck;
static uint16_t only_port;

static bool want(void *ctx, const struct stuck_sock *sock)
{
	(void)ctx;
	return !only_port || sock->tuple.peer.port == only_port;
}

/* Began at 0, and looks at 100 s for what is 30 s old. */
static int setup(void **state)
{
	(void)state;
	only_port = 0;
	if (stuck_new(0, 30 * SEC, want, NULL, &stuck))
		return -1;
	stuck_begin(stuck, 100 * SEC);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stuck_free(stuck);
	return 0;
}

static struct obs sock_at(uint64_t sk, uint8_t state)
{
	struct obs o = { .kind = OBS_SNAPSHOT, .sk = sk, .has_sock = true,
			 .sock = { .tuple = { .family = 4, .local.port = 80, .peer.port = (uint16_t)sk },
				   .state = state, .has_socket = true, .snd_wnd = 1000 } };
	return o;
}

static void know(uint64_t sk, uint8_t state, uint64_t since_ns, bool at_least)
{
	static const struct owner nobody;
	struct tuple tuple = { .family = 4, .local.port = 80, .peer.port = (uint16_t)sk };
	struct flow_now flow = { .conn = sk, .sk = sk, .tuple = &tuple, .owner = &nobody,
				 .state = state, .since_ns = since_ns, .at_least = at_least };

	stuck_flow(stuck, &flow);
}

static const struct stuck_sock *only(void)
{
	const struct stuck_report *r = stuck_done(stuck, 0, false);

	assert_int_equal(r->n, 1);
	return r->items[0];
}

static void an_age_is_true_where_the_state_was_seen_to_begin(void **state)
{
	struct obs o = sock_at(1, ST_CLOSE_WAIT);

	(void)state;
	o.sock.ack_age_ns = 90 * SEC;
	stuck_see(stuck, &o);
	know(1, ST_CLOSE_WAIT, 40 * SEC, false);
	assert_int_equal(only()->age_ns, 60 * SEC);
	assert_false(only()->at_least);
}

static void of_what_is_older_the_last_acknowledgement_tells(void **state)
{
	struct obs o = sock_at(1, ST_CLOSE_WAIT);

	(void)state;
	o.sock.ack_age_ns = 400 * SEC;
	stuck_see(stuck, &o);
	know(1, ST_CLOSE_WAIT, 99 * SEC, true);
	assert_int_equal(only()->age_ns, 400 * SEC);
	assert_true(only()->at_least);
}

/* Our close() needs no acknowledgement to have come after it. */
static void in_states_that_we_enter_ourselves_it_does_not(void **state)
{
	static const uint8_t ours[] = { ST_FIN_WAIT1, ST_LAST_ACK };

	(void)state;
	for (size_t i = 0; i < sizeof(ours); i++) {
		struct obs o = sock_at(i + 1, ours[i]);

		o.sock.ack_age_ns = 400 * SEC;
		stuck_see(stuck, &o);
		know(i + 1, ours[i], 99 * SEC, true);
	}
	assert_int_equal(stuck_done(stuck, 0, false)->younger, 2);
}

static void the_kernel_knows_the_state_better_than_the_last_event(void **state)
{
	struct obs o = sock_at(1, ST_LAST_ACK);

	(void)state;
	stuck_see(stuck, &o);
	know(1, ST_CLOSE_WAIT, SEC, false);
	assert_int_equal(stuck_done(stuck, 0, false)->n, 0);
	assert_int_equal(stuck_done(stuck, 0, false)->younger, 1);
}

static void live_connections_are_not_stuck(void **state)
{
	struct obs o = sock_at(1, ST_ESTABLISHED);

	(void)state;
	stuck_see(stuck, &o);
	know(1, ST_ESTABLISHED, SEC, false);
	assert_int_equal(stuck_done(stuck, 0, false)->n + stuck_done(stuck, 0, false)->younger, 0);
}

static void every_descriptor_is_a_holder(void **state)
{
	struct obs o = sock_at(1, ST_CLOSE_WAIT);

	(void)state;
	stuck_see(stuck, &o); /* the walk over all sockets: no task */
	o.has_task = o.task.has_fd = true;
	for (uint32_t i = 0; i < 12; i++) {
		o.task.pid = 100 + i;
		o.task.fd = 7;
		strcpy(o.task.comm, "forgets");
		stuck_see(stuck, &o);
	}
	know(1, ST_CLOSE_WAIT, 40 * SEC, false);
	assert_int_equal(only()->n_holders, 12);
	assert_int_equal(only()->holders[STUCK_HOLDERS_MAX - 1].pid, 100 + STUCK_HOLDERS_MAX - 1);
	assert_int_equal(only()->wait, STUCK_PROGRAM_CLOSE);
	assert_non_null(strstr(only()->words, "forgets:100 (fd 7) and 11 more descriptors have not called close()"));
}

static void a_fin_is_no_byte(void **state)
{
	struct obs o = sock_at(1, ST_LAST_ACK);

	(void)state;
	o.sock.unacked = 1;
	o.sock.unread = 1;
	o.sock.done = true;
	stuck_see(stuck, &o);
	know(1, ST_LAST_ACK, 40 * SEC, false);
	assert_int_equal(only()->unacked_bytes + only()->unsent_bytes + only()->unread_bytes, 0);
	assert_string_equal(only()->words, "both have closed, the peer first; the peer has not acknowledged our FIN");
}

static void a_closed_window_is_the_peers_doing(void **state)
{
	struct obs o = sock_at(1, ST_FIN_WAIT1);

	(void)state;
	o.sock.snd_wnd = 0;
	o.sock.unsent = 101;
	stuck_see(stuck, &o);
	know(1, ST_FIN_WAIT1, 40 * SEC, false);
	assert_int_equal(only()->wait, STUCK_PEER_WINDOW);
	assert_int_equal(only()->unsent_bytes, 100);
}

static void who_was_never_accepted_waits_for_that(void **state)
{
	struct obs o = sock_at(1, ST_CLOSE_WAIT);

	(void)state;
	o.sock.has_socket = false;
	stuck_see(stuck, &o);
	know(1, ST_CLOSE_WAIT, 40 * SEC, false);
	assert_int_equal(only()->wait, STUCK_ACCEPT);
}

/* An orphan in another namespace: the table alone knows of it. */
static void what_the_kernel_did_not_show_has_no_bytes(void **state)
{
	(void)state;
	know(1, ST_FIN_WAIT2, 40 * SEC, false);
	assert_false(only()->seen);
	assert_int_equal(only()->wait, STUCK_PEER_FIN_ORPHAN);
}

static void mini_sockets_in_fin_wait2_are_among_them(void **state)
{
	struct flow_mini mini = { .conn = 3, .tuple = { .family = 4, .local.port = 80, .peer.port = 9 },
				  .state = ST_FIN_WAIT2, .born_ns = 50 * SEC };

	(void)state;
	for (int i = 0; i < 3; i++) {
		mini.tuple.peer.port++;
		stuck_mini(stuck, &mini);
	}
	mini.state = ST_TIME_WAIT;
	stuck_mini(stuck, &mini);
	assert_int_equal(stuck_done(stuck, 0, false)->n, 3);
	assert_true(stuck_done(stuck, 0, false)->items[0]->mini);
	assert_non_null(strstr(stuck_done(stuck, 0, false)->items[0]->words, "a mini-socket is all that is left"));
}

static void oldest_first_and_only_who_is_asked_for(void **state)
{
	const struct stuck_report *r;

	(void)state;
	for (uint64_t sk = 1; sk <= 50; sk++)
		know(sk, ST_CLOSE_WAIT, (sk * 37 % 50) * SEC, false);
	r = stuck_done(stuck, 0, false);
	assert_int_equal(r->n, 50);
	for (size_t i = 1; i < r->n; i++)
		assert_true(r->items[i - 1]->age_ns > r->items[i]->age_ns);

	only_port = 7;
	assert_int_equal(only()->tuple.peer.port, 7);
	only_port = 99;
	assert_int_equal(stuck_done(stuck, 0, false)->n, 0);
}

static void what_finds_no_room_is_counted(void **state)
{
	const struct stuck_report *r;

	(void)state;
	for (uint64_t i = 0; i < STUCK_SOCKS_MAX + 3; i++) {
		struct obs o = sock_at(i, ST_CLOSE_WAIT);

		o.sock.netns_ino = (uint32_t)i;
		stuck_see(stuck, &o);
	}
	r = stuck_done(stuck, 0, false);
	assert_int_equal(r->n + r->younger, STUCK_SOCKS_MAX);
	assert_int_equal(r->passed, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_finds_no_room_is_counted),
		TEST(an_age_is_true_where_the_state_was_seen_to_begin),
		TEST(of_what_is_older_the_last_acknowledgement_tells),
		TEST(in_states_that_we_enter_ourselves_it_does_not),
		TEST(the_kernel_knows_the_state_better_than_the_last_event),
		TEST(live_connections_are_not_stuck),
		TEST(every_descriptor_is_a_holder),
		TEST(a_fin_is_no_byte),
		TEST(a_closed_window_is_the_peers_doing),
		TEST(who_was_never_accepted_waits_for_that),
		TEST(what_the_kernel_did_not_show_has_no_bytes),
		TEST(mini_sockets_in_fin_wait2_are_among_them),
		TEST(oldest_first_and_only_who_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
