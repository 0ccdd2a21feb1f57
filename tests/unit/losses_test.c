// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "losses.h"

static bool set(struct losses *l, const char *where, uint64_t lost, uint64_t missed,
		uint64_t rescued)
{
	struct losses_of of = {.lost = lost, .missed = missed, .rescued = rescued};

	snprintf(of.where, sizeof(of.where), "%s", where);
	return losses_set(l, &of);
}

static void nothing_lost_is_nothing_to_say(void **state)
{
	struct losses l = {0};
	struct loss loss;

	(void)state;
	assert_false(set(&l, "state", 0, 0, 0));
	assert_false(losses_sum(&l));
	assert_false(losses_next(&l, &loss));
}

static void each_hook_is_said_once_for_each_count(void **state)
{
	struct losses l = {0};
	struct loss loss;

	(void)state;
	assert_true(set(&l, "state", 3, 1, 0));
	assert_true(set(&l, "destroy", 0, 2, 5));
	assert_false(set(&l, "state", 3, 1, 0));
	assert_true(losses_sum(&l));
	assert_int_equal(l.lost, 3);
	assert_int_equal(l.missed, 3);
	assert_int_equal(l.rescued, 5);
	assert_true(losses_next(&l, &loss));
	assert_string_equal(loss.where, "state");
	assert_int_equal(loss.count, 4);
	assert_true(losses_next(&l, &loss));
	assert_string_equal(loss.where, "destroy");
	assert_int_equal(loss.count, 2);
	assert_false(losses_next(&l, &loss));
	assert_false(losses_sum(&l));
	assert_true(set(&l, "state", 4, 1, 0));
	assert_true(losses_sum(&l));
	assert_true(losses_next(&l, &loss));
	assert_int_equal(loss.count, 5);
	assert_false(losses_next(&l, &loss));
}

static void what_was_rescued_is_not_lost(void **state)
{
	struct losses l = {0};
	struct loss loss;

	(void)state;
	assert_true(set(&l, "state", 0, 0, 7));
	assert_false(losses_sum(&l));
	assert_int_equal(l.rescued, 7);
	assert_false(losses_next(&l, &loss));
}

/* Verdicts were given without it: a rescue that is counted later was of another event, or came too late. */
static void what_was_missed_is_not_taken_back(void **state)
{
	struct losses l = {0};
	struct loss loss;

	(void)state;
	assert_true(set(&l, "state", 0, 2, 0));
	assert_true(losses_sum(&l));
	assert_true(losses_next(&l, &loss));
	assert_true(set(&l, "state", 0, 0, 2));
	assert_false(losses_sum(&l));
	assert_false(losses_next(&l, &loss));
	assert_int_equal(l.missed, 2);
	assert_false(set(&l, "state", 0, 1, 2));
	assert_true(set(&l, "state", 0, 3, 2));
	assert_true(losses_sum(&l));
	assert_int_equal(l.missed, 3);
}

static void what_is_lost_here_is_not_outweighed_by_what_is_missed_no_more_there(void **state)
{
	struct losses l = {0};

	(void)state;
	assert_true(set(&l, "reset-sent", 0, 5, 0));
	assert_true(losses_sum(&l));
	assert_true(set(&l, "reset-sent", 3, 0, 5));
	assert_true(losses_sum(&l));
	assert_true(set(&l, "state", 1, 0, 0));
	assert_true(losses_sum(&l));
	assert_int_equal(l.lost, 4);
	assert_int_equal(l.missed, 5);
}

static void counts_that_no_sum_can_hold_do_not_begin_anew(void **state)
{
	struct losses l = {0};
	struct loss loss;

	(void)state;
	assert_true(set(&l, "state", UINT64_MAX / 2 + 1, 1, UINT64_MAX));
	assert_true(set(&l, "destroy", UINT64_MAX / 2 + 1, UINT64_MAX, UINT64_MAX));
	assert_true(losses_sum(&l));
	assert_true(l.lost == UINT64_MAX && l.missed == UINT64_MAX && l.rescued == UINT64_MAX);
	assert_true(losses_next(&l, &loss));
	assert_true(losses_next(&l, &loss));
	assert_string_equal(loss.where, "destroy");
	assert_true(loss.count == UINT64_MAX);
	assert_false(losses_next(&l, &loss));
}

static void more_hooks_than_there_is_room_for_are_left_out(void **state)
{
	struct losses l = {0};
	char where[LOSS_WHERE];

	(void)state;
	for (int i = 0; i < LOSSES_MAX; i++) {
		snprintf(where, sizeof(where), "hook-%d", i);
		assert_true(set(&l, where, 1, 0, 0));
	}
	assert_false(set(&l, "one-too-many", 1, 0, 0));
	assert_true(losses_sum(&l));
	assert_int_equal(l.lost, LOSSES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_lost_is_nothing_to_say),
		cmocka_unit_test(each_hook_is_said_once_for_each_count),
		cmocka_unit_test(what_was_rescued_is_not_lost),
		cmocka_unit_test(what_was_missed_is_not_taken_back),
		cmocka_unit_test(what_is_lost_here_is_not_outweighed_by_what_is_missed_no_more_there),
		cmocka_unit_test(counts_that_no_sum_can_hold_do_not_begin_anew),
		cmocka_unit_test(more_hooks_than_there_is_room_for_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
