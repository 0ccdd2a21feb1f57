// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mib.h"

/* In memory that ends where the text ends: a sanitizer sees a read beyond it. */
static struct mibs parsed(const char *text)
{
	size_t n = strlen(text);
	char *exact = malloc(n ? n : 1);
	struct mibs mibs = { 0 };

	assert_non_null(exact);
	memcpy(exact, text, n);
	mib_add(&mibs, exact, n);
	free(exact);
	return mibs;
}

static void assert_count(const struct mibs *mibs, enum counter counter, uint64_t value)
{
	assert_true(mibs->known[counter]);
	assert_true(mibs->value[counter] == value);
}

static void values_stand_below_their_names(void **state)
{
	struct mibs m = parsed("Ip: Forwarding DefaultTTL\nIp: 1 64\n"
			       "Tcp: RtoMin MaxConn ActiveOpens OutRsts InErrs\nTcp: 200 -1 17 4 5\n");

	(void)state;
	assert_count(&m, COUNTER_ACTIVE_OPENS, 17);
	assert_count(&m, COUNTER_OUT_RSTS, 4);
	assert_false(m.known[COUNTER_PASSIVE_OPENS]);
	assert_false(m.known[COUNTER_TIME_WAIT]);
}

static void two_files_make_one_picture(void **state)
{
	const char *more = "TcpExt: TCPAbortOnData\nTcpExt: 2\n";
	struct mibs m = parsed("Tcp: OutRsts\nTcp: 3\n");

	(void)state;
	mib_add(&m, more, strlen(more));
	assert_count(&m, COUNTER_OUT_RSTS, 3);
	assert_count(&m, COUNTER_ABORT_ON_DATA, 2);
}

static void a_sum_is_known_when_all_of_it_is(void **state)
{
	struct mibs both = parsed("TcpExt: TW TWRecycled TWKilled\nTcpExt: 30 2 4\n");
	struct mibs one = parsed("TcpExt: TW TWRecycled\nTcpExt: 30 2\n");

	(void)state;
	assert_count(&both, COUNTER_TIME_WAIT, 34);
	assert_count(&both, COUNTER_TIME_WAIT_RECYCLED, 2);
	assert_false(one.known[COUNTER_TIME_WAIT]);
}

static void a_name_counts_only_in_its_group_and_whole(void **state)
{
	struct mibs m = parsed("TcpExt: OutRsts\nTcpExt: 9\nTcp: OutRst OutRstsX\nTcp: 1 2\n");

	(void)state;
	assert_false(m.known[COUNTER_OUT_RSTS]);
}

static void a_pair_of_two_groups_is_none(void **state)
{
	struct mibs m = parsed("Tcp: OutRsts\nUdp: 9\n");

	(void)state;
	assert_false(m.known[COUNTER_OUT_RSTS]);
}

static void what_is_no_count_is_not_known(void **state)
{
	static const char *const values[] = { "-1", "", "x", "1x", "0x10", "+3", "18446744073709551616",
					      "99999999999999999999999999" };

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		char text[128];
		struct mibs m;

		snprintf(text, sizeof(text), "Tcp: OutRsts\nTcp: %s\n", values[i]);
		m = parsed(text);
		assert_false(m.known[COUNTER_OUT_RSTS]);
		assert_true(m.value[COUNTER_OUT_RSTS] == 0);
	}
}

static void the_largest_count_is_one(void **state)
{
	struct mibs m = parsed("Tcp: OutRsts\nTcp: 18446744073709551615\n");

	(void)state;
	assert_count(&m, COUNTER_OUT_RSTS, UINT64_MAX);
}

static void fewer_values_than_names_leave_the_rest_unknown(void **state)
{
	struct mibs m = parsed("Tcp: ActiveOpens OutRsts\nTcp: 5");

	(void)state;
	assert_count(&m, COUNTER_ACTIVE_OPENS, 5);
	assert_false(m.known[COUNTER_OUT_RSTS]);
}

static void counters_move_and_a_gauge_stands_where_it_stands(void **state)
{
	struct mibs before = parsed("Tcp: CurrEstab OutRsts\nTcp: 9 3\n"), after = parsed("Tcp: CurrEstab OutRsts\nTcp: 4 8\n");
	struct mibs back = before;

	(void)state;
	assert_false(mib_subtract(&back, &after));
	assert_true(mib_subtract(&after, &before));
	assert_count(&after, COUNTER_CURR_ESTAB, 4);
	assert_count(&after, COUNTER_OUT_RSTS, 5);
	assert_false(after.known[COUNTER_ACTIVE_OPENS]);
}

static void every_text_cut_anywhere_is_read_within_its_bounds(void **state)
{
	static const char text[] = "Tcp: ActiveOpens OutRsts\nTcp: 5 6\nTcpExt: TW TWKilled\nTcpExt: 1 2\n";

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		char *cut = malloc(n + 1);
		struct mibs m = { 0 };

		assert_non_null(cut);
		memcpy(cut, text, n);
		mib_add(&m, cut, n);
		free(cut);
		assert_true(!m.known[COUNTER_OUT_RSTS] || m.value[COUNTER_OUT_RSTS] == 6);
	}
}

static uint64_t noise = 88172645463325252u;

/* xorshift64: the same bytes in every run */
static char next_byte(void)
{
	static const char bytes[] = "Tcp: TcpExt: OutRsts TW 0123456789\n\n+-:\xff";

	noise ^= noise << 13;
	noise ^= noise >> 7;
	noise ^= noise << 17;
	return bytes[noise % sizeof(bytes)];
}

static void noise_is_read_to_its_end(void **state)
{
	(void)state;
	for (int round = 0; round < 2000; round++) {
		size_t n = 1 + (size_t)round % 300;
		char *text = malloc(n);
		struct mibs m = { 0 };

		assert_non_null(text);
		for (size_t i = 0; i < n; i++)
			text[i] = next_byte();
		mib_add(&m, text, n);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_stand_below_their_names),
		cmocka_unit_test(two_files_make_one_picture),
		cmocka_unit_test(a_sum_is_known_when_all_of_it_is),
		cmocka_unit_test(a_name_counts_only_in_its_group_and_whole),
		cmocka_unit_test(a_pair_of_two_groups_is_none),
		cmocka_unit_test(what_is_no_count_is_not_known),
		cmocka_unit_test(the_largest_count_is_one),
		cmocka_unit_test(fewer_values_than_names_leave_the_rest_unknown),
		cmocka_unit_test(counters_move_and_a_gauge_stands_where_it_stands),
		cmocka_unit_test(every_text_cut_anywhere_is_read_within_its_bounds),
		cmocka_unit_test(noise_is_read_to_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
