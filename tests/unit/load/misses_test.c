/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "load/misses.h"

static const struct misses none;

static void what_an_understudy_caught_was_seen(void **state)
{
	struct misses now = { .doubled = 5, .rescued = 3 };

	(void)state;
	assert_int_equal(misses_unseen(&now, &none), 2);
	assert_int_equal(misses_rescued(&now, &none), 3);
}

static void a_program_without_an_understudy_is_nobody_s_to_rescue(void **state)
{
	struct misses now = { .alone = 4, .doubled = 3, .rescued = 7 };

	(void)state;
	assert_int_equal(misses_unseen(&now, &none), 4);
}

/* Until all programs are there an understudy may stand alone. */
static void what_was_rescued_before_all_was_attached_makes_up_for_nothing(void **state)
{
	struct misses base = { .alone = 1, .doubled = 2, .rescued = 900 }, now = base;

	(void)state;
	assert_int_equal(misses_unseen(&now, &base), 0);
	assert_int_equal(misses_rescued(&now, &base), 0);
	now.doubled += 5;
	now.rescued += 3;
	assert_int_equal(misses_unseen(&now, &base), 2);
	assert_int_equal(misses_rescued(&now, &base), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_an_understudy_caught_was_seen),
		cmocka_unit_test(a_program_without_an_understudy_is_nobody_s_to_rescue),
		cmocka_unit_test(what_was_rescued_before_all_was_attached_makes_up_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
