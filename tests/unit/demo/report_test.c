// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "demo/report.h"

#define HEAD "{\"role\":\"server\",\"pid\":4242,\"call\":\"read\",\"args\":\"5, 1024\",\"result\":11,"
#define TAIL                                                                                       \
	"\"error\":null,\"mono_ns\":5000,\"took_ns\":300,\"family\":4,"                            \
	"\"local\":{\"address\":\"127.0.0.1\",\"port\":80},\"peer\":{\"address\":\"127.0.0.2\",\"port\":9}}"

/* A copy that ends where the line ends: the parser must not need a NUL. */
static int parse(const char *line, struct app *ret)
{
	size_t n = strlen(line);
	char *copy = malloc(n ? n : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, line, n);
	r = report_parse(copy, n, ret);
	free(copy);
	return r;
}

static void good_line_becomes_an_app_record(void **state)
{
	struct app app;

	(void)state;
	assert_int_equal(parse(HEAD TAIL, &app), 0);
	assert_string_equal(app.role, "server");
	assert_string_equal(app.call, "read");
	assert_string_equal(app.args, "5, 1024");
	assert_int_equal(app.pid, 4242);
	assert_int_equal(app.result, 11);
	assert_int_equal(app.error, 0);
	assert_int_equal(app.mono_ns, 5000);
	assert_int_equal(app.took_ns, 300);
	assert_int_equal(app.conn, 0);
	assert_int_equal(app.tuple.family, 4);
	assert_int_equal(app.tuple.local.port, 80);
	assert_memory_equal(app.tuple.peer.addr, ((uint8_t[16]){ 127, 0, 0, 2 }), 16);
}

static void an_ipv6_socket_that_speaks_ipv4_has_an_ipv4_tuple(void **state)
{
	static const char line[] = HEAD
		"\"error\":null,\"mono_ns\":5000,\"took_ns\":300,\"family\":6,"
		"\"local\":{\"address\":\"::ffff:127.0.0.1\",\"port\":80},"
		"\"peer\":{\"address\":\"::ffff:10.2.3.4\",\"port\":9}}";
	struct app app;

	(void)state;
	assert_int_equal(parse(line, &app), 0);
	assert_int_equal(app.tuple.family, 4);
	assert_memory_equal(app.tuple.local.addr, ((uint8_t[16]){ 127, 0, 0, 1 }), 16);
	assert_memory_equal(app.tuple.peer.addr, ((uint8_t[16]){ 10, 2, 3, 4 }), 16);
}

static void error_names_become_numbers(void **state)
{
	static const char line[] =
		"{\"role\":\"client\",\"pid\":1,\"call\":\"read\",\"args\":\"\",\"result\":-1,\"error\":\"%s\","
		"\"mono_ns\":5,\"took_ns\":0,\"family\":6,\"local\":{\"address\":\"::1\",\"port\":1},\"peer\":null}";
	struct app app;
	char text[512];

	(void)state;
	snprintf(text, sizeof(text), line, "ECONNRESET");
	assert_int_equal(parse(text, &app), 0);
	assert_int_equal(app.error, ECONNRESET);
	assert_int_equal(app.tuple.local.addr[15], 1);
	assert_int_equal(app.tuple.peer.port, 0);
	snprintf(text, sizeof(text), line, "EPIPE");
	assert_int_equal(parse(text, &app), 0);
	assert_int_equal(app.error, EPIPE);
	snprintf(text, sizeof(text), line, "ENOSUCHTHING");
	assert_int_equal(parse(text, &app), -EBADMSG);
}

static void call_without_a_connection_has_no_tuple(void **state)
{
	struct app app;

	(void)state;
	assert_int_equal(parse("{\"role\":\"client\",\"pid\":1,\"call\":\"socket\",\"args\":\"AF_INET\",\"result\":3,"
			       "\"error\":null,\"mono_ns\":5,\"took_ns\":1,\"family\":4,\"local\":null,\"peer\":null}",
			       &app),
			 0);
	assert_int_equal(app.tuple.family, 0);
}

static void unknown_keys_are_ignored(void **state)
{
	struct app app;

	(void)state;
	assert_int_equal(parse(HEAD "\"mood\":{\"a\":[1,2]},\"v\":7," TAIL, &app), 0);
	assert_int_equal(app.result, 11);
}

static void long_strings_are_cut_to_their_room(void **state)
{
	char line[1024], args[300];
	struct app app;

	(void)state;
	memset(args, 'x', sizeof(args) - 1);
	args[sizeof(args) - 1] = '\0';
	snprintf(line, sizeof(line),
		 "{\"role\":\"server\",\"pid\":1,\"call\":\"a_call_with_a_very_long_name\",\"args\":\"%s\",\"result\":0," TAIL,
		 args);
	assert_int_equal(parse(line, &app), 0);
	assert_int_equal(strlen(app.call), sizeof(app.call) - 1);
	assert_int_equal(strlen(app.args), sizeof(app.args) - 1);
}

static void hostile_lines_are_refused_and_leave_the_result_alone(void **state)
{
	static const char *const lines[] = {
		"", " ", "null", "7", "\"text\"", "[]", "{}", "{", "}", "\xff\xfe", "{\"role\":", HEAD, HEAD TAIL "x",
		HEAD TAIL HEAD TAIL, "[" HEAD TAIL "]",
		/* wrong types */
		"{\"role\":1,\"pid\":1,\"call\":\"read\",\"args\":\"\",\"result\":0," TAIL,
		"{\"role\":\"server\",\"pid\":\"1\",\"call\":\"read\",\"args\":\"\",\"result\":0," TAIL,
		"{\"role\":\"server\",\"pid\":1,\"call\":[\"read\"],\"args\":\"\",\"result\":0," TAIL,
		"{\"role\":\"server\",\"pid\":1,\"call\":\"read\",\"args\":null,\"result\":0," TAIL,
		"{\"role\":\"server\",\"pid\":1,\"call\":\"read\",\"args\":\"\",\"result\":1.5," TAIL,
		"{\"role\":\"server\",\"pid\":1,\"call\":\"read\",\"args\":\"\",\"result\":true," TAIL,
		/* values that cannot be */
		"{\"role\":\"root\",\"pid\":1,\"call\":\"read\",\"args\":\"\",\"result\":0," TAIL,
		"{\"role\":\"server\",\"pid\":0,\"call\":\"read\",\"args\":\"\",\"result\":0," TAIL,
		"{\"role\":\"server\",\"pid\":-5,\"call\":\"read\",\"args\":\"\",\"result\":0," TAIL,
		"{\"role\":\"server\",\"pid\":99999999999,\"call\":\"read\",\"args\":\"\",\"result\":0," TAIL,
		HEAD "\"error\":null,\"mono_ns\":0,\"took_ns\":0,\"family\":4,\"local\":null}",
		HEAD "\"error\":null,\"mono_ns\":5,\"took_ns\":6,\"family\":4,\"local\":null}", /* began before the machine */
		HEAD "\"error\":null,\"mono_ns\":-5,\"took_ns\":0,\"family\":4,\"local\":null}",
		HEAD "\"error\":null,\"mono_ns\":5,\"took_ns\":0,\"family\":5,\"local\":{\"address\":\"1.2.3.4\",\"port\":1}}",
		HEAD "\"error\":null,\"mono_ns\":5,\"took_ns\":0,\"family\":4,\"local\":{\"address\":\"::1\",\"port\":1}}",
		HEAD "\"error\":null,\"mono_ns\":5,\"took_ns\":0,\"family\":4,\"local\":{\"address\":\"1.2.3\",\"port\":1}}",
		HEAD "\"error\":null,\"mono_ns\":5,\"took_ns\":0,\"family\":4,\"local\":{\"port\":1}}",
		HEAD "\"error\":null,\"mono_ns\":5,\"took_ns\":0,\"family\":4,\"local\":{\"address\":\"1.2.3.4\",\"port\":65536}}",
		HEAD "\"error\":null,\"mono_ns\":5,\"took_ns\":0,\"family\":4,\"local\":{\"address\":\"1.2.3.4\",\"port\":-1}}",
		/* deep */
		HEAD "\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]," TAIL,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct app app = { .pid = 77 };

		if (parse(lines[i], &app) != -EBADMSG)
			fail_msg("taken: %s", lines[i]);
		assert_int_equal(app.pid, 77);
	}
}

static void numbers_beyond_every_range_are_refused(void **state)
{
	struct app app;

	(void)state;
	assert_int_equal(parse("{\"role\":\"server\",\"pid\":184467440737095516150,\"call\":\"read\",\"args\":\"\","
			       "\"result\":0," TAIL, &app),
			 -EBADMSG);
}

struct taken {
	int n, stop_at;
	int64_t last;
};

static int take(void *ctx, const struct app *app)
{
	struct taken *taken = ctx;

	taken->last = app->result;
	return ++taken->n == taken->stop_at ? -EPIPE : 0;
}

static int feed(struct report_reader *reader, const char *text, size_t step, struct taken *taken)
{
	size_t n = strlen(text);
	int r = 0;

	for (size_t i = 0; i < n && !r; i += step)
		r = report_feed(reader, text + i, n - i < step ? n - i : step, take, taken);
	return r;
}

static void lines_are_found_however_the_pipe_cuts_them(void **state)
{
	(void)state;
	for (size_t step = 1; step < 400; step += 7) {
		struct report_reader reader = { 0 };
		struct taken taken = { 0 };

		assert_int_equal(feed(&reader, HEAD TAIL "\n" HEAD TAIL "\nrubbish\n" HEAD TAIL "\n", step, &taken), 0);
		assert_int_equal(taken.n, 3);
		assert_int_equal(reader.refused, 1);
	}
}

static void line_without_its_end_does_not_count(void **state)
{
	struct report_reader reader = { 0 };
	struct taken taken = { 0 };

	(void)state;
	assert_int_equal(feed(&reader, HEAD TAIL, 1000, &taken), 0);
	assert_int_equal(taken.n, 0);
}

static void overlong_line_is_passed_over_and_the_next_one_counts(void **state)
{
	struct report_reader reader = { 0 };
	struct taken taken = { 0 };
	static char flood[3 * REPORT_LINE_MAX];

	(void)state;
	memset(flood, 'A', sizeof(flood) - 1);
	assert_int_equal(feed(&reader, flood, 1000, &taken), 0);
	assert_int_equal(feed(&reader, "\n" HEAD TAIL "\n", 1000, &taken), 0);
	assert_int_equal(reader.refused, 1);
	assert_int_equal(taken.n, 1);
	assert_int_equal(taken.last, 11);
}

static void longest_line_is_taken(void **state)
{
	CLEANUP(buf) struct buf line = BUF_INIT;
	struct report_reader reader = { 0 };
	struct taken taken = { 0 };
	size_t rest = REPORT_LINE_MAX - strlen(HEAD TAIL) - strlen("\"pad\":\"\",");

	(void)state;
	buf_puts(&line, HEAD "\"pad\":\"");
	buf_fill(&line, 'p', rest);
	buf_puts(&line, "\"," TAIL "\n");
	assert_int_equal(line.len, REPORT_LINE_MAX + 1);
	assert_int_equal(report_feed(&reader, line.data, line.len, take, &taken), 0);
	assert_int_equal(taken.n, 1);
}

static void taker_that_gives_up_ends_the_feeding(void **state)
{
	struct report_reader reader = { 0 };
	struct taken taken = { .stop_at = 1 };

	(void)state;
	assert_int_equal(feed(&reader, HEAD TAIL "\n" HEAD TAIL "\n", 4096, &taken), -EPIPE);
	assert_int_equal(taken.n, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_line_becomes_an_app_record),
		cmocka_unit_test(an_ipv6_socket_that_speaks_ipv4_has_an_ipv4_tuple),
		cmocka_unit_test(error_names_become_numbers),
		cmocka_unit_test(call_without_a_connection_has_no_tuple),
		cmocka_unit_test(unknown_keys_are_ignored),
		cmocka_unit_test(long_strings_are_cut_to_their_room),
		cmocka_unit_test(hostile_lines_are_refused_and_leave_the_result_alone),
		cmocka_unit_test(numbers_beyond_every_range_are_refused),
		cmocka_unit_test(lines_are_found_however_the_pipe_cuts_them),
		cmocka_unit_test(line_without_its_end_does_not_count),
		cmocka_unit_test(overlong_line_is_passed_over_and_the_next_one_counts),
		cmocka_unit_test(longest_line_is_taken),
		cmocka_unit_test(taker_that_gives_up_ends_the_feeding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
