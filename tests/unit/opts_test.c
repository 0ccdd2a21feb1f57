// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "opts_parse.h"

/* --- what goes where --------------------------------------------------------------------- */

static void without_words_everything_is_as_it_is_by_default(void **state)
{
	struct config none = { 0 }, c = TRACE();

	(void)state;
	assert_memory_equal(&c, &none, sizeof(c));
}

static void filters_go_into_the_filter(void **state)
{
	struct config c = TRACE("--pid", "1,2", "--port", "80", "--local-port", "81", "--remote-port", "82,83",
				"--addr", "10.0.0.0/8", "--netns", "4026531840", "-6");

	(void)state;
	assert_int_equal(c.filter.n_pids, 2);
	assert_int_equal(c.filter.pids[1], 2);
	assert_int_equal(c.filter.ports[0], 80);
	assert_int_equal(c.filter.local_ports[0], 81);
	assert_int_equal(c.filter.n_remote_ports, 2);
	assert_int_equal(c.filter.remote_ports[1], 83);
	assert_int_equal(c.filter.addr_family, 4);
	assert_int_equal(c.filter.addr_bits, 8);
	assert_true(c.filter.netns_ino == 4026531840U);
	assert_int_equal(c.filter.family, 6);
}

static void what_is_shown_goes_beside_the_filter(void **state)
{
	struct config c = TRACE("--comm", "curl", "--cause", "refused,unknown", "--how", "rst", "--output", "x",
				"--count", "3", "--duration", "0.5", "--way", "kprobe", "--ring", "64",
				"--max-flows", "100");

	(void)state;
	assert_string_equal(c.comm, "curl");
	assert_true(c.causes == (UINT64_C(1) << CAUSE_REFUSED | UINT64_C(1) << CAUSE_UNKNOWN));
	assert_int_equal(c.hows, 1 << HOW_RST);
	assert_string_equal(c.output, "x");
	assert_int_equal(c.count, 3);
	assert_int_equal(c.duration_ns, 500000000);
	assert_int_equal(c.way, WAY_KPROBE);
	assert_int_equal(c.ring_kib, 64);
	assert_int_equal(c.max_flows, 100);
}

static void each_flag_sets_its_own_boolean(void **state)
{
	static const struct {
		char *letter, *word;
		size_t at;
	} flags[] = {
		{ "-e", "--events", offsetof(struct config, events) },
		{ "-j", "--json", offsetof(struct config, json) },
		{ "-w", "--wide", offsetof(struct config, wide) },
		{ "-T", "--timestamp", offsetof(struct config, timestamp) },
		{ "-q", "--quiet", offsetof(struct config, quiet) },
		{ "-v", "--verbose", offsetof(struct config, verbose) },
		{ "-h", "--help", offsetof(struct config, help) },
		{ "-V", "--version", offsetof(struct config, version) },
	};
	size_t n = sizeof(flags) / sizeof(flags[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct config short_one = TRACE(flags[i].letter), long_one = TRACE(flags[i].word);

		assert_memory_equal(&short_one, &long_one, sizeof(short_one));
		for (size_t j = 0; j < n; j++)
			assert_int_equal(*((bool *)&short_one + flags[j].at), i == j);
	}
}

static void a_letter_says_what_its_word_says(void **state)
{
	static char *const pairs[][3] = {
		{ "-p", "--pid", "7" },	     { "-P", "--port", "7" },	     { "-L", "--local-port", "7" },
		{ "-D", "--remote-port", "7" }, { "-o", "--output", "f" },   { "-n", "--count", "7" },
		{ "-d", "--duration", "7" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct config a = TRACE(pairs[i][0], pairs[i][2]), b = TRACE(pairs[i][1], pairs[i][2]);

		assert_memory_equal(&a, &b, sizeof(a));
	}
	assert_int_equal(TRACE("-4").filter.family, 4);
	assert_int_equal(TRACE("--ipv4").filter.family, 4);
	assert_int_equal(TRACE("--ipv6").filter.family, 6);
}

static void a_dash_is_standard_output(void **state)
{
	(void)state;
	assert_null(TRACE("-o", "file", "-o", "-").output);
	assert_null(taken(CMD_STUCK, WORDS("--output=-")).output);
	assert_string_equal(taken(CMD_RECORD, WORDS("-o", "-")).output, "-");
	assert_string_equal(TRACE("--tape", "-").tape, "-");
}

static void a_value_stands_behind_or_is_part_of_the_word(void **state)
{
	(void)state;
	assert_int_equal(TRACE("-P80").filter.ports[0], 80);
	assert_int_equal(TRACE("-P", "80").filter.ports[0], 80);
	assert_int_equal(TRACE("--port=80").filter.ports[0], 80);
	assert_int_equal(TRACE("--port", "80").filter.ports[0], 80);
}

static void letters_may_share_a_dash(void **state)
{
	struct config c = TRACE("-jwTn5");

	(void)state;
	assert_true(c.json && c.wide && c.timestamp);
	assert_int_equal(c.count, 5);
}

static void lists_grow_and_single_values_are_replaced(void **state)
{
	struct config c = TRACE("-P", "80", "-d", "1", "-P", "443", "-d", "2", "--how", "fin", "--how", "rst");

	(void)state;
	assert_int_equal(c.filter.n_ports, 2);
	assert_int_equal(c.filter.ports[1], 443);
	assert_true(c.duration_ns == UINT64_C(2000000000));
	assert_int_equal(c.hows, 1 << HOW_FIN | 1 << HOW_RST);
}

static void a_word_may_be_cut_short_while_it_is_one_options_only(void **state)
{
	(void)state;
	assert_true(TRACE("--js").json);
	assert_int_equal(TRACE("--dur", "1").duration_ns, 1000000000);
	REFUSED(CMD_TRACE, "--c could be one of several", "--c", "1");
	REFUSED(CMD_TRACE, "--co=1 could be one of several", "--co=1");
}

static void each_command_knows_its_own_options(void **state)
{
	struct config c = DEMO("--closer", "server", "--delay", "0", "--follow", "--ladder", "-n", "2");

	(void)state;
	assert_string_equal(c.closer, "server");
	assert_true(c.delay_set && c.follow && c.ladder);
	assert_int_equal(c.delay_ns, 0);
	assert_false(DEMO().delay_set);
	assert_int_equal(taken(CMD_DOCTOR, WORDS("--way", "fentry", "-v")).way, WAY_FENTRY);
	REFUSED(CMD_TRACE, "--closer", "--closer", "server");
	REFUSED(CMD_TRACE, "--delay", "--delay", "1");
	REFUSED(CMD_DEMO, "--pid", "--pid", "1");
	REFUSED(CMD_DEMO, "-d", "-d", "1");
	REFUSED(CMD_DOCTOR, "--json", "--json");
	REFUSED(CMD_DOCTOR, "-j", "-j");
	assert_string_equal(taken(CMD_RECORD, WORDS("-o", "tape", "-P", "80")).output, "tape");
	assert_string_equal(TRACE("--tape", "tape").tape, "tape");
	REFUSED(CMD_RECORD, "--json", "--json");
	REFUSED(CMD_RECORD, "--cause", "--cause", "refused");
	assert_int_equal(taken(CMD_REPLAY, WORDS("tape", "--how", "rst")).n_words, 1);
	REFUSED(CMD_REPLAY, "--way", "tape", "--way", "auto");
	REFUSED(CMD_REPLAY, "--cgroup", "tape", "--cgroup", "/");
	c = taken(CMD_SELFTEST, WORDS("--tap", "--jobs", "3", "--closer", "client"));
	assert_true(c.tap && c.jobs == 3);
	assert_string_equal(c.closer, "client");
	assert_true(taken(CMD_SELFTEST, WORDS("-j")).json);
	REFUSED(CMD_SELFTEST, "--jobs", "--jobs", "0");
	REFUSED(CMD_SELFTEST, "--delay", "--delay", "1");
	REFUSED(CMD_DEMO, "--tap", "--tap");
	assert_true(taken(CMD_TRACE, WORDS("--audit")).audit);
	REFUSED(CMD_DEMO, "--audit", "--audit");
}

/* --- what is refused ------------------------------------------------------------------------- */

static void what_is_no_option_is_named_in_one_line(void **state)
{
	(void)state;
	REFUSED(CMD_TRACE, "--nope", "--nope");
	REFUSED(CMD_TRACE, "--nope", "-j", "--nope=1");
	REFUSED(CMD_TRACE, "-Z", "-Z");
	REFUSED(CMD_TRACE, "-Z", "-jZ");
	REFUSED(CMD_TRACE, "-?", "-?");
	REFUSED(CMD_TRACE, "-:", "-:");
	REFUSED(CMD_TRACE, "--json=yes", "--json=yes");
	REFUSED(CMD_TRACE, "-X", "word", "-X", "--", "command");
}

static void who_is_sent_to_the_help_is_sent_to_that_of_the_command(void **state)
{
	(void)state;
	REFUSED(CMD_STUCK, "no option -n here: see tcpclose stuck --help", "-n", "1");
	REFUSED(CMD_TIME_WAIT, "--nope here, or it takes no value: see tcpclose time-wait --help", "--nope");
	REFUSED(CMD_RECORD, "-o wants a value: see tcpclose record --help", "-o");
	REFUSED(CMD_EXPLAIN, "see tcpclose explain --help", "-j");
	REFUSED(CMD_TRACE, "no option -Z here: see tcpclose --help", "-Z");
}

static void a_command_behind_options_is_put_first(void **state)
{
	(void)state;
	REFUSED(CMD_TRACE, "the command comes first: tcpclose demo -q\n", "-q", "demo");
	REFUSED(CMD_TRACE, "first: tcpclose demo --delay 1 default\n", "--delay", "1", "demo", "default");
	REFUSED(CMD_TRACE, "first: tcpclose stuck --comm demo\n", "--comm", "demo", "stuck");
	assert_string_equal(TRACE("-o", "demo", "--", "demo").output, "demo");
	assert_string_equal(taken(CMD_REPLAY, WORDS("record")).words[0], "record");
	REFUSED(CMD_TRACE, "no option --once", "--once", "--", "stuck");
}

static void every_command_has_a_name_and_answers_help_and_version(void **state)
{
	(void)state;
	for (enum command command = CMD_TRACE; command < CMD_END; command <<= 1) {
		assert_int_equal(opts_command_called(opts_command(command)), command);
		assert_true(taken(command, WORDS("-h")).help && taken(command, WORDS("--version")).version);
	}
	assert_string_equal(opts_command(CMD_SCHEMA), "schema");
	assert_string_equal(opts_command(CMD_TIME_WAIT), "time-wait");
	assert_int_equal(opts_command_called("nonsense"), CMD_NONE);
}

static void a_value_that_is_missing_is_asked_for_in_one_line(void **state)
{
	static char *const options[] = {
		"-p", "--pid", "--comm", "-P", "--port", "-L", "-D", "--addr", "--netns", "--cgroup",
		"--cause", "--how", "-o", "--output", "-n", "--count", "-d", "--duration", "--way",
		"--ring", "--max-flows",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		REFUSED(CMD_TRACE, options[i], options[i]);
}

static void a_value_beyond_the_limits_is_answered_with_the_option_and_what_is_expected(void **state)
{
	static char *const bad[][2] = {
		{ "--pid", "0" },      { "--comm", "sixteen---------" }, { "--port", "65536" },
		{ "--local-port", "http" }, { "--remote-port", "1,,2" }, { "--addr", "10.0.0.0/33" },
		{ "--netns", "/nonexistent" }, { "--cgroup", "/nonexistent" }, { "--cause", "peer" },
		{ "--how", "reset" },  { "--output", "" },		 { "--count", "0" },
		{ "--duration", "1h" }, { "--duration", "0" },		 { "--ring", "7" },
		{ "--way", "cgroup" },
		{ "--max-flows", "15" },
	};
	char part[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(part, sizeof(part), "%s %s: expected ", bad[i][0], bad[i][1]);
		REFUSED(CMD_TRACE, part, bad[i][0], bad[i][1]);
	}
	REFUSED(CMD_DEMO, "--closer both: expected server or client", "--closer", "both");
}

static void one_family_excludes_the_other_on_the_command_line(void **state)
{
	(void)state;
	REFUSED(CMD_TRACE, "exclude each other", "-4", "-6");
	REFUSED(CMD_TRACE, "exclude each other", "-64");
	REFUSED(CMD_DEMO, "exclude each other", "--ipv6", "default", "-4");
	assert_int_equal(TRACE("-4", "-4").filter.family, 4);
}

/* A terminal's escapes have no business in our answer. */
static void what_is_said_of_a_stranger_has_no_control_characters(void **state)
{
	struct outcome o = parse(CMD_TRACE, WORDS("--port", "\x1b[2J\r80"));

	(void)state;
	assert_int_equal(o.r, -EINVAL);
	for (const char *p = o.said; *p; p++)
		assert_true((unsigned char)*p >= 0x20 || *p == '\n');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_words_everything_is_as_it_is_by_default),
		cmocka_unit_test(filters_go_into_the_filter),
		cmocka_unit_test(what_is_shown_goes_beside_the_filter),
		cmocka_unit_test(each_flag_sets_its_own_boolean),
		cmocka_unit_test(a_letter_says_what_its_word_says),
		cmocka_unit_test(a_dash_is_standard_output),
		cmocka_unit_test(a_value_stands_behind_or_is_part_of_the_word),
		cmocka_unit_test(letters_may_share_a_dash),
		cmocka_unit_test(lists_grow_and_single_values_are_replaced),
		cmocka_unit_test(a_word_may_be_cut_short_while_it_is_one_options_only),
		cmocka_unit_test(each_command_knows_its_own_options),
		cmocka_unit_test(what_is_no_option_is_named_in_one_line),
		cmocka_unit_test(who_is_sent_to_the_help_is_sent_to_that_of_the_command),
		cmocka_unit_test(a_command_behind_options_is_put_first),
		cmocka_unit_test(every_command_has_a_name_and_answers_help_and_version),
		cmocka_unit_test(a_value_that_is_missing_is_asked_for_in_one_line),
		cmocka_unit_test(a_value_beyond_the_limits_is_answered_with_the_option_and_what_is_expected),
		cmocka_unit_test(one_family_excludes_the_other_on_the_command_line),
		cmocka_unit_test(what_is_said_of_a_stranger_has_no_control_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
