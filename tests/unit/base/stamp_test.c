/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#include "base/stamp.h"

#define S UINT64_C(1000000000)

static void utc_is_rfc3339_with_nanoseconds(void **state)
{
	struct stamp s = { 0 };

	(void)state;
	assert_string_equal(stamp_utc(&s, 0), "1970-01-01T00:00:00.000000000Z");
	assert_string_equal(stamp_utc(&s, 1714566896 * S + 123456789), "2024-05-01T12:34:56.123456789Z");
	assert_string_equal(stamp_utc(&s, 951782400 * S + 1), "2000-02-29T00:00:00.000000001Z");
}

static void a_second_that_is_remembered_is_not_the_wrong_one(void **state)
{
	struct stamp s = { 0 };

	(void)state;
	assert_string_equal(stamp_utc(&s, 59 * S + 999999999), "1970-01-01T00:00:59.999999999Z");
	assert_string_equal(stamp_utc(&s, 60 * S), "1970-01-01T00:01:00.000000000Z");
	/* Records of different sensors come a little out of order. */
	assert_string_equal(stamp_utc(&s, 59 * S + 5), "1970-01-01T00:00:59.000000005Z");
	assert_string_equal(stamp_utc(&s, 59 * S + 6), "1970-01-01T00:00:59.000000006Z");
}

static void the_clock_is_local_time(void **state)
{
	struct stamp s = { 0 };

	(void)state;
	setenv("TZ", "XYZ-05:30", 1);
	tzset();
	assert_string_equal(stamp_clock(&s, 1714566896 * S + 123999999), "18:04:56.123");
	assert_string_equal(stamp_clock(&s, 1714566897 * S), "18:04:57.000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utc_is_rfc3339_with_nanoseconds),
		cmocka_unit_test(a_second_that_is_remembered_is_not_the_wrong_one),
		cmocka_unit_test(the_clock_is_local_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
