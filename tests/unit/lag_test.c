// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lag.h"

#define S(n) ((n) * UINT64_C(1000000000))

static void what_was_read_to_its_end_is_as_late_as_the_clock(void **state)
{
	struct lag lag = {0};

	(void)state;
	assert_int_equal(lag_time(&lag, SESSION_ALL_READ, 100, S(1), S(9)), S(9));
	assert_false(lag.held);
}

static void what_is_left_stops_time_where_it_was_read_to(void **state)
{
	struct lag lag = {0};

	(void)state;
	assert_int_equal(lag_time(&lag, SESSION_MORE, 100, S(1), S(9)), S(1));
	assert_int_equal(lag_time(&lag, SESSION_MORE, 100, S(1), S(19)), S(1));
	assert_false(lag.held);
	assert_int_equal(lag_time(&lag, SESSION_UNFINISHED, 100, S(1), S(20)), S(1));
	assert_true(lag.held);
	assert_false(lag.overdue);
}

static void one_unfinished_record_stops_it_for_a_second(void **state)
{
	struct lag lag = {0};

	(void)state;
	assert_int_equal(lag_time(&lag, SESSION_UNFINISHED, 100, S(1), S(20)), S(1));
	assert_int_equal(lag_time(&lag, SESSION_UNFINISHED, 100, S(1), S(21) - 1), S(1));
	assert_false(lag.overdue);
	assert_int_equal(lag_time(&lag, SESSION_UNFINISHED, 100, S(1), S(21)), S(21));
	assert_true(lag.overdue);
	assert_int_equal(lag_time(&lag, SESSION_ALL_READ, 300, S(2), S(22)), S(22));
	assert_false(lag.held);
	assert_false(lag.overdue);
}

static void each_of_them_has_a_second_of_its_own(void **state)
{
	struct lag lag = {0};

	(void)state;
	assert_int_equal(lag_time(&lag, SESSION_UNFINISHED, 100, S(1), S(20)), S(1));
	assert_int_equal(lag_time(&lag, SESSION_UNFINISHED, 200, S(1), S(21)), S(1));
	assert_int_equal(lag_time(&lag, SESSION_MORE, 300, S(1), S(21)), S(1));
	assert_int_equal(lag_time(&lag, SESSION_UNFINISHED, 200, S(1), S(22)), S(1));
	assert_int_equal(lag_time(&lag, SESSION_UNFINISHED, 200, S(1), S(23)), S(23));
}

static void what_was_not_waited_for_is_counted_once(void **state)
{
	struct lag lag = {0};

	(void)state;
	lag_skip(&lag, 0, 0);
	assert_int_equal(lag.late, 0);
	lag_skip(&lag, 100, 3);
	lag_skip(&lag, 100, 3);
	assert_int_equal(lag.late, 3);
	lag_skip(&lag, 100, 5);
	assert_int_equal(lag.late, 5);
	lag_skip(&lag, 900, 2);
	assert_int_equal(lag.late, 7);
	lag_skip(&lag, 950, 0);
	assert_int_equal(lag.late, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_read_to_its_end_is_as_late_as_the_clock),
		cmocka_unit_test(what_is_left_stops_time_where_it_was_read_to),
		cmocka_unit_test(one_unfinished_record_stops_it_for_a_second),
		cmocka_unit_test(each_of_them_has_a_second_of_its_own),
		cmocka_unit_test(what_was_not_waited_for_is_counted_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
