// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "audit_asserts.h"

static void what_is_open_is_what_has_come_without_what_has_gone(void **state)
{
	struct audit *a = *state;

	change(a, ST_SYN_SENT, ST_ESTABLISHED, 1);
	change(a, ST_SYN_RECV, ST_ESTABLISHED, 2);
	change(a, ST_ESTABLISHED, ST_ESTABLISHED, 3);
	assert_range(a, COUNTER_CURR_ESTAB, 2, 2);
	change(a, ST_ESTABLISHED, ST_FIN_WAIT1, 4);
	assert_range(a, COUNTER_CURR_ESTAB, 1, 1);
	/* a kernel may or may not call this open: after it both say the same again */
	change(a, ST_ESTABLISHED, ST_CLOSE_WAIT, 5);
	assert_range(a, COUNTER_CURR_ESTAB, 0, 1);
	change(a, ST_CLOSE_WAIT, ST_LAST_ACK, 6);
	assert_range(a, COUNTER_CURR_ESTAB, 0, 0);
	/* older than the trace */
	change(a, ST_CLOSE_WAIT, ST_CLOSE, 7);
	assert_range(a, COUNTER_CURR_ESTAB, -1, 0);
	change(a, ST_ESTABLISHED, ST_CLOSE, 8);
	assert_range(a, COUNTER_CURR_ESTAB, -2, -1);
}

static void what_goes_near_a_reading_may_be_open_or_not(void **state)
{
	struct audit *a = *state;

	audit_began(a, 100, 200);
	change(a, ST_SYN_SENT, ST_ESTABLISHED, 99);
	assert_range(a, COUNTER_CURR_ESTAB, 0, 0);
	change(a, ST_SYN_SENT, ST_ESTABLISHED, 150);
	change(a, ST_ESTABLISHED, ST_FIN_WAIT1, 151);
	assert_range(a, COUNTER_CURR_ESTAB, -1, 1);
	change(a, ST_ESTABLISHED, ST_FIN_WAIT1, 201);
	assert_range(a, COUNTER_CURR_ESTAB, -2, 0);
}

static struct obs given_up(uint8_t old_state, uint32_t unacked)
{
	struct obs o = state_change(old_state, ST_CLOSE, 1);

	o.sock.err = ETIMEDOUT;
	o.sock.unacked = unacked;
	return o;
}

static void a_connection_that_its_timer_gave_up_was_a_timer_run_out(void **state)
{
	struct audit *a = *state;
	struct obs probed = given_up(ST_ESTABLISHED, 0), shrunk = given_up(ST_ESTABLISHED, 9), orphan = shrunk,
		   lost = shrunk, connecting = given_up(ST_SYN_SENT, 1);

	lost.sock.snd_wnd = 1;
	orphan.sock.dead = true;
	audit_obs(a, &probed);
	audit_obs(a, &shrunk);
	assert_range(a, COUNTER_TIMEOUTS, 0, 0);
	audit_obs(a, &lost);
	audit_obs(a, &orphan);
	audit_obs(a, &connecting);
	assert_range(a, COUNTER_TIMEOUTS, 3, 3);
}

static struct obs request_gone(uint8_t caller, uint64_t at_ns)
{
	return (struct obs){ .kind = OBS_REQUEST_GONE, .mono_ns = at_ns, .sock.netns_ino = NETNS,
			     .request = { .caller = caller, .listening = true } };
}

static void a_request_that_runs_out_was_a_timer_and_a_full_queue_a_drop(void **state)
{
	struct audit *a = *state;
	struct obs silent = request_gone(REQUEST_BY_TIMER, 900), unheard = silent, deferred = silent, full;

	unheard.request.listening = false;
	deferred.request.acked = deferred.request.deferred = deferred.request.queue_full = true;
	full = deferred;
	full.request.deferred = false;
	full.request.age_ns = 500;
	audit_began(a, 100, 200);
	audit_obs(a, &silent);
	audit_obs(a, &unheard);
	audit_obs(a, &deferred);
	assert_range(a, COUNTER_TIMEOUTS, 2, 2);
	assert_range(a, COUNTER_LISTEN_DROPS, 0, 0);
	audit_obs(a, &full);
	assert_range(a, COUNTER_LISTEN_DROPS, 1, 1);
	assert_range(a, COUNTER_LISTEN_OVERFLOWS, 1, 1);
	/* its last segment may have come before the first reading */
	full.request.age_ns = 800;
	audit_obs(a, &full);
	full.request.age_ns = 0;
	audit_obs(a, &full);
	assert_range(a, COUNTER_LISTEN_DROPS, 1, 3);
	assert_range(a, COUNTER_LISTEN_OVERFLOWS, 1, 3);
	assert_range(a, COUNTER_TIMEOUTS, 5, 5);
}

static void an_icmp_error_and_an_overflow_that_is_answered_are_drops(void **state)
{
	struct audit *a = *state;
	struct obs icmp = request_gone(REQUEST_BY_ICMP, 1), reset = request_gone(REQUEST_BY_SEGMENT, 2), full = reset;

	full.request.answered = full.request.overflow = true;
	audit_obs(a, &icmp);
	audit_obs(a, &reset);
	assert_range(a, COUNTER_LISTEN_DROPS, 1, 1);
	assert_range(a, COUNTER_LISTEN_OVERFLOWS, 0, 0);
	audit_obs(a, &full);
	assert_range(a, COUNTER_LISTEN_DROPS, 2, 2);
	assert_range(a, COUNTER_LISTEN_OVERFLOWS, 1, 1);
}

static void of_a_lower_bound_more_is_no_gap_and_less_is_one(void **state)
{
	struct mibs delta = { .known[COUNTER_TIMEOUTS] = true, .value[COUNTER_TIMEOUTS] = 7 };

	(void)state;
	assert_int_equal(audit_compare((struct audit_range){ 3, 3 }, COUNTER_TIMEOUTS, &delta, ALL_SEEN), AUDIT_BLIND);
	assert_int_equal(audit_compare((struct audit_range){ 7, 7 }, COUNTER_TIMEOUTS, &delta, ALL_SEEN), AUDIT_EXACT);
	assert_int_equal(audit_compare((struct audit_range){ 8, 9 }, COUNTER_TIMEOUTS, &delta, ALL_SEEN), AUDIT_GAP);
	assert_int_equal(audit_compare((struct audit_range){ 8, 9 }, COUNTER_TIMEOUTS, &delta, 0), AUDIT_GAP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_open_is_what_has_come_without_what_has_gone),
		TEST(what_goes_near_a_reading_may_be_open_or_not),
		TEST(a_connection_that_its_timer_gave_up_was_a_timer_run_out),
		TEST(a_request_that_runs_out_was_a_timer_and_a_full_queue_a_drop),
		TEST(an_icmp_error_and_an_overflow_that_is_answered_are_drops),
		cmocka_unit_test(of_a_lower_bound_more_is_no_gap_and_less_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
