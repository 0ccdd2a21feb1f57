/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "load/codes.h"

static void take(void *ctx, const struct symbol *symbol)
{
	codes_take(ctx, symbol);
}

static size_t found(const char *kallsyms, struct codes *ret)
{
	FILE *file = fmemopen((void *)kallsyms, strlen(kallsyms), "r");

	assert_non_null(file);
	*ret = (struct codes){ 0 };
	symbols_each(file, take, ret);
	codes_end(ret);
	fclose(file);
	return ret->n;
}

static void assert_code(const struct wire_code *code, uint64_t start, uint64_t end,
			enum wire_caller caller)
{
	assert_int_equal(code->start, start);
	assert_int_equal(code->end, end);
	assert_int_equal(code->caller, caller);
}

static void code_ends_where_the_next_symbol_begins(void **state)
{
	struct codes codes;

	(void)state;
	assert_int_equal(found("ffffffff81000000 T _stext\n"
			       "ffffffff81000100 T mod_timer_pending\n"
			       "ffffffff81000180 t detach\n"
			       "ffffffff81000200 T tcp_abort\n"
			       "ffffffff81000240 T tcp_v4_rcv\n"
			       "ffffffff81000300 T tcp_v4_rcv_too\n",
			       &codes),
			 3);
	assert_code(&codes.code[0], 0xffffffff81000100, 0xffffffff81000180, WIRE_BY_REARM);
	assert_code(&codes.code[1], 0xffffffff81000200, 0xffffffff81000240, WIRE_BY_ABORT);
	assert_code(&codes.code[2], 0xffffffff81000240, 0xffffffff81000300, WIRE_BY_SEGMENT);
}

/* __pfx_f stands before f; an alias stands at the same address. */
static void what_belongs_to_a_function_is_it_and_what_is_called_alike_is_not(void **state)
{
	struct codes codes;

	(void)state;
	assert_int_equal(found("1000 t __pfx_inet_twsk_purge\n"
			       "1010 T inet_twsk_purge\n"
			       "1010 t alias_of_it\n"
			       "1100 t inet_twsk_purge_all\n"
			       "2000 t inet_twsk_purge.cold\n"
			       "2010 t other\n",
			       &codes),
			 2);
	assert_code(&codes.code[0], 0x1010, 0x1100, WIRE_BY_PURGE);
	assert_code(&codes.code[1], 0x2000, 0x2010, WIRE_BY_PURGE);
}

static void the_last_one_and_one_before_a_hole_end_somewhere(void **state)
{
	struct codes codes;

	(void)state;
	assert_int_equal(found("1000 T tcp_abort\n90000000 T far_away\n90001000 T tcp_v6_rcv\n", &codes), 2);
	assert_code(&codes.code[0], 0x1000, 0x11000, WIRE_BY_ABORT);
	assert_code(&codes.code[1], 0x90001000, 0x90011000, WIRE_BY_SEGMENT);
}

static void hidden_addresses_and_modules_are_no_code(void **state)
{
	struct codes codes;

	(void)state;
	assert_int_equal(found("0000000000000000 T tcp_abort\n0000000000000000 T tcp_v4_rcv\n", &codes), 0);
	assert_int_equal(found("ffffffffc0001000 t tcp_abort\t[mine]\n", &codes), 0);
}

static void there_is_room_for_so_many(void **state)
{
	struct codes codes = { 0 };

	(void)state;
	for (uint64_t i = 0; i <= WIRE_CODES_MAX; i++)
		codes_take(&codes, &(struct symbol){ 0x1000 + 0x100 * i, 'T', "tcp_abort" });
	codes_end(&codes);
	assert_int_equal(codes.n, WIRE_CODES_MAX);
	assert_code(&codes.code[WIRE_CODES_MAX - 1], 0x1000 + 0x100 * (WIRE_CODES_MAX - 1),
		    0x1000 + 0x100 * WIRE_CODES_MAX, WIRE_BY_ABORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_ends_where_the_next_symbol_begins),
		cmocka_unit_test(what_belongs_to_a_function_is_it_and_what_is_called_alike_is_not),
		cmocka_unit_test(the_last_one_and_one_before_a_hole_end_somewhere),
		cmocka_unit_test(hidden_addresses_and_modules_are_no_code),
		cmocka_unit_test(there_is_room_for_so_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
