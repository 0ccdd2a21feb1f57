/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* json: whatever goes in, what comes out is valid. json-c, strict, is the judge. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "parsed.h"

/* One string, written alone. */
static void write_string(struct buf *b, const char *bytes, size_t n)
{
	struct json j;

	json_begin(&j, b);
	json_string_n(&j, bytes, n);
	assert_int_equal(json_end(&j), 0);
}

static void assert_string_becomes(const char *bytes, size_t n, const char *expected)
{
	struct buf b = BUF_INIT;

	write_string(&b, bytes, n);
	assert_writes(&b, expected);
}
#define BECOMES(literal, expected) assert_string_becomes(literal, sizeof(literal) - 1, expected)

static void every_pair_of_bytes_makes_a_valid_string(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	for (unsigned first = 0; first < 256; first++) {
		for (unsigned second = 0; second < 256; second++) {
			char bytes[2] = { (char)first, (char)second };
			struct json_object *value;

			buf_reset(&b);
			write_string(&b, bytes, 2);
			value = parse(&b);
			if (!value)
				fail_msg("bytes %02x %02x give %s", first, second, buf_string(&b));
			json_object_put(value);
		}
	}
	buf_free(&b);
}

static void no_byte_of_the_output_is_a_control_character(void **state)
{
	char bytes[256];
	struct buf b = BUF_INIT;

	(void)state;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	write_string(&b, bytes, sizeof(bytes));
	for (size_t i = 0; i < b.len; i++)
		assert_true((uint8_t)b.data[i] >= 0x20 && (uint8_t)b.data[i] != 0x7f);
	buf_free(&b);
}

/* At each place of the eight bytes that are looked at together, and in what is left over. */
static void a_byte_to_escape_is_found_at_every_offset(void **state)
{
	static const char hostile[] = { '\0', '\n', 0x1f, '"', '\\', 0x7f, (char)0x80, (char)0xff };

	(void)state;
	for (size_t length = 1; length <= 20; length++) {
		for (size_t at = 0; at < length; at++) {
			for (size_t h = 0; h < sizeof(hostile); h++) {
				struct buf b = BUF_INIT;
				char bytes[20];

				memset(bytes, 'a', sizeof(bytes));
				bytes[at] = hostile[h];
				write_string(&b, bytes, length);
				assert_memory_equal(b.data + 1 + at, "\\", 1);
				json_object_put(parse(&b));
				assert_true(b.len > length + 2);
				buf_free(&b);
			}
		}
	}
}

static void strings_are_escaped_in_the_shortest_form(void **state)
{
	(void)state;
	BECOMES("a\"b\\c/d", "\"a\\\"b\\\\c/d\"");
	BECOMES("\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"");
	BECOMES("\0\001\033\037\177", "\"\\u0000\\u0001\\u001b\\u001f\\u007f\"");
	BECOMES("", "\"\"");
}

static void well_formed_utf8_stays_as_it_is(void **state)
{
	(void)state;
	BECOMES("k\xc3\xb6nig \xe2\x82\xac \xf0\x9f\x90\xa7", "\"k\xc3\xb6nig \xe2\x82\xac \xf0\x9f\x90\xa7\"");
	BECOMES("\xef\xbf\xbd\xf4\x8f\xbf\xbf", "\"\xef\xbf\xbd\xf4\x8f\xbf\xbf\"");
}

static void c1_control_characters_do_not_reach_a_terminal(void **state)
{
	(void)state;
	BECOMES("a\xc2\x9bz", "\"a\\u009bz\"");
	BECOMES("\xc2\x80\xc2\xa0", "\"\\u0080\xc2\xa0\"");
}

static void each_bad_byte_becomes_one_replacement_character(void **state)
{
	(void)state;
	BECOMES("a\xff" "b", "\"a\\ufffdb\"");
	BECOMES("\x80\x80", "\"\\ufffd\\ufffd\"");
	/* overlong, a surrogate, beyond U+10FFFF */
	BECOMES("\xc0\xaf", "\"\\ufffd\\ufffd\"");
	BECOMES("\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\"");
	BECOMES("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");
	BECOMES("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
}

static void utf8_that_is_cut_off_does_not_swallow_the_quote(void **state)
{
	(void)state;
	BECOMES("a\xc3", "\"a\\ufffd\"");
	BECOMES("a\xe2\x82", "\"a\\ufffd\\ufffd\"");
	BECOMES("a\xf0\x9f\x90", "\"a\\ufffd\\ufffd\\ufffd\"");
	BECOMES("\xe2\x82" "a", "\"\\ufffd\\ufffda\"");
}

static void keys_are_escaped_like_strings(void **state)
{
	struct buf b = BUF_INIT;
	struct json j;

	(void)state;
	json_begin(&j, &b);
	json_object_begin(&j);
	json_key_n(&j, "a\"\n\xff", 4);
	json_null(&j);
	json_object_end(&j);
	assert_int_equal(json_end(&j), 0);
	assert_writes(&b, "{\"a\\\"\\n\\ufffd\":null}");
}

static void numbers_keep_every_digit(void **state)
{
	struct buf b = BUF_INIT;
	struct json j;

	(void)state;
	json_begin(&j, &b);
	json_array_begin(&j);
	json_u64(&j, 0);
	json_u64(&j, UINT64_MAX);
	json_i64(&j, INT64_MIN);
	json_i64(&j, INT64_MAX);
	json_i64(&j, -1);
	json_array_end(&j);
	assert_int_equal(json_end(&j), 0);
	assert_writes(&b, "[0,18446744073709551615,-9223372036854775808,9223372036854775807,-1]");
}

static void decimals_are_exact_and_carry_no_idle_zero(void **state)
{
	struct buf b = BUF_INIT;
	struct json j;

	(void)state;
	json_begin(&j, &b);
	json_array_begin(&j);
	json_decimal(&j, 1500, 3);
	json_decimal(&j, 2000, 3);
	json_decimal(&j, 7, 3);
	json_decimal(&j, 0, 3);
	json_decimal(&j, 12, 0);
	json_decimal(&j, UINT64_MAX, 18);
	json_array_end(&j);
	assert_int_equal(json_end(&j), 0);
	assert_writes(&b, "[1.5,2,0.007,0,12,18.446744073709551615]");
}

static void commas_and_colons_stand_where_they_must(void **state)
{
	struct buf b = BUF_INIT;
	struct json j;

	(void)state;
	json_begin(&j, &b);
	json_object_begin(&j);
	json_key(&j, "a");
	json_array_begin(&j);
	json_array_end(&j);
	json_key(&j, "b");
	json_object_begin(&j);
	json_object_end(&j);
	json_key(&j, "c");
	json_array_begin(&j);
	json_boolean(&j, true);
	json_boolean(&j, false);
	json_object_begin(&j);
	json_key(&j, "d");
	json_string(&j, NULL);
	json_object_end(&j);
	json_string(&j, "e");
	json_array_end(&j);
	json_object_end(&j);
	assert_int_equal(json_end(&j), 0);
	assert_writes(&b, "{\"a\":[],\"b\":{},\"c\":[true,false,{\"d\":null},\"e\"]}");
}

static void pretty_output_is_the_same_value_over_many_lines(void **state)
{
	struct buf b = BUF_INIT;
	struct json j;

	(void)state;
	json_begin(&j, &b);
	j.pretty = true;
	json_object_begin(&j);
	json_key(&j, "a");
	json_array_begin(&j);
	json_u64(&j, 1);
	json_u64(&j, 2);
	json_array_end(&j);
	json_key(&j, "b");
	json_object_begin(&j);
	json_object_end(&j);
	json_object_end(&j);
	assert_int_equal(json_end(&j), 0);
	json_object_put(parse(&b));
	assert_writes(&b, "{\n\t\"a\": [\n\t\t1,\n\t\t2\n\t],\n\t\"b\": {}\n}");
}

static void the_deepest_nesting_is_allowed_and_one_more_is_refused(void **state)
{
	struct buf b = BUF_INIT;
	struct json_object *value;
	struct json j;

	(void)state;
	for (unsigned depth = JSON_DEPTH; depth <= JSON_DEPTH + 1; depth++) {
		json_begin(&j, &b);
		for (unsigned i = 0; i < depth; i++)
			json_array_begin(&j);
		for (unsigned i = 0; i < depth; i++)
			json_array_end(&j);
		assert_int_equal(json_end(&j), depth == JSON_DEPTH ? 0 : -E2BIG);
		value = parse(&b);
		assert_int_equal(value != NULL, depth == JSON_DEPTH);
		json_object_put(value);
		assert_int_equal(b.len, depth == JSON_DEPTH ? 2 * depth : 0);
		buf_reset(&b);
	}
	buf_free(&b);
}

/* Objects and arrays in turn: the bit of each depth must be its own. */
static void mixed_nesting_closes_with_the_right_brackets(void **state)
{
	struct buf b = BUF_INIT;
	struct json_object *value;
	struct json j;

	(void)state;
	json_begin(&j, &b);
	for (unsigned i = 0; i < JSON_DEPTH / 2; i++) {
		json_object_begin(&j);
		json_key(&j, "k");
		json_array_begin(&j);
	}
	for (unsigned i = 0; i < JSON_DEPTH / 2; i++) {
		json_array_end(&j);
		json_object_end(&j);
	}
	assert_int_equal(json_end(&j), 0);
	value = parse(&b);
	assert_non_null(value);
	json_object_put(value);
	buf_free(&b);
}

/* Each letter is a call; what no JSON can be made of must leave the buffer as it was. */
static int play(struct buf *b, const char *calls)
{
	static const struct json_word key = JSON_KEY("key"), word = JSON_WORD("word");
	struct json j;

	json_begin(&j, b);
	for (unsigned i = 0; calls[i]; i++) {
		/* by turns a word made ready and one that is not */
		bool ready = !(i & 1);

		switch (calls[i]) {
		case '{':
			json_object_begin(&j);
			break;
		case '}':
			json_object_end(&j);
			break;
		case '[':
			json_array_begin(&j);
			break;
		case ']':
			json_array_end(&j);
			break;
		case 'k':
			if (ready)
				json_key_word(&j, &key);
			else
				json_key(&j, "k");
			break;
		default:
			if (ready)
				json_word(&j, &word);
			else
				json_u64(&j, 1);
			break;
		}
	}
	return json_end(&j);
}

/* All 6^6 sequences of up to six calls: it stands only when json-c takes it. */
static void no_sequence_of_calls_leaves_invalid_json_behind(void **state)
{
	static const char letters[] = "{}[]kv";
	unsigned good = 0;

	(void)state;
	for (unsigned n = 0; n < 6 * 6 * 6 * 6 * 6 * 6; n++) {
		struct buf b = BUF_INIT;
		char calls[7] = "";
		unsigned rest = n, length = 0;

		for (; rest; rest /= 6)
			calls[length++] = letters[rest % 6];
		buf_puts(&b, "x");
		if (play(&b, calls) == 0) {
			struct json_object *value;

			b.data[0] = ' ';
			value = parse(&b);
			if (!value)
				fail_msg("calls %s give %s", calls, buf_string(&b));
			json_object_put(value);
			good++;
		} else {
			assert_string_equal(buf_string(&b), "x");
		}
		buf_free(&b);
	}
	assert_true(good > 20);
}

static void what_stands_before_in_the_buffer_is_kept(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_puts(&b, "before ");
	assert_int_equal(play(&b, "[v]"), 0);
	assert_int_equal(play(&b, "[v}"), -EINVAL);
	assert_writes(&b, "before [1]");
}

static void words_made_ready_read_like_all_others(void **state)
{
	static const struct json_word key = JSON_KEY("age_ns"), longest = JSON_WORD("abcdefghijklmnopqrstuvwxyz-0"),
				      empty = JSON_WORD("");
	struct buf b = BUF_INIT;
	struct json j;

	(void)state;
	for (int pretty = 0; pretty < 2; pretty++) {
		json_begin(&j, &b);
		j.pretty = pretty;
		json_object_begin(&j);
		json_key_word(&j, &key);
		json_word(&j, &longest);
		json_key(&j, "b");
		json_word(&j, &empty);
		json_object_end(&j);
		assert_int_equal(json_end(&j), 0);
		assert_writes(&b, pretty ? "{\n\t\"age_ns\": \"abcdefghijklmnopqrstuvwxyz-0\",\n\t\"b\": \"\"\n}" :
					   "{\"age_ns\":\"abcdefghijklmnopqrstuvwxyz-0\",\"b\":\"\"}");
	}
}

static void want_of_memory_is_reported_at_the_end(void **state)
{
	struct buf b = BUF_INIT;
	struct json j;

	(void)state;
	b.err = -ENOMEM;
	json_begin(&j, &b);
	json_array_begin(&j);
	json_array_end(&j);
	assert_int_equal(json_end(&j), -ENOMEM);
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pair_of_bytes_makes_a_valid_string),
		cmocka_unit_test(no_byte_of_the_output_is_a_control_character),
		cmocka_unit_test(a_byte_to_escape_is_found_at_every_offset),
		cmocka_unit_test(strings_are_escaped_in_the_shortest_form),
		cmocka_unit_test(well_formed_utf8_stays_as_it_is),
		cmocka_unit_test(c1_control_characters_do_not_reach_a_terminal),
		cmocka_unit_test(each_bad_byte_becomes_one_replacement_character),
		cmocka_unit_test(utf8_that_is_cut_off_does_not_swallow_the_quote),
		cmocka_unit_test(keys_are_escaped_like_strings),
		cmocka_unit_test(numbers_keep_every_digit),
		cmocka_unit_test(decimals_are_exact_and_carry_no_idle_zero),
		cmocka_unit_test(commas_and_colons_stand_where_they_must),
		cmocka_unit_test(pretty_output_is_the_same_value_over_many_lines),
		cmocka_unit_test(the_deepest_nesting_is_allowed_and_one_more_is_refused),
		cmocka_unit_test(mixed_nesting_closes_with_the_right_brackets),
		cmocka_unit_test(no_sequence_of_calls_leaves_invalid_json_behind),
		cmocka_unit_test(what_stands_before_in_the_buffer_is_kept),
		cmocka_unit_test(words_made_ready_read_like_all_others),
		cmocka_unit_test(want_of_memory_is_reported_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
