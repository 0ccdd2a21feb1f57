// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/evidence.h"

#define ALL_VANTAGES ((UINT32_C(1) << VANTAGE_MAX) - 1)

static bool is_slug(const char *s)
{
	return s && *s && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(s) &&
	       *s != '-' && s[strlen(s) - 1] != '-';
}

static void every_evidence_has_a_slug_of_its_own_and_words(void **state)
{
	(void)state;
	for (int i = 0; i < EV_MAX; i++) {
		const struct evidence_row *row = evidence_row((enum evidence)i);

		assert_true(is_slug(row->slug));
		assert_non_null(row->words);
		assert_true(*row->words && row->words[strlen(row->words) - 1] != '.');
		for (int j = 0; j < i; j++)
			assert_string_not_equal(row->slug, evidence_row((enum evidence)j)->slug);
	}
}

static void every_vantage_has_a_slug_of_its_own_and_words(void **state)
{
	(void)state;
	for (int i = 0; i < VANTAGE_MAX; i++) {
		assert_true(is_slug(vantage_slug((enum vantage)i)));
		assert_non_null(vantage_words((enum vantage)i));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(vantage_slug((enum vantage)i),
						vantage_slug((enum vantage)j));
	}
}

static void nothing_is_blind_when_everything_is_covered(void **state)
{
	(void)state;
	assert_true(evidence_blind(ALL_VANTAGES) == 0);
}

static void everything_is_blind_when_nothing_is_covered(void **state)
{
	(void)state;
	assert_true(evidence_blind(0) == ~(evidence_set)0 >> (128 - EV_MAX));
}

static void a_vantage_that_is_missing_blinds_its_own_evidence_and_no_other(void **state)
{
	(void)state;
	for (int v = 0; v < VANTAGE_MAX; v++) {
		evidence_set blind = evidence_blind(ALL_VANTAGES & ~(UINT32_C(1) << v));

		for (int i = 0; i < EV_MAX; i++)
			assert_int_equal((int)(blind >> i & 1),
					 (int)evidence_row((enum evidence)i)->vantage == v);
	}
}

/* The last one lies beyond a machine's word. */
static void a_set_is_walked_from_its_first_to_its_last(void **state)
{
	evidence_set set = EV_BIT(0) | EV_BIT(63) | EV_BIT(64) | EV_BIT(127);
	static const int wanted[] = {0, 63, 64, 127};
	size_t n = 0;

	(void)state;
	for (; set; set &= set - 1) {
		assert_true(n < 4);
		assert_int_equal(evidence_first(set), wanted[n++]);
	}
	assert_int_equal(n, 4);
}

static void bits_beyond_the_vantages_mean_nothing(void **state)
{
	(void)state;
	assert_true(evidence_blind(~UINT32_C(0)) == 0);
	assert_true(evidence_blind(~ALL_VANTAGES) == evidence_blind(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_evidence_has_a_slug_of_its_own_and_words),
		cmocka_unit_test(every_vantage_has_a_slug_of_its_own_and_words),
		cmocka_unit_test(nothing_is_blind_when_everything_is_covered),
		cmocka_unit_test(everything_is_blind_when_nothing_is_covered),
		cmocka_unit_test(a_vantage_that_is_missing_blinds_its_own_evidence_and_no_other),
		cmocka_unit_test(a_set_is_walked_from_its_first_to_its_last),
		cmocka_unit_test(bits_beyond_the_vantages_mean_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
