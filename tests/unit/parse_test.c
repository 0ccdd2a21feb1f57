// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Numbers, times and lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "core/verdict.h"
#include "load/session.h"
#include "parse_asserts.h"

#define CAUSE_BIT(id) (UINT64_C(1) << CAUSE_##id)

/* No list and no number is any of these. */
static void refuses_what_is_no_number(parse_fn parse)
{
	REFUSES(parse, "", " ", "-", "-1", "+1", " 1", "1 ", "1x", "x", "0x10", "1e3", "1\n", "\t1",
		"1.5", "-0", "99999999999999999999", "18446744073709551616", "184467440737095516150",
		"340282366920938463463374607431768211456", "\xd9\xa1", "one");
}

/* "1,2,...,n" */
static char *list_of(unsigned n, char *buf)
{
	char *p = buf;

	for (unsigned i = 1; i <= n; i++)
		p += sprintf(p, "%s%u", i > 1 ? "," : "", i);
	return buf;
}

/* --- numbers --------------------------------------------------------------------------- */

static void a_number_is_digits_within_its_limits(void **state)
{
	uint64_t n = 77;

	(void)state;
	assert_int_equal(parse_number("0", 0, 0, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(parse_number("007", 7, 7, &n), 0);
	assert_int_equal(n, 7);
	assert_int_equal(parse_number("18446744073709551615", 0, UINT64_MAX, &n), 0);
	assert_true(n == UINT64_MAX);
	assert_int_equal(parse_number("18446744073709551616", 0, UINT64_MAX, &n), -EINVAL);
	assert_int_equal(parse_number("18446744073709551620", 0, UINT64_MAX, &n), -EINVAL);
	assert_int_equal(parse_number("5", 6, 9, &n), -EINVAL);
	assert_int_equal(parse_number("10", 6, 9, &n), -EINVAL);
	assert_int_equal(parse_number("", 0, 9, &n), -EINVAL);
	assert_int_equal(parse_number("-1", 0, UINT64_MAX, &n), -EINVAL);
	assert_true(n == UINT64_MAX);
}

static void a_count_is_1_to_4294967295(void **state)
{
	uint64_t n = 0;

	(void)state;
	takes(parse_count, "1", &n);
	assert_int_equal(n, 1);
	takes(parse_count, "4294967295", &n);
	assert_true(n == UINT32_MAX);
	refuses(parse_count, "0");
	refuses(parse_count, "4294967296");
	refuses_what_is_no_number(parse_count);
}

static void a_ring_has_8_to_1048576_kib(void **state)
{
	uint32_t kib[2] = { 0, 77 };

	(void)state;
	takes(parse_ring, "8", kib);
	assert_int_equal(kib[0], 8);
	takes(parse_ring, "1048576", kib);
	assert_int_equal(kib[0], 1048576);
	assert_int_equal(kib[1], 77);
	refuses(parse_ring, "7");
	refuses(parse_ring, "1048577");
	refuses_what_is_no_number(parse_ring);
}

static void flows_are_16_to_16777216(void **state)
{
	uint32_t n[2] = { 0, 77 };

	(void)state;
	takes(parse_flows, "16", n);
	assert_int_equal(n[0], 16);
	takes(parse_flows, "16777216", n);
	assert_int_equal(n[0], 16777216);
	assert_int_equal(n[1], 77);
	refuses(parse_flows, "15");
	refuses(parse_flows, "16777217");
	refuses_what_is_no_number(parse_flows);
}

/* --- times ------------------------------------------------------------------------------- */

static uint64_t seconds(const char *word)
{
	uint64_t ns = 77;

	takes(parse_seconds, word, &ns);
	return ns;
}

static void seconds_have_fractions_down_to_a_nanosecond(void **state)
{
	(void)state;
	assert_true(seconds("10") == UINT64_C(10000000000));
	assert_true(seconds("0.5") == 500000000);
	assert_true(seconds(".25") == 250000000);
	assert_true(seconds("0.05") == 50000000);
	assert_true(seconds("1.000000001") == 1000000001);
	assert_true(seconds("0.999999999") == 999999999);
	assert_true(seconds("0.100000000") == 100000000);
	assert_true(seconds("0010") == UINT64_C(10000000000));
	assert_true(seconds("31536000") == UINT64_C(31536000000000000));
}

static void a_duration_is_not_0_and_a_delay_may_be(void **state)
{
	uint64_t ns = 77;

	(void)state;
	assert_true(seconds("0") == 0);
	takes(parse_duration, "0.000000001", &ns);
	assert_int_equal(ns, 1);
	REFUSES(parse_duration, "0", "0.0", ".0", "-1", "", "1h");
}

static void seconds_are_no_other_words(void **state)
{
	(void)state;
	REFUSES(parse_seconds, "", " ", "-", "-1", "+1", " 1", "1 ", "0x10", "1e3", ".", "1.", "1..5",
		"1.2.3", "1,5", "1.5s", "1.-5", "1.+5", "1. 5", "-1.5", "+.5", "0.0000000001", "10m",
		"31708800", "100000000000000000000", "1000000000000000.5", "inf", "nan");
}

/* --- lists ----------------------------------------------------------------------------------- */

static void process_ids_are_1_to_4194304(void **state)
{
	struct filter f = { 0 };

	(void)state;
	takes(parse_pids, "1,4194304,77", &f);
	assert_int_equal(f.n_pids, 3);
	assert_int_equal(f.pids[0], 1);
	assert_int_equal(f.pids[1], 4194304);
	assert_int_equal(f.pids[2], 77);
	refuses(parse_pids, "0");
	refuses(parse_pids, "4194305");
	refuses_what_is_no_number(parse_pids);
}

static void a_list_has_one_comma_between_two_items_and_none_elsewhere(void **state)
{
	static const parse_fn lists[] = { parse_pids, parse_ports, parse_local_ports, parse_remote_ports };

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		REFUSES(lists[i], ",", "1,", ",1", "1,,2", "1;2", "1 2", "1, 2", "1:2", "1-2");
	REFUSES(parse_causes, "refused,", ",refused", "refused,,refused");
	REFUSES(parse_hows, "fin,", ",fin", "fin,,rst");
}

static void a_list_holds_64_items_and_no_more(void **state)
{
	struct filter f = { 0 };
	char words[512];

	(void)state;
	takes(parse_pids, list_of(64, words), &f);
	assert_int_equal(f.n_pids, 64);
	assert_int_equal(f.pids[63], 64);
	takes(parse_ports, words, &f);
	takes(parse_local_ports, words, &f);
	takes(parse_remote_ports, words, &f);
	assert_int_equal(f.n_ports, 64);
	assert_int_equal(f.n_local_ports, 64);
	assert_int_equal(f.n_remote_ports, 64);
	list_of(65, words);
	refuses(parse_pids, words);
	refuses(parse_ports, words);
	refuses(parse_local_ports, words);
	refuses(parse_remote_ports, words);
}

static void a_list_that_is_given_twice_grows_up_to_64(void **state)
{
	struct filter f = { 0 };
	char why[PARSE_WHY], words[512];

	(void)state;
	takes(parse_ports, "80", &f);
	takes(parse_ports, "443", &f);
	assert_int_equal(f.n_ports, 2);
	assert_int_equal(f.ports[0], 80);
	assert_int_equal(f.ports[1], 443);
	takes(parse_ports, list_of(62, words), &f);
	assert_int_equal(parse_ports("1", &f, why), -EINVAL);
	assert_int_equal(f.n_ports, 64);
}

static void ports_are_1_to_65535_and_each_list_its_own(void **state)
{
	struct filter f = { 0 };

	(void)state;
	takes(parse_ports, "1,65535", &f);
	takes(parse_local_ports, "22", &f);
	takes(parse_remote_ports, "33,44,55", &f);
	assert_int_equal(f.n_ports, 2);
	assert_int_equal(f.ports[1], 65535);
	assert_int_equal(f.n_local_ports, 1);
	assert_int_equal(f.local_ports[0], 22);
	assert_int_equal(f.n_remote_ports, 3);
	assert_int_equal(f.remote_ports[2], 55);
	refuses(parse_ports, "0");
	refuses(parse_ports, "65536");
	refuses(parse_ports, "http");
	refuses_what_is_no_number(parse_ports);
	refuses_what_is_no_number(parse_local_ports);
	refuses_what_is_no_number(parse_remote_ports);
}

static void an_item_that_is_longer_than_any_is_refused_whole(void **state)
{
	char words[300];

	(void)state;
	for (size_t n = 20; n < sizeof(words) - 1; n++) {
		memset(words, '0', n);
		words[n - 1] = '1';
		words[n] = '\0';
		if (n >= 64)
			refuses(parse_ports, words);
		memset(words, 'a', n);
		refuses(parse_causes, words);
		refuses(parse_hows, words);
	}
}

static void causes_are_named_by_slug(void **state)
{
	uint64_t set = 0;

	(void)state;
	for (int i = 0; i < CAUSE_MAX; i++) {
		set = 0;
		takes(parse_causes, cause_row((enum cause)i)->slug, &set);
		assert_true(set == UINT64_C(1) << i);
	}
	set = 0;
	takes(parse_causes, "peer-reset,refused,peer-reset", &set);
	takes(parse_causes, "unknown", &set);
	assert_true(set == (CAUSE_BIT(PEER_RESET) | CAUSE_BIT(REFUSED) | CAUSE_BIT(UNKNOWN)));
	REFUSES(parse_causes, "", "peer", "peer-reset ", "PEER-RESET", "peer_reset", "0", "all");
}

static void hows_are_four(void **state)
{
	uint32_t set[2] = { 0, 77 };

	(void)state;
	takes(parse_hows, "fin,rst,timeout,silent", set);
	assert_int_equal(set[0], 1 << HOW_FIN | 1 << HOW_RST | 1 << HOW_TIMEOUT | 1 << HOW_SILENT);
	assert_int_equal(set[1], 77);
	REFUSES(parse_hows, "", "FIN", "fi", "fin ", "fin;rst", "reset");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_is_digits_within_its_limits),
		cmocka_unit_test(a_count_is_1_to_4294967295),
		cmocka_unit_test(a_ring_has_8_to_1048576_kib),
		cmocka_unit_test(flows_are_16_to_16777216),
		cmocka_unit_test(seconds_have_fractions_down_to_a_nanosecond),
		cmocka_unit_test(a_duration_is_not_0_and_a_delay_may_be),
		cmocka_unit_test(seconds_are_no_other_words),
		cmocka_unit_test(process_ids_are_1_to_4194304),
		cmocka_unit_test(a_list_has_one_comma_between_two_items_and_none_elsewhere),
		cmocka_unit_test(a_list_holds_64_items_and_no_more),
		cmocka_unit_test(a_list_that_is_given_twice_grows_up_to_64),
		cmocka_unit_test(ports_are_1_to_65535_and_each_list_its_own),
		cmocka_unit_test(an_item_that_is_longer_than_any_is_refused_whole),
		cmocka_unit_test(causes_are_named_by_slug),
		cmocka_unit_test(hows_are_four),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
