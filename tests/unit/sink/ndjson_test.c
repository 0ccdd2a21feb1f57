/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <errno.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "capture.h"

/* The last line written, parsed strictly; to be put. */
static struct json_object *line_of(struct capture *c)
{
	const char *text = capture_text(c);
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *line;

	assert_true(strlen(text) > 2 && strchr(text, '\n') == text + strlen(text) - 1);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	line = json_tokener_parse_ex(tokener, text, -1);
	assert_non_null(line);
	json_tokener_free(tokener);
	return line;
}

static void assert_key(struct json_object *line, const char *key, const char *expected)
{
	struct json_object *value;

	assert_true(json_object_object_get_ex(line, key, &value));
	assert_string_equal(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN), expected);
}

static void a_record_is_one_line_and_one_write(void **state)
{
	struct verdict v = plain_verdict();
	struct capture c;

	(void)state;
	capture_open(&c, &sink_ndjson, (struct sink_config){ 0 });
	assert_int_equal(capture_close(&c, &v), 0);
	assert_int_equal(c.writes, 1);
	json_object_put(line_of(&c));
	capture_end(&c);
}

static void what_is_not_known_is_null(void **state)
{
	struct verdict v = { .conn = 9, .rst_reason = NULL };
	struct json_object *line, *rst;
	struct capture c;

	(void)state;
	capture_open(&c, &sink_ndjson, (struct sink_config){ 0 });
	assert_int_equal(capture_close(&c, &v), 0);
	line = line_of(&c);
	assert_key(line, "pair", "null");
	assert_key(line, "owner", "null");
	assert_key(line, "closer", "null");
	assert_key(line, "exit", "null");
	assert_key(line, "error", "null");
	assert_key(line, "minisocket", "null");
	assert_key(line, "local", "{\"address\":null,\"port\":null}");
	assert_true(json_object_object_get_ex(line, "rst", &rst));
	assert_key(rst, "reason", "null");
	json_object_put(line);
	capture_end(&c);
}

static void linger_seconds_are_a_number_with_its_fraction(void **state)
{
	struct verdict v = plain_verdict();
	struct json_object *line;
	struct capture c;

	(void)state;
	v.linger_on = true;
	v.linger_ms = 2500;
	capture_open(&c, &sink_ndjson, (struct sink_config){ 0 });
	capture_close(&c, &v);
	line = line_of(&c);
	assert_key(line, "linger", "{\"on\":true,\"seconds\":2.5,\"waited_ns\":null}");
	json_object_put(line);
	capture_end(&c);
}

static size_t comm_length(struct json_object *line)
{
	struct json_object *owner, *comm;

	assert_true(json_object_object_get_ex(line, "owner", &owner));
	assert_true(json_object_object_get_ex(owner, "comm", &comm));
	return (size_t)json_object_get_string_len(comm);
}

/* A comm is 16 bytes of anything: also one that has no NUL. */
static void no_name_of_a_process_breaks_the_line(void **state)
{
	struct verdict v = plain_verdict();
	struct json_object *line;
	struct capture c;

	(void)state;
	v.closer = v.owner; /* what stands behind the name in memory is no NUL */
	capture_open(&c, &sink_ndjson, (struct sink_config){ 0 });
	for (unsigned byte = 0; byte < 256; byte++) {
		memset(v.owner.comm, (int)byte, sizeof(v.owner.comm));
		assert_int_equal(capture_close(&c, &v), 0);
		line = line_of(&c);
		/* U+FFFD has three bytes */
		assert_int_equal(comm_length(line), byte == 0 ? 0 : byte < 0x80 ? 16 : 48);
		json_object_put(line);
	}
	capture_end(&c);
}

static void seq_counts_only_lines_that_were_written(void **state)
{
	struct story story = { .begin = true, .ending = "default" };
	struct record begin = { .kind = REC_STORY, .story = &story };
	struct verdict v = plain_verdict();
	struct json_object *line;
	struct capture c;

	(void)state;
	capture_open(&c, &sink_ndjson, (struct sink_config){ 0 });
	for (unsigned i = 0; i < 3; i++) {
		char expected[16];

		assert_int_equal(capture_take(&c, &begin), 0);
		assert_int_equal(c.len, 0);
		assert_int_equal(capture_close(&c, &v), 0);
		line = line_of(&c);
		snprintf(expected, sizeof(expected), "%u", i);
		assert_key(line, "seq", expected);
		json_object_put(line);
		c.error = EIO;
		assert_int_equal(capture_close(&c, &v), -EIO);
		c.error = 0;
		clearerr(c.file);
	}
	capture_end(&c);
}

static void events_are_written_only_when_asked_for(void **state)
{
	struct obs obs = { .kind = OBS_DESTROY };
	struct event event = { .conn = 1, .obs = &obs };
	struct record record = { .kind = REC_EVENT, .event = &event };
	struct capture c;

	(void)state;
	for (int asked = 0; asked < 2; asked++) {
		capture_open(&c, &sink_ndjson, (struct sink_config){ .events = asked });
		assert_int_equal(capture_take(&c, &record), 0);
		assert_int_equal(c.writes, asked);
		capture_end(&c);
	}
}

static void ts_is_the_wall_clock_of_mono_ns(void **state)
{
	struct verdict v = plain_verdict();
	struct json_object *line;
	struct capture c;

	(void)state;
	v.mono_ns = 1500000001;
	capture_open(&c, &sink_ndjson, (struct sink_config){ .wall_minus_mono_ns = 1000000000 });
	capture_close(&c, &v);
	line = line_of(&c);
	assert_key(line, "ts", "\"1970-01-01T00:00:02.500000001Z\"");
	assert_key(line, "mono_ns", "1500000001");
	json_object_put(line);
	capture_end(&c);
}

static void ts_goes_where_the_wall_clock_was_moved_to(void **state)
{
	struct summary s = { .mono_ns = 1500000001 };
	struct record record = { .kind = REC_SUMMARY, .mono_ns = s.mono_ns, .summary = &s,
				 .wall_step_ns = -2000000000 };
	struct json_object *line;
	struct capture c;

	(void)state;
	capture_open(&c, &sink_ndjson, (struct sink_config){ .wall_minus_mono_ns = 1000000000 });
	capture_take(&c, &record);
	line = line_of(&c);
	assert_key(line, "ts", "\"1970-01-01T00:00:00.500000001Z\"");
	assert_key(line, "mono_ns", "1500000001");
	json_object_put(line);
	capture_end(&c);
}

static void a_reader_that_has_gone_is_reported(void **state)
{
	struct verdict v = plain_verdict();
	struct capture c;

	(void)state;
	capture_open(&c, &sink_ndjson, (struct sink_config){ 0 });
	c.error = EPIPE;
	assert_int_equal(capture_close(&c, &v), -EPIPE);
	capture_end(&c);
}

static void a_path_longer_than_there_is_room_for_is_not_read_past_its_end(void **state)
{
	struct verdict v = plain_verdict();
	struct json_object *line, *path;
	struct capture c;

	(void)state;
	v.n_path = 255;
	for (unsigned i = 0; i < PATH_MAX_STEPS; i++)
		v.path[i].state = ST_CLOSE;
	capture_open(&c, &sink_ndjson, (struct sink_config){ 0 });
	capture_close(&c, &v);
	line = line_of(&c);
	assert_true(json_object_object_get_ex(line, "path", &path));
	assert_int_equal(json_object_array_length(path), PATH_MAX_STEPS);
	json_object_put(line);
	capture_end(&c);
}

static void closing_no_sink_is_fine(void **state)
{
	(void)state;
	sink_ndjson.close(NULL);
	sink_text.close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_one_line_and_one_write),
		cmocka_unit_test(what_is_not_known_is_null),
		cmocka_unit_test(linger_seconds_are_a_number_with_its_fraction),
		cmocka_unit_test(no_name_of_a_process_breaks_the_line),
		cmocka_unit_test(seq_counts_only_lines_that_were_written),
		cmocka_unit_test(events_are_written_only_when_asked_for),
		cmocka_unit_test(ts_is_the_wall_clock_of_mono_ns),
		cmocka_unit_test(ts_goes_where_the_wall_clock_was_moved_to),
		cmocka_unit_test(a_reader_that_has_gone_is_reported),
		cmocka_unit_test(a_path_longer_than_there_is_room_for_is_not_read_past_its_end),
		cmocka_unit_test(closing_no_sink_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
