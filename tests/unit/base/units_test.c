/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/units.h"

#define US UINT64_C(1000)
#define MS (1000 * US)
#define S (1000 * MS)

struct pair {
	uint64_t value;
	const char *expected;
};

static void assert_says(const char *(*format)(uint64_t, char *), const struct pair *pairs, size_t n)
{
	char text[UNITS_STRLEN];

	for (size_t i = 0; i < n; i++)
		assert_string_equal(format(pairs[i].value, text), pairs[i].expected);
}
#define SAYS(format, pairs) assert_says(format, pairs, sizeof(pairs) / sizeof((pairs)[0]))

static void durations_have_three_digits_and_a_unit(void **state)
{
	static const struct pair pairs[] = {
		{ 0, "0 ns" }, { 1, "1 ns" }, { 999, "999 ns" },
		{ US, "1.0 us" }, { 1234, "1.2 us" }, { 12345, "12.3 us" }, { 123456, "123 us" },
		{ 1200 * US, "1.2 ms" }, { 12340 * US, "12.3 ms" }, { 999 * MS, "999 ms" },
		{ S, "1.0 s" }, { 60 * S, "60.0 s" }, { 99900 * MS, "99.9 s" },
	};

	(void)state;
	SAYS(units_duration, pairs);
}

static void long_durations_have_two_units(void **state)
{
	static const struct pair pairs[] = {
		{ 100 * S, "1m40s" }, { 3599 * S, "59m59s" }, { 3600 * S, "1h00m" },
		{ 11100 * S, "3h05m" }, { 86399 * S, "1d00h" }, { 86400 * S, "1d00h" },
		{ 187200 * S, "2d04h" }, { UINT64_MAX, "213504d00h" },
	};

	(void)state;
	SAYS(units_duration, pairs);
}

static void rounding_up_reaches_the_next_unit(void **state)
{
	static const struct pair pairs[] = {
		{ 999949, "1.0 ms" }, { 999400, "999 us" }, { 999500, "1.0 ms" },
		{ 99949, "99.9 us" }, { 99950, "100 us" },
		{ 999500 * US, "1.0 s" }, { 99949 * MS, "99.9 s" }, { 99950 * MS, "1m40s" },
		{ 3599500 * MS, "1h00m" },
	};

	(void)state;
	SAYS(units_duration, pairs);
}

/* 1 ns to three years, in steps of a sixteenth. */
static void a_duration_takes_seven_columns_at_most(void **state)
{
	char text[UNITS_STRLEN];

	(void)state;
	for (uint64_t ns = 1; ns < 999 * 86400 * S; ns += ns / 16 + 1)
		if (strlen(units_duration(ns, text)) > 7)
			fail_msg("%s", text);
}

static void byte_counts_are_exact(void **state)
{
	static const struct pair pairs[] = {
		{ 0, "0 B" }, { 37, "37 B" }, { 999, "999 B" }, { 1000, "1,000 B" },
		{ 1048576, "1,048,576 B" }, { UINT64_MAX, "18,446,744,073,709,551,615 B" },
	};

	(void)state;
	SAYS(units_bytes, pairs);
}

static void short_byte_counts_are_exact_while_they_are_small(void **state)
{
	static const struct pair pairs[] = {
		{ 0, "0 B" }, { 37, "37 B" }, { 9999, "9999 B" }, { 10000, "10.0 kB" },
		{ 123456, "123 kB" }, { 999499, "999 kB" }, { 999500, "1.0 MB" },
		{ 1500000, "1.5 MB" }, { UINT64_MAX, "18.4 EB" },
	};

	(void)state;
	SAYS(units_bytes_short, pairs);
}

static void a_short_byte_count_takes_seven_columns_at_most(void **state)
{
	char text[UNITS_STRLEN];

	(void)state;
	for (uint64_t bytes = 1; bytes < UINT64_MAX / 2; bytes += bytes / 16 + 1)
		if (strlen(units_bytes_short(bytes, text)) > 7)
			fail_msg("%s", text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_have_three_digits_and_a_unit),
		cmocka_unit_test(long_durations_have_two_units),
		cmocka_unit_test(rounding_up_reaches_the_next_unit),
		cmocka_unit_test(a_duration_takes_seven_columns_at_most),
		cmocka_unit_test(byte_counts_are_exact),
		cmocka_unit_test(short_byte_counts_are_exact_while_they_are_small),
		cmocka_unit_test(a_short_byte_count_takes_seven_columns_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
