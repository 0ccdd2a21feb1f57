/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

/* Encodes without asking whether it may. */
static size_t encode(uint32_t c, size_t length, char *p)
{
	static const uint8_t first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	if (length == 1) {
		p[0] = (char)c;
		return 1;
	}
	for (size_t i = length - 1; i > 0; i--, c >>= 6)
		p[i] = (char)(0x80 | (c & 0x3f));
	p[0] = (char)(first[length] | c);
	return length;
}

static size_t shortest(uint32_t c)
{
	return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

static void every_character_is_decoded_from_its_shortest_form_only(void **state)
{
	(void)state;
	for (uint32_t c = 0; c < 0x200000; c++) {
		bool is_character = c < 0x110000 && (c < 0xd800 || c > 0xdfff);

		for (size_t length = shortest(c); length <= 4; length++) {
			uint32_t decoded = 0xdead;
			char p[4];
			size_t n = utf8_decode(p, encode(c, length, p), &decoded);
			bool good = is_character && length == shortest(c);

			if (n != (good ? length : 0) || decoded != (good ? c : 0xdead))
				fail_msg("U+%04X in %zu bytes: %zu, U+%04X", c, length, n, decoded);
		}
	}
}

/* The bytes that would complete it are there, but not ours. */
static void a_character_that_is_cut_off_is_none(void **state)
{
	static const char *const whole[] = { "\xc3\xb6", "\xe2\x82\xac", "\xf0\x9f\x90\xa7" };
	uint32_t c;

	(void)state;
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		for (size_t n = 1; n < strlen(whole[i]); n++)
			assert_int_equal(utf8_decode(whole[i], n, &c), 0);
		assert_int_equal(utf8_decode(whole[i], strlen(whole[i]), &c), strlen(whole[i]));
	}
}

static void bytes_that_begin_nothing_are_refused(void **state)
{
	uint32_t c;

	(void)state;
	for (unsigned byte = 0x80; byte < 0x100; byte++) {
		char p[4] = { (char)byte, 'a', 'a', 'a' };

		assert_int_equal(utf8_decode(p, sizeof(p), &c), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_character_is_decoded_from_its_shortest_form_only),
		cmocka_unit_test(a_character_that_is_cut_off_is_none),
		cmocka_unit_test(bytes_that_begin_nothing_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
