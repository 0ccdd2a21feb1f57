/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/form.h"

#define SLOTS 4
#define TEXT  16

static struct form_key key_of(const char *text)
{
	struct form_key key = { .n = strlen(text) };

	memcpy(key.bytes, text, key.n);
	form_key_end(&key);
	return key;
}

static bool keep(struct forms *forms, const char *key_text, const char *text, size_t n)
{
	struct form_key key = key_of(key_text);
	struct form *form = form_new(forms, &key);

	if (!form || !form_add(forms, form, text, n))
		return false;
	form_keep(form, &key);
	return true;
}

static const struct form *find(struct forms *forms, const char *key_text)
{
	struct form_key key = key_of(key_text);

	return form_find(forms, &key);
}

static void what_was_kept_is_found_by_its_key_alone(void **state)
{
	struct forms forms;

	(void)state;
	assert_int_equal(forms_init(&forms, SLOTS, TEXT), 0);
	assert_null(find(&forms, "a key of some words"));
	assert_true(keep(&forms, "a key of some words", "text", 4));
	assert_memory_equal(find(&forms, "a key of some words")->text, "text", 4);
	assert_null(find(&forms, "a key of some word"));
	assert_null(find(&forms, "a key of some wordz"));
	assert_null(find(&forms, "another"));
	forms_destroy(&forms);
}

static void the_newest_is_always_there(void **state)
{
	struct forms forms;
	char key[2] = "";

	(void)state;
	assert_int_equal(forms_init(&forms, SLOTS, TEXT), 0);
	for (*key = 'a'; *key <= 'z'; ++*key) {
		assert_true(keep(&forms, key, key, 1));
		assert_int_equal(*find(&forms, key)->text, *key);
	}
	forms_destroy(&forms);
}

/* Of two slots each is one key's place, or beside it. */
static void two_of_one_place_do_not_drive_each_other_out(void **state)
{
	struct forms forms;
	char key[2] = "";

	(void)state;
	for (*key = 'a'; *key <= 'z'; ++*key) {
		assert_int_equal(forms_init(&forms, 2, TEXT), 0);
		assert_true(keep(&forms, "one", "1", 1));
		assert_true(keep(&forms, key, "2", 1));
		assert_non_null(find(&forms, "one"));
		assert_non_null(find(&forms, key));
		forms_destroy(&forms);
	}
}

static void what_is_too_long_is_not_remembered(void **state)
{
	static const char text[TEXT + 1], longest[FORM_KEY + 1] = { [0 ... FORM_KEY - 1] = 'k' };
	char too_long[FORM_KEY + 2];
	struct forms forms;

	(void)state;
	assert_int_equal(forms_init(&forms, SLOTS, TEXT), 0);
	assert_false(keep(&forms, "a", text, sizeof(text)));
	assert_null(find(&forms, "a"));
	assert_true(keep(&forms, "a", text, TEXT));
	assert_non_null(find(&forms, "a"));
	assert_true(keep(&forms, longest, text, TEXT));
	assert_non_null(find(&forms, longest));
	memset(too_long, 'k', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	assert_false(keep(&forms, too_long, text, TEXT));
	assert_null(find(&forms, too_long));
	forms_destroy(&forms);
}

static void a_key_without_bytes_is_none(void **state)
{
	struct forms forms;

	(void)state;
	assert_int_equal(forms_init(&forms, SLOTS, TEXT), 0);
	assert_false(keep(&forms, "", "x", 1));
	assert_null(find(&forms, ""));
	forms_destroy(&forms);
}

static void holes_stand_where_they_were_made(void **state)
{
	struct form_key key = key_of("k");
	struct forms forms;
	struct form *form;

	(void)state;
	assert_int_equal(forms_init(&forms, SLOTS, TEXT), 0);
	form = form_new(&forms, &key);
	assert_true(form_add(&forms, form, "abc", 3));
	assert_true(form_hole(form));
	assert_true(form_hole(form));
	assert_true(form_add(&forms, form, "d", 1));
	assert_int_equal(form->holes[0], 3);
	assert_int_equal(form->holes[1], 0);
	assert_int_equal(form->n_text, 4);
	assert_true(form_hole(form));
	assert_int_equal(form->holes[2], 1);
	while (form->n_holes < FORM_HOLES)
		assert_true(form_hole(form));
	assert_false(form_hole(form));
	forms_destroy(&forms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_kept_is_found_by_its_key_alone),
		cmocka_unit_test(the_newest_is_always_there),
		cmocka_unit_test(two_of_one_place_do_not_drive_each_other_out),
		cmocka_unit_test(what_is_too_long_is_not_remembered),
		cmocka_unit_test(a_key_without_bytes_is_none),
		cmocka_unit_test(holes_stand_where_they_were_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
