// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "audit_asserts.h"

static void connections_are_counted_where_they_begin_and_are_cut_off(void **state)
{
	struct audit *a = *state;

	change(a, ST_CLOSE, ST_SYN_SENT, 1);
	change(a, ST_SYN_SENT, ST_ESTABLISHED, 2);
	change(a, ST_SYN_RECV, ST_ESTABLISHED, 3);
	change(a, ST_ESTABLISHED, ST_CLOSE, 4);
	change(a, ST_CLOSE_WAIT, ST_CLOSE, 5);
	change(a, ST_FIN_WAIT2, ST_CLOSE, 6);
	change(a, ST_CLOSE, ST_CLOSE, 7);
	assert_range(a, COUNTER_ACTIVE_OPENS, 1, 1);
	assert_range(a, COUNTER_PASSIVE_OPENS, 1, 1);
	assert_range(a, COUNTER_ESTAB_RESETS, 2, 2);
	assert_range(a, COUNTER_ATTEMPT_FAILS, 0, 0);
}

static void syns_that_cross_are_no_connection_taken_in(void **state)
{
	struct audit *a = *state;

	change(a, ST_CLOSE, ST_SYN_SENT, 1);
	change(a, ST_SYN_SENT, ST_SYN_RECV, 2);
	change(a, ST_SYN_RECV, ST_ESTABLISHED, 3);
	assert_range(a, COUNTER_PASSIVE_OPENS, 0, 0);
}

static void an_attempt_has_failed_when_the_network_says_so(void **state)
{
	struct audit *a = *state;
	struct obs refused = state_change(ST_SYN_SENT, ST_CLOSE, 1), closed = refused, child = refused;

	refused.sock.err = ECONNREFUSED;
	closed.sock.owned = true;
	child.old_state = ST_SYN_RECV;
	audit_obs(a, &refused);
	assert_range(a, COUNTER_ATTEMPT_FAILS, 1, 1);
	audit_obs(a, &closed);
	assert_range(a, COUNTER_ATTEMPT_FAILS, 1, 1);
	audit_obs(a, &child);
	assert_range(a, COUNTER_ATTEMPT_FAILS, 1, 2);
}

static void every_reset_is_one_whoever_sent_it(void **state)
{
	struct audit *a = *state;
	struct obs o = { .mono_ns = 1, .sock.netns_ino = NETNS };
	static const enum obs_kind sent[] = { OBS_RST_ACTIVE, OBS_RST_REPLY, OBS_RST_STRAY };

	for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
		o.kind = sent[i];
		audit_obs(a, &o);
	}
	o.kind = OBS_RST_RECEIVED;
	audit_obs(a, &o);
	assert_range(a, COUNTER_OUT_RSTS, 3, 3);
}

static void a_cause_says_what_the_kernel_counted(void **state)
{
	static const struct {
		enum cause cause;
		evidence_set evidence;
		enum counter counter;
	} rows[] = {
		{ CAUSE_UNREAD_DATA, EV(RST_ACTIVE), COUNTER_ABORT_ON_CLOSE },
		{ CAUSE_LINGER_ZERO, 0, COUNTER_ABORT_ON_DATA },
		{ CAUSE_DATA_AFTER_CLOSE, EV(RST_REPLY), COUNTER_ABORT_ON_DATA },
		{ CAUSE_LINGER2_NEGATIVE, EV(RST_REPLY), COUNTER_ABORT_ON_DATA },
		{ CAUSE_LINGER2_NEGATIVE, EV(RST_ACTIVE), COUNTER_ABORT_ON_LINGER },
		{ CAUSE_ORPHAN_LIMIT, EV(RST_ACTIVE), COUNTER_ABORT_ON_MEMORY },
		{ CAUSE_USER_TIMEOUT, EV(ERR_TIMEOUT), COUNTER_ABORT_ON_TIMEOUT },
		{ CAUSE_PASSIVE_CLOSE, EV(MINI_REFUSED), COUNTER_TIME_WAIT_OVERFLOW },
	};
	struct audit *a = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct verdict v = { .netns = NETNS, .cause = rows[i].cause, .evidence = rows[i].evidence };

		audit_forget(a, NETNS);
		audit_verdict(a, &v);
		for (enum counter c = 0; c < COUNTER_MAX; c++)
			assert_range(a, c, c == rows[i].counter, c == rows[i].counter);
	}
}

static void a_mini_sockets_answer_is_no_abort(void **state)
{
	struct audit *a = *state;
	struct verdict v = { .netns = NETNS, .cause = CAUSE_DATA_AFTER_CLOSE, .evidence = EV(MINI_REPLY) };

	audit_verdict(a, &v);
	assert_range(a, COUNTER_ABORT_ON_DATA, 0, 0);
}

static void a_subflow_that_mptcp_resets_may_be_an_abort_too(void **state)
{
	struct audit *a = *state;
	struct verdict v = { .netns = NETNS, .cause = CAUSE_SUBFLOW_RESET, .evidence = EV(SUBFLOW) | EV(RST_ACTIVE) };

	audit_verdict(a, &v);
	assert_range(a, COUNTER_ABORT_ON_DATA, 0, 0);
	assert_range(a, COUNTER_ABORT_ON_CLOSE, 0, 1);
	v.evidence |= EV(LINGER_ZERO);
	audit_verdict(a, &v);
	assert_range(a, COUNTER_ABORT_ON_DATA, 0, 1);
	assert_range(a, COUNTER_ABORT_ON_CLOSE, 0, 2);
}

static void what_is_unknown_may_be_in_any(void **state)
{
	struct audit *a = *state;
	struct verdict v = { .netns = NETNS, .cause = CAUSE_UNKNOWN };

	audit_verdict(a, &v);
	assert_range(a, COUNTER_ABORT_ON_DATA, 0, 1);
	assert_range(a, COUNTER_ABORT_ON_CLOSE, 0, 1);
	assert_range(a, COUNTER_ABORT_ON_TIMEOUT, 0, 1);
}

static void a_connect_that_never_sent_a_syn_is_taken_back(void **state)
{
	struct audit *a = *state;
	struct verdict v = { .netns = NETNS, .cause = CAUSE_CONNECT_FAILED,
			     .evidence = EV(IN_SYN_SENT) | EV(SYN_UNSENT) };

	change(a, ST_CLOSE, ST_SYN_SENT, 1);
	audit_verdict(a, &v);
	assert_range(a, COUNTER_ACTIVE_OPENS, 0, 0);
}

static void near_a_reading_it_may_be_in_or_not(void **state)
{
	struct audit *a = *state;

	audit_began(a, 100, 200);
	change(a, ST_CLOSE, ST_SYN_SENT, 99);
	assert_range(a, COUNTER_ACTIVE_OPENS, 0, 0);
	change(a, ST_CLOSE, ST_SYN_SENT, 100);
	change(a, ST_CLOSE, ST_SYN_SENT, 200);
	assert_range(a, COUNTER_ACTIVE_OPENS, 0, 2);
	change(a, ST_CLOSE, ST_SYN_SENT, 201);
	assert_range(a, COUNTER_ACTIVE_OPENS, 1, 3);
	audit_ended(a, 300, 400);
	change(a, ST_CLOSE, ST_SYN_SENT, 300);
	change(a, ST_CLOSE, ST_SYN_SENT, 401);
	assert_range(a, COUNTER_ACTIVE_OPENS, 1, 4);
	assert_int_equal(audit_in_flight(a, NETNS), 3);
}

static void what_is_taken_back_near_a_reading_widens_the_range_downwards(void **state)
{
	struct audit *a = *state;
	struct verdict v = { .netns = NETNS, .cause = CAUSE_CONNECT_FAILED, .mono_ns = 150,
			     .evidence = EV(IN_SYN_SENT) | EV(SYN_UNSENT) };

	audit_ended(a, 100, 200);
	change(a, ST_CLOSE, ST_SYN_SENT, 50);
	audit_verdict(a, &v);
	assert_range(a, COUNTER_ACTIVE_OPENS, 0, 1);
}

static void namespaces_are_told_apart(void **state)
{
	struct audit *a = *state;
	struct obs o = state_change(ST_CLOSE, ST_SYN_SENT, 1);

	o.sock.netns_ino = 7;
	audit_obs(a, &o);
	assert_range(a, COUNTER_ACTIVE_OPENS, 0, 0);
	assert_int_equal(audit_range(a, 7, COUNTER_ACTIVE_OPENS).low, 1);
}

static void a_mini_socket_may_be_counted_at_either_end(void **state)
{
	struct audit *a = *state;
	struct minisocket m = { .netns = NETNS, .end = MINI_EXPIRED, .complete = true };

	audit_mini_born(a, NETNS, 1);
	assert_range(a, COUNTER_TIME_WAIT, 0, 1);
	audit_mini_ended(a, &m);
	assert_range(a, COUNTER_TIME_WAIT, 0, 1);
	/* one that is older than the trace may be counted now */
	m.complete = false;
	audit_mini_ended(a, &m);
	assert_range(a, COUNTER_TIME_WAIT, 0, 2);
	m.end = MINI_REUSED;
	audit_mini_ended(a, &m);
	assert_range(a, COUNTER_TIME_WAIT_RECYCLED, 1, 1);
}

static void beyond_their_maximum_it_says_so(void **state)
{
	struct audit *a = *state;

	for (uint32_t i = 0; i < AUDIT_NAMESPACES; i++)
		audit_mini_born(a, 1000 + i, 1);
	assert_false(audit_overflowed(a));
	audit_mini_born(a, NETNS, 1);
	assert_true(audit_overflowed(a));
	assert_range(a, COUNTER_TIME_WAIT, 0, 0);
}

static enum audit_result compared(int64_t low, int64_t high, uint64_t kernel, uint32_t covered)
{
	struct mibs delta = { 0 };

	delta.known[COUNTER_OUT_RSTS] = true;
	delta.value[COUNTER_OUT_RSTS] = kernel;
	return audit_compare((struct audit_range){ low, high }, COUNTER_OUT_RSTS, &delta, covered);
}

static void a_number_fits_its_range_or_does_not(void **state)
{
	uint32_t blind = ~(UINT32_C(1) << VANTAGE_RST_STRAY);
	struct mibs none = { 0 };

	(void)state;
	assert_int_equal(compared(3, 3, 3, ALL_SEEN), AUDIT_EXACT);
	assert_int_equal(compared(2, 4, 3, ALL_SEEN), AUDIT_WITHIN);
	assert_int_equal(compared(3, 3, 4, ALL_SEEN), AUDIT_GAP);
	assert_int_equal(compared(3, 3, 2, ALL_SEEN), AUDIT_GAP);
	/* resets that cannot be seen here explain more, and never less */
	assert_int_equal(compared(3, 3, 4, blind), AUDIT_BLIND);
	assert_int_equal(compared(3, 3, 2, blind), AUDIT_GAP);
	assert_int_equal(compared(3, 3, 3, blind), AUDIT_EXACT);
	assert_int_equal(audit_compare((struct audit_range){ 0 }, COUNTER_OUT_RSTS, &none, ALL_SEEN), AUDIT_UNREAD);
}

static void requests_killed_by_a_segment_explain_failed_attempts(void **state)
{
	uint32_t blind = ~(UINT32_C(1) << VANTAGE_REQUEST);
	struct mibs delta = { 0 };

	(void)state;
	delta.known[COUNTER_ATTEMPT_FAILS] = delta.known[COUNTER_EMBRYONIC_RSTS] = true;
	delta.value[COUNTER_ATTEMPT_FAILS] = 3;
	assert_int_equal(audit_compare((struct audit_range){ 2, 2 }, COUNTER_ATTEMPT_FAILS, &delta, blind), AUDIT_GAP);
	delta.value[COUNTER_EMBRYONIC_RSTS] = 1;
	assert_int_equal(audit_compare((struct audit_range){ 2, 2 }, COUNTER_ATTEMPT_FAILS, &delta, blind), AUDIT_WITHIN);
	/* where each of them is seen there is nothing left to explain */
	assert_int_equal(audit_compare((struct audit_range){ 2, 2 }, COUNTER_ATTEMPT_FAILS, &delta, ALL_SEEN), AUDIT_GAP);
	assert_int_equal(audit_compare((struct audit_range){ 1, 1 }, COUNTER_EMBRYONIC_RSTS, &delta, ALL_SEEN), AUDIT_EXACT);
	assert_int_equal(audit_compare((struct audit_range){ 0, 0 }, COUNTER_EMBRYONIC_RSTS, &delta, ALL_SEEN), AUDIT_GAP);
	assert_int_equal(audit_compare((struct audit_range){ 0, 0 }, COUNTER_EMBRYONIC_RSTS, &delta, blind), AUDIT_BLIND);
}

static void a_segment_that_ends_a_request_is_counted_twice_and_once_where_there_was_no_room(void **state)
{
	struct audit *a = *state;
	struct obs o = { .kind = OBS_REQUEST_GONE, .mono_ns = 1, .sock.netns_ino = NETNS };

	o.request.caller = REQUEST_BY_SEGMENT;
	audit_obs(a, &o);
	assert_range(a, COUNTER_EMBRYONIC_RSTS, 1, 1);
	assert_range(a, COUNTER_ATTEMPT_FAILS, 1, 1);
	o.request.answered = o.request.overflow = true;
	audit_obs(a, &o);
	assert_range(a, COUNTER_EMBRYONIC_RSTS, 2, 2);
	assert_range(a, COUNTER_ATTEMPT_FAILS, 1, 1);
	o.request.caller = REQUEST_BY_TIMER;
	audit_obs(a, &o);
	assert_range(a, COUNTER_EMBRYONIC_RSTS, 2, 2);
	o.request.caller = REQUEST_BY_UNKNOWN;
	audit_obs(a, &o);
	assert_range(a, COUNTER_EMBRYONIC_RSTS, 2, 3);
	assert_range(a, COUNTER_ATTEMPT_FAILS, 1, 2);
}

static void a_total_keeps_apart_what_is_missing_hidden_and_too_much(void **state)
{
	static const struct audit_count counts[] = {
		{ COUNTER_OUT_RSTS, 10, { 10, 10 }, AUDIT_EXACT },  { COUNTER_OUT_RSTS, 7, { 6, 8 }, AUDIT_WITHIN },
		{ COUNTER_OUT_RSTS, 5, { 3, 4 }, AUDIT_GAP },	    { COUNTER_OUT_RSTS, 2, { 5, 6 }, AUDIT_GAP },
		{ COUNTER_OUT_RSTS, 9, { 3, 4 }, AUDIT_BLIND },
	};
	struct audit_total t = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 2; i++)
		audit_total_add(&t, 100 + i, &counts[i]);
	assert_true(t.kernel == 17 && t.accounted == 17 && !t.surplus && !t.hidden && !t.gap_netns);
	audit_total_add(&t, 102, &counts[2]);
	assert_true(t.kernel == 22 && t.accounted == 21 && t.gap_netns == 102);
	audit_total_add(&t, 103, &counts[3]);
	assert_true(t.kernel == 24 && t.accounted == 23 && t.surplus == 3 && t.gap_netns == 103);
	audit_total_add(&t, 104, &counts[4]);
	assert_true(t.kernel == 33 && t.accounted == 27 && t.hidden == 5 && t.gap_netns == 103);
}

static void its_namespaces_can_be_listed(void **state)
{
	struct audit *a = *state;
	uint32_t netns;

	assert_false(audit_namespace(a, 0, &netns));
	audit_mini_born(a, 7, 1);
	audit_mini_born(a, 8, 1);
	assert_true(audit_namespace(a, 1, &netns));
	assert_int_equal(netns, 8);
	assert_false(audit_namespace(a, 2, &netns));
	audit_forget(a, 7);
	assert_true(audit_namespace(a, 0, &netns));
	assert_int_equal(netns, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(connections_are_counted_where_they_begin_and_are_cut_off),
		TEST(syns_that_cross_are_no_connection_taken_in),
		TEST(an_attempt_has_failed_when_the_network_says_so),
		TEST(every_reset_is_one_whoever_sent_it),
		TEST(a_cause_says_what_the_kernel_counted),
		TEST(a_mini_sockets_answer_is_no_abort),
		TEST(a_subflow_that_mptcp_resets_may_be_an_abort_too),
		TEST(what_is_unknown_may_be_in_any),
		TEST(a_connect_that_never_sent_a_syn_is_taken_back),
		TEST(near_a_reading_it_may_be_in_or_not),
		TEST(what_is_taken_back_near_a_reading_widens_the_range_downwards),
		TEST(namespaces_are_told_apart),
		TEST(a_mini_socket_may_be_counted_at_either_end),
		TEST(beyond_their_maximum_it_says_so),
		TEST(its_namespaces_can_be_listed),
		cmocka_unit_test(a_total_keeps_apart_what_is_missing_hidden_and_too_much),
		cmocka_unit_test(a_number_fits_its_range_or_does_not),
		cmocka_unit_test(requests_killed_by_a_segment_explain_failed_attempts),
		TEST(a_segment_that_ends_a_request_is_counted_twice_and_once_where_there_was_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
