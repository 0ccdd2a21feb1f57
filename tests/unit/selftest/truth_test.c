// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "selftest/truth.h"

#define PORT 4242
#define NETNS 4026532000U

struct stand {
	struct keep keep;
	struct audit *audit;
	struct trial trial;
	struct mibs delta;
};
static struct stand stand;

static struct tuple tuple_of(enum side side)
{
	struct tuple t = { .family = 4, .local.port = PORT, .peer.port = 40000 };

	return side == SIDE_SERVER ? t : tuple_mirror(&t);
}

static void verdict(enum side side, enum cause cause, int32_t error)
{
	struct verdict v = { .conn = side + 1, .pair = 2 - side, .tuple = tuple_of(side), .netns = NETNS,
			     .cause = cause, .error = error };
	struct record record = { .kind = REC_CLOSE, .close = &v };

	assert_int_equal(keep_take(&stand.keep, &record), 0);
	audit_verdict(stand.audit, &v);
}

static void call(enum side side, const char *name, int64_t result, int32_t error)
{
	struct app app = { .pid = 1, .result = result, .error = error };
	struct record record = { .kind = REC_APP, .app = &app };

	strcpy(app.role, side_slug(side));
	strcpy(app.call, name);
	assert_int_equal(keep_take(&stand.keep, &record), 0);
}

static void segment(uint8_t flags)
{
	struct segment s = { .family = 4, .tcp_flags = flags };
	struct record record = { .kind = REC_SEGMENT, .segment = &s };

	assert_int_equal(keep_take(&stand.keep, &record), 0);
}

static void reset_sent(void)
{
	struct obs o = { .kind = OBS_RST_ACTIVE, .sk = 1, .sock.netns_ino = NETNS };

	audit_obs(stand.audit, &o);
}

/* linger-zero by the server, as it must be: each test breaks one thing. */
static int make(void **state)
{
	(void)state;
	memset(&stand, 0, sizeof(stand));
	assert_int_equal(audit_new(&stand.audit), 0);
	assert_int_equal(truth_begin(ending_by_slug("linger-zero"), SIDE_SERVER, 0, &stand.trial), 0);
	keep_begin(&stand.keep, PORT, NETNS, 0);
	for (int i = 0; i < COUNTER_MAX; i++)
		stand.delta.known[i] = true;
	stand.delta.value[COUNTER_OUT_RSTS] = 1;
	stand.delta.value[COUNTER_ABORT_ON_DATA] = 1;
	return 0;
}

static int drop(void **state)
{
	(void)state;
	keep_free(&stand.keep);
	audit_free(stand.audit);
	return 0;
}

static void live(void)
{
	call(SIDE_SERVER, "close", 0, 0);
	call(SIDE_CLIENT, "read", -1, ECONNRESET);
	call(SIDE_CLIENT, "close", 0, 0);
	segment(2);
	segment(18);
	segment(4);
	reset_sent();
}

static const struct trial *told(void)
{
	struct trial *t = &stand.trial;

	truth_observe(t, &stand.keep);
	truth_count(t, stand.audit, NETNS, &stand.delta, UINT32_MAX);
	truth_agree(t, &stand.keep, SIDE_MAX);
	return t;
}

static void as_it_must_be(void)
{
	live();
	verdict(SIDE_SERVER, CAUSE_LINGER_ZERO, 0);
	verdict(SIDE_CLIENT, CAUSE_PEER_RESET, ECONNRESET);
}

static void what_agrees_passes(void **state)
{
	const struct trial *t;

	(void)state;
	as_it_must_be();
	t = told();
	assert_int_equal(t->outcome, TRIAL_PASSED);
	assert_int_equal(t->n_why, 0);
	assert_string_equal(t->saw[SIDE_SERVER], "close: 0");
	assert_string_equal(t->saw[SIDE_CLIENT], "read: ECONNRESET");
	assert_int_equal(t->segments.all, 3);
	assert_int_equal(t->segments.syn, 2);
	assert_int_equal(t->segments.rst, 1);
	assert_true(t->has_seen[0] && t->seen[0] == CAUSE_LINGER_ZERO);
}

static void a_counter_that_moved_too_far_fails(void **state)
{
	(void)state;
	as_it_must_be();
	stand.delta.value[COUNTER_ESTAB_RESETS] = 1;
	assert_int_equal(told()->outcome, TRIAL_FAILED);
	assert_string_equal(stand.trial.why[0], "EstabResets is 1, observed were 0");
}

static void a_counter_that_did_not_move_fails(void **state)
{
	(void)state;
	as_it_must_be();
	stand.delta.value[COUNTER_ABORT_ON_DATA] = 0;
	assert_int_equal(told()->outcome, TRIAL_FAILED);
}

static void a_reset_that_was_not_on_the_wire_fails(void **state)
{
	(void)state;
	as_it_must_be();
	stand.delta.value[COUNTER_OUT_RSTS] = 2;
	reset_sent();
	assert_int_equal(told()->outcome, TRIAL_FAILED);
	assert_string_equal(stand.trial.why[0], "1 RSTs on the wire, OutRsts is 2");
}

static void an_error_that_the_program_did_not_see_fails(void **state)
{
	(void)state;
	live();
	verdict(SIDE_SERVER, CAUSE_LINGER_ZERO, 0);
	verdict(SIDE_CLIENT, CAUSE_PEER_RESET, EPIPE);
	assert_int_equal(told()->outcome, TRIAL_FAILED);
	assert_string_equal(stand.trial.why[0], "the client saw ECONNRESET, its verdict says EPIPE");
}

static void an_error_that_no_verdict_knows_of_fails(void **state)
{
	(void)state;
	as_it_must_be();
	call(SIDE_SERVER, "read", -1, ETIMEDOUT);
	assert_int_equal(told()->outcome, TRIAL_FAILED);
}

static void who_failed_to_connect(int32_t error)
{
	assert_int_equal(truth_begin(ending_by_slug("connect-failed"), SIDE_CLIENT, 0, &stand.trial), 0);
	stand.delta.value[COUNTER_OUT_RSTS] = 0;
	stand.delta.value[COUNTER_ABORT_ON_DATA] = 0;
	call(SIDE_CLIENT, "connect", error ? -1 : 0, error);
	call(SIDE_CLIENT, "close", 0, 0);
	verdict(SIDE_CLIENT, CAUSE_CONNECT_FAILED, 0);
}

static void the_error_of_a_connect_that_failed_is_left_on_no_socket(void **state)
{
	(void)state;
	who_failed_to_connect(EADDRNOTAVAIL);
	assert_int_equal(told()->outcome, TRIAL_PASSED);
	assert_string_equal(stand.trial.saw[SIDE_CLIENT], "connect: EADDRNOTAVAIL");
}

static void a_connect_that_failed_without_an_error_fails(void **state)
{
	(void)state;
	who_failed_to_connect(0);
	assert_int_equal(told()->outcome, TRIAL_FAILED);
	assert_string_equal(stand.trial.why[0], "the client saw no error, its verdict says that connect() failed");
}

static void the_first_error_tells_and_not_the_echo_of_it(void **state)
{
	(void)state;
	as_it_must_be();
	call(SIDE_CLIENT, "write", -1, EPIPE);
	assert_int_equal(told()->outcome, TRIAL_PASSED);
	assert_string_equal(stand.trial.saw[SIDE_CLIENT], "read: ECONNRESET");
}

static void another_cause_fails(void **state)
{
	(void)state;
	live();
	verdict(SIDE_SERVER, CAUSE_DISCONNECT, 0);
	verdict(SIDE_CLIENT, CAUSE_PEER_RESET, ECONNRESET);
	truth_observe(&stand.trial, &stand.keep);
	truth_differs(&stand.trial, &stand.keep, "the server's verdict is disconnect, not linger-zero");
	assert_int_equal(stand.trial.outcome, TRIAL_FAILED);
}

static void what_no_kernel_of_its_kind_says_is_skipped_unless_more_is_wrong(void **state)
{
	(void)state;
	live();
	truth_observe(&stand.trial, &stand.keep);
	truth_unsaid(&stand.trial, "no reasons here");
	assert_int_equal(stand.trial.outcome, TRIAL_SKIPPED);
	assert_string_equal(stand.trial.why[0], "no reasons here");
	truth_object(&stand.trial, "one RST too many");
	assert_int_equal(stand.trial.outcome, TRIAL_FAILED);
}

static void unknown_is_skipped_only_where_the_kernel_is_blind(void **state)
{
	struct verdict v = { .conn = 1, .tuple = tuple_of(SIDE_SERVER), .netns = NETNS, .cause = CAUSE_UNKNOWN };
	struct record record = { .kind = REC_CLOSE, .close = &v };

	(void)state;
	live();
	verdict(SIDE_CLIENT, CAUSE_PEER_RESET, ECONNRESET);
	v.blind = EV(RST_ACTIVE);
	assert_int_equal(keep_take(&stand.keep, &record), 0);
	truth_observe(&stand.trial, &stand.keep);
	truth_differs(&stand.trial, &stand.keep, "why");
	assert_int_equal(stand.trial.outcome, TRIAL_SKIPPED);
	stand.keep.items[stand.keep.n - 1].close.blind = 0;
	truth_differs(&stand.trial, &stand.keep, "why");
	assert_int_equal(stand.trial.outcome, TRIAL_FAILED);
}

static void a_verdict_too_many_fails(void **state)
{
	(void)state;
	as_it_must_be();
	verdict(SIDE_SERVER, CAUSE_LINGER_ZERO, 0);
	truth_observe(&stand.trial, &stand.keep);
	truth_differs(&stand.trial, &stand.keep, "the server got 2 verdicts, not 1");
	assert_int_equal(stand.trial.outcome, TRIAL_FAILED);
}

static void a_verdict_that_did_not_come_was_not_seen_and_one_too_many_was(void **state)
{
	(void)state;
	live();
	verdict(SIDE_SERVER, CAUSE_LINGER_ZERO, 0);
	assert_true(truth_unseen(told(), &stand.keep));
	verdict(SIDE_CLIENT, CAUSE_PEER_RESET, ECONNRESET);
	assert_false(truth_unseen(told(), &stand.keep));
	verdict(SIDE_CLIENT, CAUSE_PEER_RESET, ECONNRESET);
	assert_false(truth_unseen(told(), &stand.keep));
}

static void what_the_kernel_did_unseen_is_told_from_what_was_seen_wrong(void **state)
{
	(void)state;
	as_it_must_be();
	assert_false(truth_unseen(told(), &stand.keep));
	stand.delta.value[COUNTER_ABORT_ON_DATA] = 0;
	assert_false(truth_unseen(told(), &stand.keep));
	stand.delta.value[COUNTER_ABORT_ON_DATA] = 1;
	stand.delta.value[COUNTER_ESTAB_RESETS] = 1;
	assert_true(truth_unseen(told(), &stand.keep));
}

static void objections_beyond_the_room_for_them_still_fail(void **state)
{
	(void)state;
	for (int i = 0; i < 3 * TRIAL_WHY_MAX; i++)
		truth_object(&stand.trial, "%d %0300d", i, 0);
	assert_int_equal(stand.trial.n_why, TRIAL_WHY_MAX);
	assert_int_equal(stand.trial.outcome, TRIAL_FAILED);
	assert_int_equal(strlen(stand.trial.why[0]), TRIAL_WHY_SIZE - 1);
}

static void a_mini_sockets_end_is_demanded_where_it_can_be_told(void **state)
{
	struct minisocket mini = { .conn = 2, .tuple = tuple_of(SIDE_CLIENT), .netns = NETNS, .end = MINI_REUSED };
	struct record record = { .kind = REC_MINISOCKET, .minisocket = &mini };
	struct trial *t = &stand.trial;

	(void)state;
	assert_int_equal(truth_begin(ending_by_slug("tw-reuse"), SIDE_CLIENT, 0, t), 0);
	assert_null(t->mini_expect);
	assert_int_equal(truth_begin(ending_by_slug("tw-reuse"), SIDE_CLIENT, UINT32_MAX, t), 0);
	assert_string_equal(t->mini_expect, "reused");
	truth_observe(t, &stand.keep);
	assert_null(t->mini_seen);
	verdict(SIDE_CLIENT, CAUSE_ACTIVE_CLOSE, 0);
	assert_int_equal(keep_take(&stand.keep, &record), 0);
	truth_observe(t, &stand.keep);
	assert_string_equal(t->mini_seen, "reused");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_agrees_passes),
		TEST(a_counter_that_moved_too_far_fails),
		TEST(a_counter_that_did_not_move_fails),
		TEST(a_reset_that_was_not_on_the_wire_fails),
		TEST(an_error_that_the_program_did_not_see_fails),
		TEST(an_error_that_no_verdict_knows_of_fails),
		TEST(the_error_of_a_connect_that_failed_is_left_on_no_socket),
		TEST(a_connect_that_failed_without_an_error_fails),
		TEST(the_first_error_tells_and_not_the_echo_of_it),
		TEST(another_cause_fails),
		TEST(what_no_kernel_of_its_kind_says_is_skipped_unless_more_is_wrong),
		TEST(unknown_is_skipped_only_where_the_kernel_is_blind),
		TEST(a_verdict_too_many_fails),
		TEST(a_verdict_that_did_not_come_was_not_seen_and_one_too_many_was),
		TEST(what_the_kernel_did_unseen_is_told_from_what_was_seen_wrong),
		TEST(objections_beyond_the_room_for_them_still_fail),
		TEST(a_mini_sockets_end_is_demanded_where_it_can_be_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
