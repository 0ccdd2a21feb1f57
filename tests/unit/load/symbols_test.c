/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "load/symbols.h"

struct seen {
	struct symbol last;
	char name[64];
	int n;
};

static void take(void *ctx, const struct symbol *symbol)
{
	struct seen *seen = ctx;

	seen->last = *symbol;
	snprintf(seen->name, sizeof(seen->name), "%s", symbol->name);
	seen->n++;
}

static struct seen read_all(const char *kallsyms)
{
	FILE *file = fmemopen((void *)kallsyms, strlen(kallsyms), "r");
	struct seen seen = { .n = 0 };

	assert_non_null(file);
	symbols_each(file, take, &seen);
	fclose(file);
	return seen;
}

static void a_line_is_an_address_a_type_and_a_name(void **state)
{
	struct seen seen = read_all("ffffffff81000000 T _stext\nffffffff8141d70a t tw_timer_handler\n");

	(void)state;
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.last.address, 0xffffffff8141d70a);
	assert_int_equal(seen.last.type, 't');
	assert_string_equal(seen.name, "tw_timer_handler");
}

static void hidden_addresses_are_0(void **state)
{
	struct seen seen = read_all("0000000000000000 T _stext\n");

	(void)state;
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.last.address, 0);
}

static void the_first_one_of_a_module_is_the_end(void **state)
{
	struct seen seen = read_all("1000 T a\nffffffffc0001000 t b\t[mine]\n2000 T c\n");

	(void)state;
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.name, "a");
}

static void what_is_no_symbol_is_passed_over(void **state)
{
	static const char *const lines[] = { "what is this\n", "1000\n", "1000 \n", "1000 T\n", "1000 T", " T a\n", "\n", "1000 TT a\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(read_all(lines[i]).n, 0);
	assert_int_equal(read_all("what is this\n1000 T a\n\n2000 T b\n").n, 2);
}

/* Rust's are. */
static void a_name_may_be_as_long_as_the_kernel_lets_it(void **state)
{
	char text[700] = "1000 T a\n2000 t ";

	(void)state;
	memset(text + strlen(text), 'x', 511);
	strcat(text, "\n3000 t tw_timer_handler\n");
	assert_int_equal(read_all(text).n, 3);
	assert_string_equal(read_all(text).name, "tw_timer_handler");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_an_address_a_type_and_a_name),
		cmocka_unit_test(hidden_addresses_are_0),
		cmocka_unit_test(the_first_one_of_a_module_is_the_end),
		cmocka_unit_test(what_is_no_symbol_is_passed_over),
		cmocka_unit_test(a_name_may_be_as_long_as_the_kernel_lets_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
