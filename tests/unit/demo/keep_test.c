// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "demo/check.h"
#include "demo/keep.h"

#define PORT 4242

static struct tuple server_tuple(uint16_t client_port)
{
	return (struct tuple){
		.family = 4,
		.local = { .addr = { 127, 0, 0, 1 }, .port = PORT },
		.peer = { .addr = { 127, 0, 0, 1 }, .port = client_port },
	};
}

static struct tuple client_tuple(uint16_t client_port)
{
	struct tuple t = server_tuple(client_port);

	return tuple_mirror(&t);
}

static void take(struct keep *keep, enum record_kind kind, uint64_t mono_ns, const void *body)
{
	struct record record = { .kind = kind, .mono_ns = mono_ns, .close = body };

	assert_int_equal(keep_take(keep, &record), 0);
}

static void take_close(struct keep *keep, uint64_t mono_ns, uint64_t conn, struct tuple t,
		       enum cause cause)
{
	struct verdict v = {
		.conn = conn, .pair = conn ^ 1, .mono_ns = mono_ns, .tuple = t, .cause = cause
	};

	take(keep, REC_CLOSE, mono_ns, &v);
}

static void take_event(struct keep *keep, uint64_t mono_ns, uint64_t conn, struct tuple t)
{
	struct obs obs = { .kind = OBS_STATE, .mono_ns = mono_ns, .new_state = ST_ESTABLISHED };
	struct event event = { .conn = conn, .obs = &obs, .tuple = t };

	take(keep, REC_EVENT, mono_ns, &event);
}

static void take_app(struct keep *keep, uint64_t mono_ns, const char *call, struct tuple t)
{
	struct app app = { .mono_ns = mono_ns, .tuple = t };

	snprintf(app.call, sizeof(app.call), "%s", call);
	take(keep, REC_APP, mono_ns, &app);
}

/* What came out: "C2 A2 S3": kind and conn, in order. */
static char told[512];

static int tell(void *ctx, const struct record *r)
{
	size_t n = strlen(told);
	char letter = r->kind == REC_CLOSE     ? 'C'
		      : r->kind == REC_EVENT   ? 'E'
		      : r->kind == REC_APP     ? 'A'
		      : r->kind == REC_SEGMENT ? 'S'
		      : r->kind == REC_LOSS    ? 'L'
					       : '?';
	unsigned long long conn = r->kind == REC_CLOSE     ? r->close->conn
				  : r->kind == REC_EVENT   ? r->event->conn
				  : r->kind == REC_APP     ? r->app->conn
				  : r->kind == REC_SEGMENT ? r->segment->conn
							   : 0;

	if (r->kind == REC_EVENT)
		assert_int_equal(r->event->obs->new_state, ST_ESTABLISHED);
	snprintf(told + n, sizeof(told) - n, "%c%llu ", letter, conn);
	return *(int *)ctx;
}

static const char *emit(struct keep *keep)
{
	int answer = 0;

	told[0] = '\0';
	assert_int_equal(keep_emit(keep, tell, &answer), 0);
	return told;
}

static void records_come_out_in_the_order_in_which_they_happened(void **state)
{
	struct keep keep = { 0 };

	(void)state;
	keep_begin(&keep, PORT, 0, 0);
	take_close(&keep, 50, 2, server_tuple(9), CAUSE_ACTIVE_CLOSE);
	take_app(&keep, 40, "read", client_tuple(9));
	take_event(&keep, 10, 3, client_tuple(9));
	take_event(&keep, 10, 2, server_tuple(9)); /* same instant: as they arrived */
	assert_string_equal(emit(&keep), "E3 E2 A3 C2 ");
	keep_free(&keep);
}

static void take_life(struct keep *keep, uint64_t born_ns, uint64_t end_ns, uint64_t conn, struct tuple t)
{
	struct verdict v = { .conn = conn, .pair = conn ^ 1, .mono_ns = end_ns, .age_ns = end_ns - born_ns, .tuple = t };

	take(keep, REC_CLOSE, end_ns, &v);
}

static void a_tuple_that_lives_twice_is_told_apart_by_time(void **state)
{
	struct segment s = { .family = 4, .from = server_tuple(9).local, .to = server_tuple(9).peer };
	struct keep keep = { 0 };

	(void)state;
	keep_begin(&keep, PORT, 0, 0);
	take_life(&keep, 10, 30, 2, client_tuple(9));
	take_life(&keep, 12, 31, 3, server_tuple(9));
	take_life(&keep, 40, 60, 4, client_tuple(9));
	take_life(&keep, 44, 61, 5, server_tuple(9));
	take_app(&keep, 5, "bind", client_tuple(9));
	take_app(&keep, 35, "poll", client_tuple(9));
	take_app(&keep, 45, "read", client_tuple(9));
	/* the server's socket comes only after its SYN-ACK, but its other end is there */
	take(&keep, REC_SEGMENT, 42, &s);
	assert_string_equal(emit(&keep), "A2 C2 C3 A2 S5 A4 C4 C5 ");
	keep_free(&keep);
}

static struct ending an_ending(enum ending_id id)
{
	size_t n;

	return endings(&n)[id];
}

static void take_mini(struct keep *keep, uint64_t conn, struct tuple t, enum mini_end end)
{
	struct minisocket m = { .conn = conn, .mono_ns = 1, .tuple = t, .end = end };

	take(keep, REC_MINISOCKET, 1, &m);
}

#define ALL_VANTAGES ((UINT32_C(1) << VANTAGE_MAX) - 1)

/* As the client's close of `tw-reuse` is seen. */
static void begin_reuse(struct keep *keep)
{
	keep_begin(keep, PORT, 0, 0);
	for (uint64_t conn = 2; conn < 6; conn += 2) {
		struct verdict v = { .conn = conn, .pair = conn + 1, .tuple = client_tuple(9),
				     .cause = CAUSE_ACTIVE_CLOSE, .evidence = EV(MINI_TIME_WAIT) };

		take(keep, REC_CLOSE, conn, &v);
		take_close(keep, conn, conn + 1, server_tuple(9), CAUSE_PASSIVE_CLOSE);
	}
}

static void the_mini_socket_of_who_closed_must_end_as_its_row_says(void **state)
{
	struct ending reuse = an_ending(ENDING_TW_REUSE);
	char why[CHECK_WHY] = "";
	struct keep keep = { 0 };

	(void)state;
	begin_reuse(&keep);
	assert_true(check_awaits_mini(&keep, &reuse, SIDE_CLIENT));
	assert_false(check_story(&keep, &reuse, SIDE_CLIENT, ALL_VANTAGES, why));
	assert_string_equal(why, "the client's mini-socket did not end, and must be reused");
	/* not where nobody can tell */
	assert_true(check_story(&keep, &reuse, SIDE_CLIENT, ALL_VANTAGES & ~(UINT32_C(1) << VANTAGE_MINI_CALLER), why));
	take_mini(&keep, 3, server_tuple(9), MINI_REUSED);
	assert_true(check_awaits_mini(&keep, &reuse, SIDE_CLIENT));
	/* of an earlier namespace that had this one's number */
	take_mini(&keep, 9, client_tuple(9), MINI_NAMESPACE_GONE);
	assert_true(check_awaits_mini(&keep, &reuse, SIDE_CLIENT));
	take_mini(&keep, 2, client_tuple(9), MINI_REUSED);
	assert_false(check_awaits_mini(&keep, &reuse, SIDE_CLIENT));
	assert_true(check_story(&keep, &reuse, SIDE_CLIENT, ALL_VANTAGES, why));
	keep_free(&keep);
	begin_reuse(&keep);
	take_mini(&keep, 2, client_tuple(9), MINI_RESET);
	assert_false(check_story(&keep, &reuse, SIDE_CLIENT, ALL_VANTAGES, why));
	assert_string_equal(why, "the client's mini-socket ended as reset, not reused");
	keep_free(&keep);
}

static void of_an_ending_that_is_lived_through_twice_both_count(void **state)
{
	struct ending reuse = an_ending(ENDING_TW_REUSE);
	char why[CHECK_WHY] = "";
	struct keep keep = { 0 };

	(void)state;
	begin_reuse(&keep);
	take_mini(&keep, 2, client_tuple(9), MINI_REUSED);
	keep.items[3].close.cause = CAUSE_PEER_RESET;
	assert_false(check_story(&keep, &reuse, SIDE_CLIENT, ALL_VANTAGES, why));
	assert_string_equal(why, "the server's verdict is peer-reset, not passive-close");
	keep.items[3].close.cause = CAUSE_PASSIVE_CLOSE;
	keep.items[3].close.pair = 0;
	assert_false(check_story(&keep, &reuse, SIDE_CLIENT, ALL_VANTAGES, why));
	assert_string_equal(why, "the two verdicts are not joined as a pair");
	keep_free(&keep);
}

static void of_several_verdicts_that_with_the_endings_cause_is_meant(void **state)
{
	struct ending ending = an_ending(ENDING_ADDRESS_REUSED);
	struct keep keep = { 0 };

	(void)state;
	keep_begin(&keep, PORT, 0, 0);
	assert_null(check_verdict(&keep, &ending, SIDE_CLIENT, SIDE_CLIENT));
	take_close(&keep, 1, 4, client_tuple(9), CAUSE_ACTIVE_CLOSE);
	assert_int_equal(check_verdict(&keep, &ending, SIDE_CLIENT, SIDE_CLIENT)->conn, 4);
	take_close(&keep, 2, 2, client_tuple(9), CAUSE_ADDRESS_REUSED);
	assert_int_equal(check_verdict(&keep, &ending, SIDE_CLIENT, SIDE_CLIENT)->conn, 2);
	keep_free(&keep);
}

static void calls_and_segments_get_the_conn_of_their_end(void **state)
{
	struct segment s = { .mono_ns = 30,
			     .family = 4,
			     .from = server_tuple(9).local,
			     .to = server_tuple(9).peer };
	struct tuple unbound = client_tuple(9);
	struct keep keep = { 0 };

	(void)state;
	unbound.local.port = 0; /* a connect() that failed */
	keep_begin(&keep, PORT, 0, 0);
	take_app(&keep, 10, "socket", (struct tuple){ 0 });
	take_app(&keep, 20, "connect", unbound);
	take(&keep, REC_SEGMENT, 30, &s);
	take_app(&keep, 40, "write", unbound); /* only connect() may know so little */
	take_event(&keep, 50, 7, client_tuple(9));
	take_close(&keep, 60, 6, server_tuple(9), CAUSE_PASSIVE_CLOSE);
	assert_string_equal(emit(&keep), "A0 A7 S6 A0 E7 C6 ");
	keep_free(&keep);
}

static void a_story_with_something_missing_is_known_as_that(void **state)
{
	struct verdict v = { .conn = 2, .mono_ns = 20, .tuple = client_tuple(9), .cause = CAUSE_PASSIVE_CLOSE };
	struct keep keep = { 0 };

	(void)state;
	keep_begin(&keep, PORT, 0, 0);
	take_close(&keep, 10, 3, server_tuple(9), CAUSE_ACTIVE_CLOSE);
	take(&keep, REC_CLOSE, 20, &v);
	assert_false(keep_is_gapped(&keep));
	v.evidence = EV(GAP);
	v.tuple.peer.port = v.tuple.local.port = 80;
	take(&keep, REC_CLOSE, 30, &v);
	assert_false(keep_is_gapped(&keep));
	v.tuple = client_tuple(9);
	take(&keep, REC_CLOSE, 40, &v);
	assert_true(keep_is_gapped(&keep));
	keep_free(&keep);
}

static void what_belongs_to_others_is_passed_over(void **state)
{
	struct tuple listener = server_tuple(0), stranger = server_tuple(9);
	struct keep keep = { 0 };

	(void)state;
	stranger.local.port = 80;
	keep_begin(&keep, PORT, 0, 0);
	take_event(&keep, 10, 1, listener);
	take_event(&keep, 20, 2, stranger);
	take_close(&keep, 30, 2, stranger, CAUSE_LINGER_ZERO);
	assert_string_equal(emit(&keep), "");
	assert_int_equal(keep.verdicts[SIDE_SERVER] + keep.verdicts[SIDE_CLIENT], 0);
	keep_free(&keep);
}

static void a_client_that_never_got_a_port_is_ours_and_an_unbound_socket_is_not(void **state)
{
	struct tuple failed = client_tuple(0), unbound = { .family = 4 };
	struct keep keep = { 0 };

	(void)state;
	keep_begin(&keep, PORT, 0, 0);
	take_event(&keep, 10, 2, failed);
	take_app(&keep, 20, "connect", failed);
	take_close(&keep, 30, 2, failed, CAUSE_CONNECT_FAILED);
	take_event(&keep, 40, 3, unbound);
	assert_string_equal(emit(&keep), "E2 A2 C2 ");
	assert_int_equal(keep.verdicts[SIDE_CLIENT], 1);
	assert_int_equal(keep.verdicts[SIDE_SERVER], 0);
	keep_free(&keep);
}

static void late_records_of_an_earlier_story_are_passed_over(void **state)
{
	struct keep keep = { 0 };

	(void)state;
	keep_begin(&keep, PORT, 0, 0);
	take_event(&keep, 10, 8, server_tuple(9));
	keep_begin(&keep, PORT, 0, 0);
	take_close(&keep, 20, 8, server_tuple(9), CAUSE_ACTIVE_CLOSE);
	take_close(&keep, 30, 10, server_tuple(9), CAUSE_PASSIVE_CLOSE); /* the same tuple again */
	assert_string_equal(emit(&keep), "C10 ");
	keep_free(&keep);
}

static void what_began_before_the_story_is_a_strangers(void **state)
{
	struct minisocket mini = { .tuple = server_tuple(9), .mono_ns = 130, .fin_wait2_ns = 20, .time_wait_ns = 11 };
	struct keep keep = { 0 };

	(void)state;
	keep_begin(&keep, PORT, 0, 100);
	take_life(&keep, 99, 120, 2, server_tuple(9));
	take_life(&keep, 101, 121, 4, server_tuple(9));
	take(&keep, REC_MINISOCKET, 130, &mini);
	take_event(&keep, 99, 6, server_tuple(9));
	assert_string_equal(emit(&keep), "C4 ");
	keep_free(&keep);
}

/* A namespace that is let go gives its number to the next; what was in it ends later. */
static void what_begins_after_the_namespace_was_let_go_is_a_strangers(void **state)
{
	struct verdict mine = { .conn = 2, .mono_ns = 900, .age_ns = 500, .tuple = server_tuple(9) }, next = mine;
	struct minisocket mini = { .conn = 2, .mono_ns = 900, .fin_wait2_ns = 450, .tuple = server_tuple(9) };
	struct keep keep = { 0 };

	(void)state;
	keep_begin(&keep, PORT, 0, 100);
	keep.until_ns = 600;
	next.conn = 4;
	next.age_ns = 200;
	take(&keep, REC_CLOSE, 900, &mine);
	take(&keep, REC_MINISOCKET, 900, &mini);
	take_event(&keep, 900, 2, server_tuple(9));
	take(&keep, REC_CLOSE, 900, &next);
	mini.conn = 4;
	mini.fin_wait2_ns = 200;
	take(&keep, REC_MINISOCKET, 900, &mini);
	assert_int_equal(keep.n, 3);
	assert_int_equal(keep.verdicts[0], 1);
	assert_int_equal(keep.minis_ended, 1);
	keep_begin(&keep, PORT, 0, 100);
	take(&keep, REC_CLOSE, 900, &next);
	assert_int_equal(keep.verdicts[0], 1);
	keep_free(&keep);
}

static void full_story_still_takes_verdicts(void **state)
{
	struct segment s = { .mono_ns = 1 };
	struct keep keep = { 0 };

	(void)state;
	keep_begin(&keep, PORT, 0, 0);
	for (int i = 0; i < KEEP_MAX + 5; i++)
		take(&keep, REC_SEGMENT, 1, &s);
	take_close(&keep, 9, 2, server_tuple(9), CAUSE_ACTIVE_CLOSE);
	assert_int_equal(keep.dropped, 5);
	assert_non_null(keep_verdict(&keep, SIDE_SERVER, 0));
	assert_null(keep_verdict(&keep, SIDE_SERVER, 1));
	assert_null(keep_verdict(&keep, SIDE_CLIENT, 0));
	keep_free(&keep);
}

static void reader_that_has_gone_ends_the_telling(void **state)
{
	struct keep keep = { 0 };
	int answer = -EPIPE;

	(void)state;
	keep_begin(&keep, PORT, 0, 0);
	take_event(&keep, 10, 2, server_tuple(9));
	take_event(&keep, 20, 2, server_tuple(9));
	told[0] = '\0';
	assert_int_equal(keep_emit(&keep, tell, &answer), -EPIPE);
	assert_string_equal(told, "E2 ");
	keep_free(&keep);
}

/* --- check ------------------------------------------------------------------------- */

static void both_right_verdicts_pass(void **state)
{
	const struct ending *ending = ending_by_slug("default");
	struct keep keep = { 0 };
	char why[CHECK_WHY] = "";

	(void)state;
	keep_begin(&keep, PORT, 0, 0);
	take_close(&keep, 10, 2, server_tuple(9), CAUSE_ACTIVE_CLOSE);
	take_close(&keep, 20, 3, client_tuple(9), CAUSE_PASSIVE_CLOSE);
	assert_true(check_story(&keep, ending, SIDE_SERVER, 0, why));
	assert_false(check_story(&keep, ending, SIDE_CLIENT, 0, why));
	assert_string_equal(why, "the server's verdict is active-close, not passive-close");
	keep_free(&keep);
}

static void missing_superfluous_and_unproven_verdicts_fail(void **state)
{
	const struct ending *zero = ending_by_slug("linger-zero"),
			    *refused = ending_by_slug("refused");
	struct keep keep = { 0 };
	char why[CHECK_WHY] = "";

	(void)state;
	keep_begin(&keep, PORT, 0, 0);
	take_close(&keep, 10, 2, server_tuple(9), CAUSE_LINGER_ZERO);
	assert_false(check_story(&keep, zero, SIDE_SERVER, 0, why));
	assert_string_equal(why, "the server's verdict has no evidence linger-zero-set");
	keep_begin(&keep, PORT, 0, 0);
	take_close(&keep, 20, 5, client_tuple(9), CAUSE_REFUSED);
	assert_false(check_story(&keep, refused, SIDE_CLIENT, 0, why)); /* not proven either */
	take_close(&keep, 20, 4, server_tuple(9), CAUSE_UNKNOWN);
	assert_false(check_story(&keep, refused, SIDE_CLIENT, 0, why));
	assert_string_equal(why, "the server got 1 verdicts, not 0");
	keep_free(&keep);
}

static void verdicts_that_are_no_pair_fail(void **state)
{
	struct keep keep = { 0 };
	char why[CHECK_WHY] = "";

	(void)state;
	keep_begin(&keep, PORT, 0, 0);
	take_close(&keep, 10, 2, server_tuple(9), CAUSE_ACTIVE_CLOSE);
	take_close(&keep, 20, 5, client_tuple(9), CAUSE_PASSIVE_CLOSE);
	assert_false(check_story(&keep, ending_by_slug("default"), SIDE_SERVER, 0, why));
	assert_string_equal(why, "the two verdicts are not joined as a pair");
	keep_free(&keep);
}

/* Another namespace has the same ports over again. */
static void the_same_port_in_another_namespace_is_a_strangers(void **state)
{
	struct verdict v = { .conn = 9, .mono_ns = 1, .tuple = server_tuple(1), .netns = 8 };
	struct minisocket m = { .conn = 9, .mono_ns = 1, .tuple = server_tuple(1), .netns = 8 };
	struct obs obs = { .kind = OBS_STATE, .mono_ns = 1, .sock.netns_ino = 8 };
	struct event e = { .conn = 9, .obs = &obs, .tuple = server_tuple(1) };
	struct keep keep = { 0 };

	(void)state;
	for (uint32_t own = 7; own <= 8; own++) {
		keep_begin(&keep, PORT, own, 0);
		take(&keep, REC_CLOSE, 1, &v);
		take(&keep, REC_MINISOCKET, 1, &m);
		take(&keep, REC_EVENT, 1, &e);
		assert_int_equal(keep.n, own == 8 ? 3 : 0);
		assert_int_equal(keep.verdicts[0], own == 8);
	}
	keep_free(&keep);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_port_in_another_namespace_is_a_strangers),
		cmocka_unit_test(records_come_out_in_the_order_in_which_they_happened),
		cmocka_unit_test(calls_and_segments_get_the_conn_of_their_end),
		cmocka_unit_test(a_tuple_that_lives_twice_is_told_apart_by_time),
		cmocka_unit_test(the_mini_socket_of_who_closed_must_end_as_its_row_says),
		cmocka_unit_test(of_an_ending_that_is_lived_through_twice_both_count),
		cmocka_unit_test(of_several_verdicts_that_with_the_endings_cause_is_meant),
		cmocka_unit_test(a_story_with_something_missing_is_known_as_that),
		cmocka_unit_test(what_belongs_to_others_is_passed_over),
		cmocka_unit_test(a_client_that_never_got_a_port_is_ours_and_an_unbound_socket_is_not),
		cmocka_unit_test(late_records_of_an_earlier_story_are_passed_over),
		cmocka_unit_test(what_began_before_the_story_is_a_strangers),
		cmocka_unit_test(what_begins_after_the_namespace_was_let_go_is_a_strangers),
		cmocka_unit_test(full_story_still_takes_verdicts),
		cmocka_unit_test(reader_that_has_gone_ends_the_telling),
		cmocka_unit_test(both_right_verdicts_pass),
		cmocka_unit_test(missing_superfluous_and_unproven_verdicts_fail),
		cmocka_unit_test(verdicts_that_are_no_pair_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
