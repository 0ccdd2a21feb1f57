/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/utf8.h"

static void assert_put(const char *bytes, size_t n, size_t columns, bool utf8, const char *expected,
		       size_t expected_columns)
{
	CLEANUP(buf) struct buf b = BUF_INIT;
	size_t used = text_put(&b, bytes, n, columns, utf8);

	assert_string_equal(buf_string(&b), expected);
	assert_int_equal(used, expected_columns);
}
#define PUT(literal, columns, utf8, expected, used)                                                \
	assert_put(literal, sizeof(literal) - 1, columns, utf8, expected, used)

static void plain_names_stay_as_they_are(void **state)
{
	(void)state;
	PUT("redis-server", TEXT_ANY, false, "redis-server", 12);
	PUT("", TEXT_ANY, true, "", 0);
	PUT("k\xc3\xb6nig", TEXT_ANY, true, "k\xc3\xb6nig", 5);
}

static void control_characters_are_shown_and_not_obeyed(void **state)
{
	(void)state;
	PUT("\033[2Jx", TEXT_ANY, true, "\\x1b[2Jx", 8);
	PUT("a\nb\rc\0d\177", TEXT_ANY, true, "a\\x0ab\\x0dc\\x00d\\x7f", 20);
	/* C1: an 8-bit CSI, as a character and as a bare byte */
	PUT("\xc2\x9b", TEXT_ANY, true, "\\xc2\\x9b", 8);
	PUT("\x9b", TEXT_ANY, true, "\\x9b", 4);
}

static void characters_that_turn_the_line_around_are_shown_as_bytes(void **state)
{
	(void)state;
	PUT("a\xe2\x80\xae" "b", TEXT_ANY, true, "a\\xe2\\x80\\xaeb", 14);
	PUT("\xe2\x80\x8b\xef\xbb\xbf", TEXT_ANY, true, "\\xe2\\x80\\x8b\\xef\\xbb\\xbf", 24);
}

static void what_looks_like_a_gap_or_is_written_from_the_right_is_shown_as_bytes(void **state)
{
	(void)state;
	/* a blank that does not break, an em space, an ideographic one; alef, an Arabic sign of numbers */
	PUT("\xc2\xa0\xe2\x80\x83\xe3\x80\x80", TEXT_ANY, true, "\\xc2\\xa0\\xe2\\x80\\x83\\xe3\\x80\\x80", 32);
	PUT("\xd7\x90\xd8\x80", TEXT_ANY, true, "\\xd7\\x90\\xd8\\x80", 16);
	/* a braille pattern without dots; a sign of numbers beyond the first plane */
	PUT("\xe2\xa0\x80\xf0\x91\x82\xbd", TEXT_ANY, true, "\\xe2\\xa0\\x80\\xf0\\x91\\x82\\xbd", 28);
	PUT("a b", TEXT_ANY, true, "a b", 3);
}

static void a_backslash_is_doubled_so_that_it_can_be_read_back(void **state)
{
	(void)state;
	PUT("a\\x1b", TEXT_ANY, true, "a\\\\x1b", 6);
}

static void broken_utf8_is_shown_byte_by_byte(void **state)
{
	(void)state;
	PUT("\xff\xc3", TEXT_ANY, true, "\\xff\\xc3", 8);
	PUT("\xe2\x82", TEXT_ANY, true, "\\xe2\\x82", 8);
}

static void without_utf8_everything_is_ascii(void **state)
{
	(void)state;
	PUT("k\xc3\xb6nig", TEXT_ANY, false, "k\\xc3\\xb6nig", 12);
}

static void wide_and_combining_characters_take_their_columns(void **state)
{
	(void)state;
	PUT("\xe4\xb8\xad\xe6\x96\x87", TEXT_ANY, true, "\xe4\xb8\xad\xe6\x96\x87", 4);
	PUT("e\xcc\x81", TEXT_ANY, true, "e\xcc\x81", 1);
	PUT("\xf0\x9f\x90\xa7", TEXT_ANY, true, "\xf0\x9f\x90\xa7", 2);
}

static void what_is_too_long_says_so(void **state)
{
	(void)state;
	PUT("abcdef", 6, false, "abcdef", 6);
	PUT("abcdef", 5, false, "abcd~", 5);
	PUT("abcdef", 5, true, "abcd\xe2\x80\xa6", 5);
	PUT("abcdef", 1, false, "~", 1);
	PUT("abcdef", 0, false, "", 0);
}

static void a_character_is_never_cut_in_two(void **state)
{
	(void)state;
	PUT("\xe4\xb8\xad\xe6\x96\x87", 3, true, "\xe4\xb8\xad\xe2\x80\xa6", 3);
	PUT("\xe4\xb8\xad\xe6\x96\x87", 2, true, "\xe2\x80\xa6", 1);
	PUT("a\033b", 4, false, "a~", 2);
}

/* Every pair of bytes: printable, never wider than allowed, and as wide as said. */
static void no_pair_of_bytes_breaks_out(void **state)
{
	(void)state;
	for (unsigned pair = 0; pair < 65536; pair++) {
		char bytes[2] = { (char)(pair >> 8), (char)pair };
		CLEANUP(buf) struct buf b = BUF_INIT;
		size_t used = text_put(&b, bytes, 2, 5, true);

		assert_true(used <= 5);
		for (size_t i = 0; i < b.len; i++) {
			uint32_t c = 0;
			size_t length = utf8_decode(b.data + i, b.len - i, &c);

			if (!length || c < 0x20 || (c >= 0x7f && c < 0xa0))
				fail_msg("bytes %04x give %s", pair, buf_string(&b));
			i += length - 1;
		}
	}
}

static void the_width_is_what_put_takes(void **state)
{
	static const char *const names[] = { "nginx", "\033", "k\xc3\xb6nig", "a\\b", "\xe4\xb8\xad", "\xff\xfe" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (int utf8 = 0; utf8 < 2; utf8++) {
			CLEANUP(buf) struct buf b = BUF_INIT;
			size_t used = text_put(&b, names[i], strlen(names[i]), TEXT_ANY, utf8);

			assert_int_equal(text_width(names[i], strlen(names[i]), utf8), used);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_names_stay_as_they_are),
		cmocka_unit_test(control_characters_are_shown_and_not_obeyed),
		cmocka_unit_test(characters_that_turn_the_line_around_are_shown_as_bytes),
		cmocka_unit_test(what_looks_like_a_gap_or_is_written_from_the_right_is_shown_as_bytes),
		cmocka_unit_test(a_backslash_is_doubled_so_that_it_can_be_read_back),
		cmocka_unit_test(broken_utf8_is_shown_byte_by_byte),
		cmocka_unit_test(without_utf8_everything_is_ascii),
		cmocka_unit_test(wide_and_combining_characters_take_their_columns),
		cmocka_unit_test(what_is_too_long_says_so),
		cmocka_unit_test(a_character_is_never_cut_in_two),
		cmocka_unit_test(no_pair_of_bytes_breaks_out),
		cmocka_unit_test(the_width_is_what_put_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
