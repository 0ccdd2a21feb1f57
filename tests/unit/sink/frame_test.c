/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sink/frame.h"

static char *written(const char *text, bool live, bool last)
{
	struct buf b = BUF_INIT;
	struct sink_config config = { .live = live };
	char *out = NULL;
	size_t size = 0;

	config.out = open_memstream(&out, &size);
	buf_puts(&b, text);
	assert_int_equal(frame_write(&config, &b, last), 0);
	fclose(config.out);
	buf_free(&b);
	return out;
}

static void what_is_no_terminal_gets_the_text_as_it_is(void **state)
{
	char *out = written("one\ntwo\n", false, false);

	(void)state;
	assert_string_equal(out, "one\ntwo\n");
	free(out);
}

/* Without a terminal that says its size: 24 lines of 80. */
static void a_frame_fits_the_screen_and_leaves_nothing_of_the_last_one(void **state)
{
	char text[100 * 101 + 1] = "", *out;
	size_t lines = 0, longest = 0;

	(void)state;
	for (int i = 0; i < 100; i++)
		memset(text + i * 101, 'x', 100);
	for (int i = 100; i < 100 * 101; i += 101)
		text[i] = '\n';
	out = written(text, true, false);
	assert_memory_equal(out, "\033[H", 3);
	for (const char *p = out; *p; p++)
		lines += *p == '\n';
	for (const char *p = strchr(out, 'x'); p && *p; p += strspn(p, "x"), p = strchr(p, 'x'))
		longest = strspn(p, "x") > longest ? strspn(p, "x") : longest;
	assert_int_equal(lines, 23);
	assert_int_equal(longest, 80);
	assert_non_null(strstr(out, "\033[K\n"));
	assert_string_equal(out + strlen(out) - 3, "\033[J");
	free(out);
}

static void the_last_frame_is_whole(void **state)
{
	char text[100 * 2 + 1] = "", *out;

	(void)state;
	for (int i = 0; i < 100; i++)
		memcpy(text + i * 2, "x\n", 2);
	out = written(text, true, true);
	assert_memory_equal(out, "\033[H\033[J", 6);
	assert_string_equal(out + 6, text);
	free(out);
}

static void lines_break_at_blanks_and_keep_their_indent(void **state)
{
	struct buf b = BUF_INIT;
	const char *line;

	(void)state;
	frame_wrap(&b, "  * ", "a sentence that is so long that it cannot stand on one line of seventy-nine "
			       "columns, and has \033[2J in it");
	line = strchr(buf_string(&b), '\n');
	assert_true(line - b.data <= FRAME_COLUMNS);
	assert_memory_equal(line, "\n    ", 5);
	assert_null(strchr(b.data, '\033'));
	assert_memory_equal(b.data, "  * a sentence", 14);
	buf_reset(&b);
	frame_wrap(&b, "", "word");
	assert_string_equal(buf_string(&b), "word\n");
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_terminal_gets_the_text_as_it_is),
		cmocka_unit_test(a_frame_fits_the_screen_and_leaves_nothing_of_the_last_one),
		cmocka_unit_test(the_last_frame_is_whole),
		cmocka_unit_test(lines_break_at_blanks_and_keep_their_indent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
