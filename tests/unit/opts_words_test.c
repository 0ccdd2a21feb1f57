// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "opts_parse.h"

static void words_and_options_mix(void **state)
{
	struct config c = DEMO("linger-zero", "--json", "default", "--delay", "1", "forked", "-4");

	(void)state;
	assert_int_equal(c.n_words, 3);
	assert_string_equal(c.words[0], "linger-zero");
	assert_string_equal(c.words[1], "default");
	assert_string_equal(c.words[2], "forked");
	assert_true(c.json && c.delay_set);
	assert_int_equal(c.filter.family, 4);
	assert_null(c.run);
}

static void as_many_words_as_there_is_room_for(void **state)
{
	char *argv[OPTS_MAX_ENDINGS + 3] = { "tcpclose" };
	struct config c;

	(void)state;
	for (int i = 1; i <= OPTS_MAX_ENDINGS; i++)
		argv[i] = "default";
	c = taken(CMD_DEMO, argv);
	assert_int_equal(c.n_words, OPTS_MAX_ENDINGS);
	assert_string_equal(c.words[OPTS_MAX_ENDINGS - 1], "default");
	argv[OPTS_MAX_ENDINGS + 1] = "default";
	refused(CMD_DEMO, argv, "too many words");
}

static void each_parse_keeps_its_own_words(void **state)
{
	struct config first = DEMO("default"), second = DEMO("refused", "forked");

	(void)state;
	assert_string_equal(first.words[0], "default");
	assert_int_equal(first.n_words, 1);
	assert_string_equal(second.words[0], "refused");
}

static void a_command_keeps_its_own_options(void **state)
{
	char **argv = WORDS("-d", "5", "--", "curl", "-s", "--port", "x", "-j", "--", "-Z", "");
	struct config c = taken(CMD_TRACE, argv);

	(void)state;
	assert_ptr_equal(c.run, &argv[4]);
	assert_string_equal(c.run[0], "curl");
	assert_string_equal(c.run[5], "--");
	assert_null(c.run[8]);
	assert_int_equal(c.n_words, 0);
	assert_false(c.json);
	assert_int_equal(c.filter.n_ports, 0);
	assert_true(c.duration_ns == UINT64_C(5000000000));
}

static void words_before_a_command_are_not_of_it(void **state)
{
	struct config c = TRACE("one", "-j", "two", "--", "three", "--json");

	(void)state;
	assert_int_equal(c.n_words, 2);
	assert_string_equal(c.words[1], "two");
	assert_string_equal(c.run[0], "three");
	assert_string_equal(c.run[1], "--json");
}

static void two_dashes_that_are_an_options_value_end_nothing(void **state)
{
	struct config c = TRACE("-o", "--", "word", "-j");

	(void)state;
	assert_string_equal(c.output, "--");
	assert_null(c.run);
	assert_int_equal(c.n_words, 1);
	assert_true(c.json);
}

static void two_dashes_without_a_command_are_seen(void **state)
{
	struct config c = TRACE("-j", "--");

	(void)state;
	assert_non_null(c.run);
	assert_null(c.run[0]);
	assert_null(TRACE("-j").run);
}

static void a_dash_alone_is_a_word(void **state)
{
	struct config c = DEMO("-", "--json", "default");

	(void)state;
	assert_int_equal(c.n_words, 2);
	assert_string_equal(c.words[0], "-");
	assert_string_equal(c.words[1], "default");
	assert_true(c.json);
}

static void a_parse_that_was_broken_off_leaves_nothing_to_the_next(void **state)
{
	(void)state;
	REFUSED(CMD_TRACE, "-Z", "-Zjw");
	assert_false(TRACE("-T").json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_and_options_mix),
		cmocka_unit_test(as_many_words_as_there_is_room_for),
		cmocka_unit_test(each_parse_keeps_its_own_words),
		cmocka_unit_test(a_command_keeps_its_own_options),
		cmocka_unit_test(words_before_a_command_are_not_of_it),
		cmocka_unit_test(two_dashes_that_are_an_options_value_end_nothing),
		cmocka_unit_test(two_dashes_without_a_command_are_seen),
		cmocka_unit_test(a_dash_alone_is_a_word),
		cmocka_unit_test(a_parse_that_was_broken_off_leaves_nothing_to_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
