/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/report/minis.h"

static struct bill *bill;

static int setup(void **state)
{
	(void)state;
	return bill_new(0, &bill);
}

static int teardown(void **state)
{
	(void)state;
	bill_free(bill);
	return 0;
}

/* What is advised of n mini-sockets under these rules. */
static const struct bill_report *advise(const struct bill_rules *rules, unsigned n, uint32_t pid,
					evidence_set evidence, uint64_t born_ns)
{
	bill_begin(bill, 100 * SEC);
	bill_rules(bill, rules);
	add_minis(bill, n, pid, evidence, born_ns);
	return bill_done(bill, 256, 0, false);
}

static void reuse_for_loopback_only_does_not_apply_elsewhere(void **state)
{
	const struct bill_report *r = advise(&usual_rules, 100, 11, EV(CONNECTED), SEC);

	(void)state;
	assert_non_null(advice_of(r, "reuse-loopback-only"));
	assert_non_null(strstr(advice_of(r, "closes-first")->text,
			       "client connects to 198.51.100.1:80 and closes first: 100 of 100."));
	assert_null(advice_of(r, "reuse-applies"));
	assert_non_null(advice_of(r, "not-short"));
}

static void reuse_applies_where_it_is_on_and_needs_timestamps(void **state)
{
	struct bill_rules rules = usual_rules;

	(void)state;
	rules.tw_reuse = 1;
	assert_non_null(advice_of(advise(&rules, 100, 11, EV(CONNECTED), SEC), "reuse-applies"));
	rules.tw_reuse = 0;
	assert_non_null(advice_of(advise(&rules, 100, 11, EV(CONNECTED), SEC), "reuse-off"));
	rules.tw_reuse = 1;
	rules.timestamps = false;
	assert_non_null(advice_of(advise(&rules, 100, 11, EV(CONNECTED), SEC), "no-timestamps"));
	assert_null(advice_of(advise(&rules, 100, 11, EV(CONNECTED), SEC), "reuse-applies"));
}

/* Timestamps are on now; what counts is whether they were, there and then. */
static void without_timestamps_of_its_own_nothing_is_reused(void **state)
{
	struct bill_rules rules = usual_rules;
	const struct bill_report *r;

	(void)state;
	rules.tw_reuse = 1;
	bill_begin(bill, 100 * SEC);
	bill_rules(bill, &rules);
	add_without_timestamps(bill, 90, 11, SEC);
	add_minis(bill, 10, 11, EV(CONNECTED), SEC);
	r = bill_done(bill, 256, 0, false);
	assert_non_null(strstr(advice_of(r, "no-timestamps")->text, "90 of 100"));
	assert_non_null(advice_of(r, "reuse-applies"));

	bill_begin(bill, 100 * SEC);
	bill_rules(bill, &rules);
	add_without_timestamps(bill, 100, 11, SEC);
	r = bill_done(bill, 256, 0, false);
	assert_non_null(advice_of(r, "no-timestamps"));
	assert_null(advice_of(r, "reuse-applies"));
}

/* An event that went lost makes no port free. */
static void what_is_not_known_to_have_had_timestamps_is_as_the_others_are(void **state)
{
	struct bill_rules rules = usual_rules;
	const struct bill_report *r;

	(void)state;
	rules.tw_reuse = 1;
	rules.ports = 64;
	bill_begin(bill, 100 * SEC);
	bill_rules(bill, &rules);
	add_without_timestamps(bill, 59, 11, SEC);
	add_not_knowing_timestamps(bill, 1, 11, SEC);
	r = bill_done(bill, 256, 0, false);
	assert_non_null(advice_of(r, "no-timestamps"));
	assert_non_null(advice_of(r, "ports-short"));
	assert_null(advice_of(r, "reuse-applies"));
	assert_null(advice_of(r, "reuse-off"));
	/* with nothing known of any, the settings say it */
	bill_begin(bill, 100 * SEC);
	bill_rules(bill, &rules);
	add_not_knowing_timestamps(bill, 60, 11, SEC);
	r = bill_done(bill, 256, 0, false);
	assert_non_null(advice_of(r, "reuse-applies"));
	assert_null(advice_of(r, "ports-short"));
	/* few that are taken again do not help the many that are not */
	bill_begin(bill, 100 * SEC);
	bill_rules(bill, &rules);
	add_without_timestamps(bill, 50, 11, SEC);
	add_minis(bill, 10, 11, EV(CONNECTED), SEC);
	r = bill_done(bill, 256, 0, false);
	assert_non_null(advice_of(r, "ports-short"));
}

static void where_some_went_unseen_it_is_not_said_that_nothing_is_short(void **state)
{
	struct bill_rules rules = usual_rules;

	(void)state;
	for (unsigned unseen = 0; unseen <= 20; unseen += 20) {
		rules.counted = true;
		rules.kernel_tw = 100 + unseen;
		bill_begin(bill, 100 * SEC);
		bill_rules(bill, &rules);
		add_minis(bill, 100, 11, EV(CONNECTED), SEC);
		assert_int_equal(!advice_of(bill_done(bill, 256, 3, false), "not-short"), unseen != 0);
	}
	rules.counted = false;
	bill_begin(bill, 100 * SEC);
	bill_rules(bill, &rules);
	add_minis(bill, 100, 11, EV(CONNECTED), SEC);
	assert_null(advice_of(bill_done(bill, 256, 3, false), "not-short"));
}

static void reuse_is_nothing_for_who_accepts(void **state)
{
	struct bill_rules rules = usual_rules;
	const struct bill_report *r;

	(void)state;
	rules.tw_reuse = 1;
	/* on one port: of a server */
	bill_begin(bill, 100 * SEC);
	bill_rules(bill, &rules);
	for (int i = 0; i < 20; i++)
		add_minis(bill, 1, 11, EV(ACCEPTED), SEC);
	r = bill_done(bill, 256, 0, false);
	assert_non_null(advice_of(r, "server-side"));
	assert_null(advice_of(r, "reuse-applies"));
	assert_null(advice_of(r, "closes-first"));
}

static void ports_are_short_when_most_are_taken_or_will_be(void **state)
{
	struct bill_rules rules = usual_rules;

	(void)state;
	rules.ports = 1000;
	assert_null(advice_of(advise(&rules, 699, 11, EV(CONNECTED), SEC), "ports-short"));
	assert_non_null(advice_of(advise(&rules, 700, 11, EV(CONNECTED), SEC), "ports-short"));
	assert_null(advice_of(advise(&rules, 700, 11, EV(CONNECTED), SEC), "not-short"));
	/* 200 in ten seconds are 1,200 in a minute */
	assert_non_null(advice_of(advise(&rules, 200, 11, EV(CONNECTED), 95 * SEC), "ports-short"));
	/* which a burst does not say */
	teardown(NULL);
	assert_int_equal(bill_new(98 * SEC, &bill), 0);
	assert_null(advice_of(advise(&rules, 200, 11, EV(CONNECTED), 99 * SEC), "ports-short"));
	/* but those are taken again as soon as they are needed */
	rules.tw_reuse = 1;
	assert_null(advice_of(advise(&rules, 700, 11, EV(CONNECTED), SEC), "ports-short"));
}

static void a_full_table_of_mini_sockets_is_said(void **state)
{
	struct bill_rules rules = usual_rules;

	(void)state;
	rules.counted = true;
	rules.max_tw = 110;
	rules.kernel_tw = 100;
	assert_non_null(advice_of(advise(&rules, 100, 11, EV(CONNECTED), SEC), "buckets-full"));
	rules.max_tw = 1000;
	assert_null(advice_of(advise(&rules, 100, 11, EV(CONNECTED), SEC), "buckets-full"));
	end_minis(bill, 1, 11, MINI_NEVER_CREATED, 99 * SEC, 0);
	assert_non_null(advice_of(advise(&rules, 100, 11, EV(CONNECTED), SEC), "buckets-full"));
}

static void what_is_older_is_nobodys(void **state)
{
	const struct bill_report *r = advise(&usual_rules, 100, 0, 0, 0);

	(void)state;
	assert_non_null(advice_of(r, "owner-unknown"));
	assert_null(advice_of(r, "closes-first"));
}

/* Others may hold the rest. */
static void of_a_part_it_is_not_said_that_nothing_is_short(void **state)
{
	const struct bill_report *r;

	(void)state;
	bill_begin(bill, 100 * SEC);
	bill_partial(bill);
	bill_rules(bill, &usual_rules);
	add_minis(bill, 100, 11, EV(CONNECTED), SEC);
	r = bill_done(bill, 256, 0, false);
	assert_true(r->partial);
	assert_null(advice_of(r, "not-short"));
	assert_non_null(advice_of(r, "closes-first"));
	assert_non_null(advice_of(advise(&usual_rules, 100, 11, EV(CONNECTED), SEC), "not-short"));
}

static void nothing_is_advised_twice(void **state)
{
	const struct bill_report *r;

	(void)state;
	bill_begin(bill, 100 * SEC);
	bill_rules(bill, &usual_rules);
	add_minis(bill, 100, 11, EV(CONNECTED), SEC);
	add_minis(bill, 100, 0, 0, 0);
	r = bill_done(bill, 256, 0, false);
	assert_non_null(advice_of(r, "owner-unknown"));
	for (size_t i = 0; i < r->n_advice; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(r->advice[i].text, r->advice[j].text);
}

static void a_small_share_is_not_worth_a_word(void **state)
{
	const struct bill_report *r;

	(void)state;
	bill_begin(bill, 100 * SEC);
	bill_rules(bill, &usual_rules);
	add_minis(bill, 100, 11, EV(CONNECTED), SEC);
	add_minis(bill, 5, 0, 0, 0);
	r = bill_done(bill, 256, 0, false);
	assert_null(advice_of(r, "owner-unknown"));
	assert_non_null(advice_of(r, "closes-first"));
}

static void every_slug_is_a_word(void **state)
{
	unsigned n = 0;

	(void)state;
	for (; bill_advice_slug(n); n++)
		for (unsigned i = 0; i < n; i++)
			assert_string_not_equal(bill_advice_slug(i), bill_advice_slug(n));
	assert_true(n >= 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reuse_for_loopback_only_does_not_apply_elsewhere, setup, teardown),
		cmocka_unit_test_setup_teardown(reuse_applies_where_it_is_on_and_needs_timestamps, setup, teardown),
		cmocka_unit_test_setup_teardown(without_timestamps_of_its_own_nothing_is_reused, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_known_to_have_had_timestamps_is_as_the_others_are,
						setup, teardown),
		cmocka_unit_test_setup_teardown(where_some_went_unseen_it_is_not_said_that_nothing_is_short,
						setup, teardown),
		cmocka_unit_test_setup_teardown(reuse_is_nothing_for_who_accepts, setup, teardown),
		cmocka_unit_test_setup_teardown(ports_are_short_when_most_are_taken_or_will_be, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_table_of_mini_sockets_is_said, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_older_is_nobodys, setup, teardown),
		cmocka_unit_test_setup_teardown(of_a_part_it_is_not_said_that_nothing_is_short, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_advised_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(a_small_share_is_not_worth_a_word, setup, teardown),
		cmocka_unit_test(every_slug_is_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
