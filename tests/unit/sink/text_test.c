/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "capture.h"

/* The line (or lines) of one verdict, without the header; of a sink of its own. */
static const char *lines_of(struct capture *c, const struct verdict *v, struct sink_config config)
{
	const char *text;

	capture_open(c, &sink_text, config);
	assert_int_equal(capture_close(c, v), 0);
	assert_int_equal(c->writes, 1);
	text = capture_text(c);
	text = strchr(text, '\n') + 1;
	capture_end(c);
	return text;
}

static void assert_lines(const struct verdict *v, const char *expected)
{
	struct capture c;

	assert_string_equal(lines_of(&c, v, (struct sink_config){ 0 }), expected);
}

static void a_verdict_is_a_line_below_one_header(void **state)
{
	struct verdict v = plain_verdict();
	struct capture c;

	(void)state;
	capture_open(&c, &sink_text, (struct sink_config){ 0 });
	capture_close(&c, &v);
	capture_close(&c, &v);
	assert_string_equal(capture_text(&c),
			    "CAUSE              AGE PROCESS         LOCAL -> PEER  (arrow: who closed first)\n"
			    "active-close    1.0 ms nginx:7         127.0.0.1:9000 -> 127.0.0.1:40000\n"
			    "active-close    1.0 ms nginx:7         127.0.0.1:9000 -> 127.0.0.1:40000\n");
	capture_end(&c);
}

static void the_arrow_tells_who_ended_it(void **state)
{
	static const char *const arrows[] = {
		[CLOSER_NONE] = "9000 -- 127", [CLOSER_LOCAL] = "9000 -> 127",
		[CLOSER_PEER] = "9000 <- 127", [CLOSER_BOTH] = "9000 <> 127",
	};
	struct verdict v = plain_verdict();
	struct capture c;

	(void)state;
	for (unsigned i = 0; i < CLOSER_MAX; i++) {
		v.first_closer = i;
		assert_non_null(strstr(lines_of(&c, &v, (struct sink_config){ 0 }), arrows[i]));
	}
}

static void what_was_lost_stands_in_words_below(void **state)
{
	struct verdict v = plain_verdict();

	(void)state;
	v.unread_bytes = 30;
	v.unsent_bytes = 6;
	v.unacked_bytes = 1;
	assert_lines(&v, "active-close    1.0 ms nginx:7         127.0.0.1:9000 -> 127.0.0.1:40000\n"
			 "    lost 30 B received and never read, 6 B never left this host, 1 B sent and\n"
			 "    never acknowledged\n");
}

static void the_name_gives_way_and_the_pid_does_not(void **state)
{
	struct verdict v = plain_verdict();

	(void)state;
	strcpy(v.owner.comm, "fifteen-letters");
	v.owner.pid = 4194304;
	assert_lines(&v, "active-close    1.0 ms fiftee~:4194304 127.0.0.1:9000 -> 127.0.0.1:40000\n");
}

static void an_owner_that_is_not_known_is_nobody(void **state)
{
	struct verdict v = plain_verdict();

	(void)state;
	v.owner.source = OWNER_UNKNOWN;
	assert_lines(&v, "active-close    1.0 ms ?               127.0.0.1:9000 -> 127.0.0.1:40000\n");
}

static void how_is_said_where_it_does_not_follow_from_the_cause(void **state)
{
	struct verdict v = plain_verdict();

	(void)state;
	v.cause = CAUSE_LINGER_ZERO;
	v.how = HOW_SILENT;
	assert_lines(&v, "linger-zero/silent 1.0 ms nginx:7      127.0.0.1:9000 -> 127.0.0.1:40000\n");
}

static void a_port_that_is_not_known_is_no_zero(void **state)
{
	struct verdict v = plain_verdict();

	(void)state;
	v.tuple.local.port = 0;
	assert_lines(&v, "active-close    1.0 ms nginx:7         127.0.0.1:? -> 127.0.0.1:40000\n");
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Numbers of every length: as many short ones as long ones. */
static uint64_t any_number(uint32_t *seed)
{
	uint64_t bits = (uint64_t)next_random(seed) << 40 ^ (uint64_t)next_random(seed) << 20 ^ next_random(seed);

	return bits >> next_random(seed) % 64;
}

static void any_endpoint(uint32_t *seed, struct endpoint *end)
{
	bool sparse = next_random(seed) & 1;

	for (unsigned i = 0; i < 16; i++)
		end->addr[i] = sparse && i > 2 && i < 15 ? 0 : (uint8_t)next_random(seed);
	end->port = (uint16_t)any_number(seed);
}

static struct verdict any_verdict(uint32_t *seed)
{
	struct verdict v = plain_verdict();

	v.tuple.family = next_random(seed) & 1 ? 4 : 6;
	any_endpoint(seed, &v.tuple.local);
	any_endpoint(seed, &v.tuple.peer);
	v.cause = next_random(seed) % CAUSE_MAX;
	v.how = next_random(seed) % HOW_MAX;
	v.first_closer = next_random(seed) % CLOSER_MAX;
	v.complete = next_random(seed) & 1;
	v.age_ns = any_number(seed) % UINT64_C(80000000000000000);
	v.owner.pid = next_random(seed) % 4194305;
	for (unsigned i = 0; i < sizeof(v.owner.comm) - 1; i++)
		v.owner.comm[i] = (char)next_random(seed);
	if (next_random(seed) & 1)
		v.unread_bytes = (uint32_t)any_number(seed);
	return v;
}

/* Of what is already harmless: there a backslash is one column again. */
static size_t columns_of(const char *text, size_t n)
{
	size_t columns = text_width(text, n, true);

	for (size_t i = 0; i < n; i++)
		columns -= text[i] == '\\';
	return columns;
}

/* Whatever it is: 79 columns, no control character, both addresses whole. */
static void no_verdict_needs_more_than_79_columns(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		struct verdict v = any_verdict(&seed);
		struct capture c;
		const char *text = lines_of(&c, &v, (struct sink_config){ .utf8 = i & 1 });
		char peer[ENDPOINT_STRLEN];

		if (v.tuple.peer.port)
			assert_non_null(strstr(text, endpoint_format(v.tuple.family, &v.tuple.peer, peer)));
		while (*text) {
			size_t n = strcspn(text, "\n");

			if (columns_of(text, n) > 79)
				fail_msg("%.*s", (int)n, text);
			for (size_t k = 0; k < n; k++)
				assert_true((unsigned char)text[k] >= 0x20 && text[k] != 0x7f);
			text += n + 1;
		}
	}
}

/* Escapes are plain ASCII: there bytes are columns. */
static void escapes_are_counted_as_columns(void **state)
{
	struct verdict v = plain_verdict();

	(void)state;
	memcpy(v.owner.comm, "\033\033\033\033", 5);
	assert_lines(&v, "active-close    1.0 ms \\x1b\\x1b\\x1b~:7 127.0.0.1:9000 -> 127.0.0.1:40000\n");
}

static void colour_adds_no_column_and_is_off_by_default(void **state)
{
	struct verdict v = plain_verdict();
	struct capture c;

	(void)state;
	assert_null(strchr(lines_of(&c, &v, (struct sink_config){ 0 }), '\033'));
	assert_string_equal(lines_of(&c, &v, (struct sink_config){ .colour = true }),
			    "\033[2mactive-close\033[0m    1.0 ms nginx:7         "
			    "127.0.0.1:9000 -> 127.0.0.1:40000\n");
}

static void kinds_that_a_line_has_no_room_for_are_passed_over(void **state)
{
	static const struct obs obs = { .kind = OBS_DESTROY };
	static const struct event event = { .obs = &obs };
	static const struct minisocket mini;
	static const struct summary summary;
	static const struct segment segment;
	static const struct app app;
	const struct record records[] = {
		{ .kind = REC_EVENT, .event = &event },	    { .kind = REC_MINISOCKET, .minisocket = &mini },
		{ .kind = REC_SUMMARY, .summary = &summary }, { .kind = REC_SEGMENT, .segment = &segment },
		{ .kind = REC_APP, .app = &app },	    { .kind = REC_KIND_MAX },
	};
	struct capture c;

	(void)state;
	capture_open(&c, &sink_text, (struct sink_config){ 0 });
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
		assert_int_equal(capture_take(&c, &records[i]), 0);
	assert_int_equal(c.writes, 0);
	capture_end(&c);
}

static void a_reader_that_has_gone_is_reported(void **state)
{
	struct verdict v = plain_verdict();
	struct capture c;

	(void)state;
	capture_open(&c, &sink_text, (struct sink_config){ 0 });
	c.error = EPIPE;
	assert_int_equal(capture_close(&c, &v), -EPIPE);
	capture_end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_verdict_is_a_line_below_one_header),
		cmocka_unit_test(the_arrow_tells_who_ended_it),
		cmocka_unit_test(what_was_lost_stands_in_words_below),
		cmocka_unit_test(the_name_gives_way_and_the_pid_does_not),
		cmocka_unit_test(an_owner_that_is_not_known_is_nobody),
		cmocka_unit_test(how_is_said_where_it_does_not_follow_from_the_cause),
		cmocka_unit_test(a_port_that_is_not_known_is_no_zero),
		cmocka_unit_test(no_verdict_needs_more_than_79_columns),
		cmocka_unit_test(escapes_are_counted_as_columns),
		cmocka_unit_test(colour_adds_no_column_and_is_off_by_default),
		cmocka_unit_test(kinds_that_a_line_has_no_room_for_are_passed_over),
		cmocka_unit_test(a_reader_that_has_gone_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
