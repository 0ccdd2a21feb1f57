/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/tally.h"

struct item {
	char key[12];
	uint32_t count;
};

static void add(struct tally *t, const char *word)
{
	char key[12] = "";
	struct item *item;

	memcpy(key, word, strnlen(word, sizeof(key)));
	item = tally_item(t, key);
	if (item)
		item->count++;
}

static int most_first(const void *a, const void *b)
{
	const struct item *x = *(struct item *const *)a, *y = *(struct item *const *)b;

	return x->count < y->count ? 1 : x->count > y->count ? -1 : 0;
}

static void equal_keys_share_an_item(void **state)
{
	struct tally t;

	(void)state;
	tally_init(&t, sizeof(struct item), 12, 100);
	add(&t, "one");
	add(&t, "two");
	add(&t, "two");
	add(&t, "twelve bytes");
	assert_int_equal(t.n, 3);
	tally_sort(&t, most_first);
	assert_memory_equal(((struct item *)t.items[0])->key, "two", 4);
	assert_int_equal(((struct item *)t.items[0])->count, 2);
	assert_int_equal(t.passed, 0);
	tally_reset(&t);
	assert_int_equal(t.n, 0);
	add(&t, "one");
	assert_int_equal(((struct item *)t.items[0])->count, 1);
	tally_reset(&t);
}

static void ten_thousand_keys_are_all_found_again(void **state)
{
	struct tally t;

	(void)state;
	tally_init(&t, sizeof(uint64_t) * 2, sizeof(uint64_t), 20000);
	for (uint64_t round = 0; round < 2; round++)
		for (uint64_t i = 0; i < 10000; i++) {
			uint64_t *item = tally_item(&t, &i);

			assert_non_null(item);
			assert_true(item[0] == i && item[1] == round);
			item[1]++;
		}
	assert_int_equal(t.n, 10000);
	tally_reset(&t);
}

static void what_finds_no_room_is_counted(void **state)
{
	struct tally t;

	(void)state;
	tally_init(&t, sizeof(uint64_t), sizeof(uint64_t), 3);
	for (uint64_t i = 0; i < 5; i++)
		assert_true(!tally_item(&t, &i) == (i >= 3));
	assert_int_equal(t.passed, 2);
	tally_reset(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_keys_share_an_item),
		cmocka_unit_test(ten_thousand_keys_are_all_found_again),
		cmocka_unit_test(what_finds_no_room_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
