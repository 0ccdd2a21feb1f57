/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"

static void an_empty_buffer_is_an_empty_string(void **state)
{
	CLEANUP(buf) struct buf b = BUF_INIT;

	(void)state;
	buf_add(&b, NULL, 0);
	buf_fill(&b, 'x', 0);
	assert_int_equal(b.len, 0);
	assert_string_equal(buf_string(&b), "");
}

static void what_is_appended_stands_in_order(void **state)
{
	CLEANUP(buf) struct buf b = BUF_INIT;

	(void)state;
	buf_puts(&b, "a");
	buf_byte(&b, 'b');
	buf_fill(&b, 'c', 3);
	buf_add(&b, "d\0e", 3);
	buf_printf(&b, "%d%s", 7, "f");
	assert_int_equal(b.len, 10);
	assert_memory_equal(b.data, "abcccd\0e7f", 10);
}

static void it_grows_past_every_boundary(void **state)
{
	CLEANUP(buf) struct buf b = BUF_INIT;

	(void)state;
	for (unsigned i = 0; i < 10000; i++)
		buf_byte(&b, (char)('a' + i % 26));
	assert_int_equal(b.len, 10000);
	for (unsigned i = 0; i < 10000; i++)
		assert_int_equal(b.data[i], 'a' + i % 26);
}

static void what_cannot_be_had_sticks_until_reset(void **state)
{
	CLEANUP(buf) struct buf b = BUF_INIT;

	(void)state;
	buf_puts(&b, "kept");
	assert_int_equal(buf_reserve(&b, SIZE_MAX - 8), -ENOMEM);
	buf_byte(&b, 'x');
	buf_puts(&b, "y");
	buf_fill(&b, 'z', 4);
	buf_printf(&b, "%d", 1);
	assert_int_equal(b.err, -ENOMEM);
	assert_int_equal(b.len, 4);
	assert_null(buf_string(&b));
	buf_reset(&b);
	buf_puts(&b, "again");
	assert_string_equal(buf_string(&b), "again");
}

static void after_a_cut_a_sticking_error_still_sticks(void **state)
{
	CLEANUP(buf) struct buf b = BUF_INIT;

	(void)state;
	buf_puts(&b, "kept and cut");
	buf_cut(&b, 8);
	buf_reserve(&b, SIZE_MAX);
	buf_cut(&b, 4);
	buf_byte(&b, 'x');
	assert_int_equal(b.len, 4);
}

static void take_leaves_nothing_for_the_cleanup(void **state)
{
	CLEANUP(free) char *kept = NULL;
	char *seen;

	(void)state;
	{
		CLEANUP(free) char *owned = strdup("mine");

		seen = owned;
		kept = TAKE(owned);
		assert_null(owned);
	}
	assert_ptr_equal(kept, seen);
	assert_string_equal(kept, "mine");
}

static void a_descriptor_is_closed_when_its_scope_ends(void **state)
{
	int fd, taken;

	(void)state;
	{
		CLEANUP(close) int scoped = dup(STDERR_FILENO);
		CLEANUP(close) int given = dup(STDERR_FILENO);

		fd = scoped;
		taken = TAKE_FD(given);
		errno = EDOM;
	}
	assert_int_equal(errno, EDOM);
	assert_int_equal(close(fd), -1);
	assert_int_equal(close(taken), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_buffer_is_an_empty_string),
		cmocka_unit_test(what_is_appended_stands_in_order),
		cmocka_unit_test(it_grows_past_every_boundary),
		cmocka_unit_test(what_cannot_be_had_sticks_until_reset),
		cmocka_unit_test(after_a_cut_a_sticking_error_still_sticks),
		cmocka_unit_test(take_leaves_nothing_for_the_cleanup),
		cmocka_unit_test(a_descriptor_is_closed_when_its_scope_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
