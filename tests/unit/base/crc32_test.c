// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/crc32.h"
#include "base/le.h"

static void the_crc_is_that_of_everybody_else(void **state)
{
	(void)state;
	/* the check value of CRC-32/ISO-HDLC */
	assert_int_equal(crc32_add(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(crc32_add(0, "", 0), 0);
	assert_int_equal(crc32_add(0, "\0\0\0\0", 4), 0x2144df1c);
}

static void in_parts_it_is_the_same(void **state)
{
	const char *text = "one block of a tape and another";

	(void)state;
	for (size_t cut = 0; cut <= strlen(text); cut++)
		assert_int_equal(crc32_add(crc32_add(0, text, cut), text + cut, strlen(text) - cut),
				 crc32_add(0, text, strlen(text)));
}

static void numbers_stand_little_end_first(void **state)
{
	uint8_t bytes[8];

	(void)state;
	le_put(bytes, 8, UINT64_C(0x1122334455667788));
	assert_memory_equal(bytes, "\x88\x77\x66\x55\x44\x33\x22\x11", 8);
	assert_true(le_get(bytes, 8) == UINT64_C(0x1122334455667788));
	assert_true(le_get(bytes + 1, 2) == 0x6677);
	le_put(bytes, 4, UINT64_C(0xaaaabbbbccccdddd));
	assert_memory_equal(bytes, "\xdd\xdd\xcc\xcc\x44\x33\x22\x11", 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_crc_is_that_of_everybody_else),
		cmocka_unit_test(in_parts_it_is_the_same),
		cmocka_unit_test(numbers_stand_little_end_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
