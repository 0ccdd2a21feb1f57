/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/digits.h"

/* Every half of four digits, in the one half of eight and in the other. */
static void every_four_digits_are_those_of_printf_wherever_they_stand(void **state)
{
	char digits[DIGITS_ROOM], expected[32];

	(void)state;
	for (unsigned four = 0; four < 10000; four++) {
		uint64_t value = four * UINT64_C(1000000010001) + 42;

		snprintf(expected, sizeof(expected), "%" PRIu64, value);
		assert_int_equal(digits_put(digits, value), strlen(expected));
		assert_memory_equal(digits, expected, strlen(expected));
		snprintf(expected, sizeof(expected), "%04u%04u", four, 9999 - four);
		digits_put_padded(digits, four * 10000 + 9999 - four);
		assert_memory_equal(digits, expected, 8);
	}
}

static void no_number_writes_past_its_room(void **state)
{
	char digits[DIGITS_ROOM + 1], expected[32];

	(void)state;
	for (uint64_t value = UINT64_MAX; value; value /= 3) {
		digits[DIGITS_ROOM] = 'x';
		snprintf(expected, sizeof(expected), "%" PRIu64, value);
		assert_int_equal(digits_put(digits, value), strlen(expected));
		assert_memory_equal(digits, expected, strlen(expected));
		assert_int_equal(digits[DIGITS_ROOM], 'x');
	}
}

static void assert_number(uint64_t value)
{
	char digits[DIGITS_ROOM], expected[32];

	snprintf(expected, sizeof(expected), "%" PRIu64, value);
	assert_int_equal(digits_put(digits, value), strlen(expected));
	assert_memory_equal(digits, expected, strlen(expected));
}

static void where_the_count_of_digits_changes_they_are_those_of_printf(void **state)
{
	(void)state;
	assert_number(0);
	assert_number(UINT64_MAX);
	for (uint64_t power = 10; power < UINT64_MAX / 10; power *= 10) {
		assert_number(power - 1);
		assert_number(power);
		assert_number(power + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_four_digits_are_those_of_printf_wherever_they_stand),
		cmocka_unit_test(no_number_writes_past_its_room),
		cmocka_unit_test(where_the_count_of_digits_changes_they_are_those_of_printf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
