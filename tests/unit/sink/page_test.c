/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "sink/page.h"

/* What the page prints; the caller frees it. */
static char *printed(struct page *p)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	assert_int_equal(page_print(p, f), 0);
	fclose(f);
	page_free(p);
	return text;
}

#define assert_prints(page, expected)                      \
	do {                                               \
		CLEANUP(free) char *text_ = printed(page); \
		assert_string_equal(text_, expected);      \
	} while (0)

static void what_is_put_last_stands(void **state)
{
	struct page p = {.utf8 = true};

	(void)state;
	page_put(&p, 1, 3, 10, INK_PLAIN, "second");
	page_put(&p, 0, 0, 10, INK_PLAIN, "first");
	page_put(&p, 1, 6, 10, INK_PLAIN, "→");
	assert_prints(&p, "first\n   sec→nd\n");
}

static void too_long_text_loses_its_end(void **state)
{
	struct page p = {.utf8 = true}, q = {.utf8 = false};

	(void)state;
	assert_int_equal(page_put(&p, 0, 0, 5, INK_PLAIN, "123456"), 5);
	page_put(&p, 1, 98, 50, INK_PLAIN, "xyz");
	page_put(&p, 2, 100, 50, INK_PLAIN, "nothing");
	assert_prints(&p, "1234…\n"
			  "                                                                        "
			  "                          x…\n");
	page_put(&q, 0, 0, 5, INK_PLAIN, "123456");
	assert_prints(&q, "1234~\n");
}

static void text_to_the_right_ends_where_it_must(void **state)
{
	struct page p = {.utf8 = true};

	(void)state;
	page_put_right(&p, 0, 2, 8, INK_PLAIN, "a → b");
	page_put_right(&p, 1, 2, 4, INK_PLAIN, "too long");
	assert_prints(&p, "     a → b\n  too…\n");
}

static void words_wrap_at_blanks(void **state)
{
	struct page p = {.utf8 = true};

	(void)state;
	assert_int_equal(page_wrap(&p, 0, 1, 10, 2, INK_PLAIN, "one two three eighteencharacters"),
			 5);
	assert_int_equal(page_wrap(&p, 5, 0, 10, 0, INK_PLAIN, ""), 1);
	assert_int_equal(page_wrap(&p, 5, 0, 10, 10, INK_PLAIN, "exactly 10 more"), 2);
	assert_prints(&p,
		      " one two\n   three\n   eighteen\n   characte\n   rs\nexactly 10\nmore\n");
}

static void no_control_character_gets_out(void **state)
{
	struct page p = {.utf8 = true}, q = {.utf8 = false};
	char safe[32];

	(void)state;
	page_put(&p, 0, 0, 50, INK_PLAIN,
		 "a\033[2J\n\t\x7f\xc2\x9b\xff"
		 "b");
	assert_prints(&p, "a?[2J?????b\n");
	page_put(&q, 0, 0, 50, INK_PLAIN, "\u2192\u00e9x");
	assert_prints(&q, "??x\n");
	assert_string_equal(page_stranger("a\033b\xff", safe, sizeof(safe)), "a\\x1bb\\xff");
	assert_string_equal(page_stranger("aaaaaaaaaaaaaaaaaaaaaa", safe, 6), "aaaa~");
}

static void colour_ends_with_the_line(void **state)
{
	struct page p = {.utf8 = true, .colour = true};

	(void)state;
	page_put(&p, 0, 0, 9, INK_BAD, "bad");
	page_put(&p, 0, 3, 9, INK_PLAIN, "plain");
	page_put(&p, 1, 0, 9, INK_DIM, "dim");
	assert_prints(&p, "\033[0;1;31mbad\033[0mplain\n\033[0;2mdim\033[0m\n");
}

static void it_is_empty_after_printing(void **state)
{
	struct page p = {.utf8 = true};
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	page_put(&p, 3, 0, 9, INK_PLAIN, "x");
	assert_int_equal(page_print(&p, f), 0);
	page_put(&p, 0, 0, 9, INK_PLAIN, "y");
	assert_int_equal(page_print(&p, f), 0);
	assert_int_equal(page_print(&p, f), 0);
	fclose(f);
	assert_string_equal(text, "\n\n\nx\ny\n");
	free(text);
	page_free(&p);
}

static void lines_beyond_the_limit_are_lost_not_written(void **state)
{
	struct page p = {.utf8 = true};

	(void)state;
	page_put(&p, 0, 0, 9, INK_PLAIN, "x");
	assert_int_equal(page_put(&p, PAGE_LINES, 0, 9, INK_PLAIN, "x"), 0);
	assert_int_equal(page_put(&p, SIZE_MAX, 0, 9, INK_PLAIN, "x"), 0);
	assert_prints(&p, "x\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_last_stands),
		cmocka_unit_test(too_long_text_loses_its_end),
		cmocka_unit_test(text_to_the_right_ends_where_it_must),
		cmocka_unit_test(words_wrap_at_blanks),
		cmocka_unit_test(no_control_character_gets_out),
		cmocka_unit_test(colour_ends_with_the_line),
		cmocka_unit_test(it_is_empty_after_printing),
		cmocka_unit_test(lines_beyond_the_limit_are_lost_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
