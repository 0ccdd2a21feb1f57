/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* fields: every row of verdict.def is sound, so that no sink has to ask. */
#include <stdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sink/fields.h"

/* Calls look() for every field of every shape. */
static void each_field(void (*look)(enum shape_id id, const struct field *field))
{
	for (unsigned id = SHAPE_none + 1; id < SHAPE_MAX; id++)
		for (const struct field *field = shape_row(id)->fields; field->key; field++)
			look(id, field);
}

static void look_at_key(enum shape_id id, const struct field *field)
{
	if (!*field->key || field->key[strspn(field->key, "abcdefghijklmnopqrstuvwxyz0123456789_")])
		fail_msg("%s.%s", shape_row(id)->name, field->key);
	assert_int_equal(field->word.n, strlen(field->key) + 3);
	for (const struct field *other = shape_row(id)->fields; other < field; other++)
		assert_string_not_equal(other->key, field->key);
}

static void keys_are_lower_case_words_and_stand_once(void **state)
{
	(void)state;
	each_field(look_at_key);
}

static void look_at_size(enum shape_id id, const struct field *field)
{
	if (field->type->size && field->type->size != field->size)
		fail_msg("%s.%s has %zu bytes, its type reads %zu", shape_row(id)->name, field->key,
			 field->size, field->type->size);
}

static void every_member_is_as_large_as_its_type_reads(void **state)
{
	(void)state;
	each_field(look_at_size);
}

static void look_at_doc(enum shape_id id, const struct field *field)
{
	size_t n = strlen(field->doc);

	if (n < 5 || !strchr(".?", field->doc[n - 1]) || strchr(field->doc, '|'))
		fail_msg("%s.%s: \"%s\"", shape_row(id)->name, field->key, field->doc);
}

static void every_field_is_described_by_a_sentence(void **state)
{
	(void)state;
	each_field(look_at_doc);
}

static void look_at_words(enum shape_id id, const struct field *field)
{
	const char *word;

	for (unsigned i = 0; field->type->word && (word = field->type->word(i)); i++) {
		if (!*word || !strcmp(word, "?"))
			fail_msg("%s.%s: word %u", shape_row(id)->name, field->key, i);
		for (unsigned before = 0; before < i; before++)
			assert_string_not_equal(field->type->word(before), word);
	}
	assert_int_equal(field->type->word != NULL, field->type->words != NULL);
}

static void no_list_of_words_has_a_gap_or_a_word_twice(void **state)
{
	(void)state;
	each_field(look_at_words);
}

static unsigned count_words(const char *(*word)(unsigned))
{
	unsigned n = 0;

	while (word(n))
		n++;
	return n;
}

static const struct field *find(enum shape_id id, const char *key)
{
	for (const struct field *field = shape_row(id)->fields; field->key; field++)
		if (!strcmp(field->key, key))
			return field;
	fail_msg("no %s.%s", shape_row(id)->name, key);
	return NULL;
}

static void lists_of_words_are_complete(void **state)
{
	(void)state;
	assert_int_equal(count_words(find(SHAPE_close, "cause")->type->word), CAUSE_MAX);
	assert_int_equal(count_words(find(SHAPE_close, "how")->type->word), HOW_MAX);
	assert_int_equal(count_words(find(SHAPE_close, "first_closer")->type->word), CLOSER_MAX);
	assert_int_equal(count_words(find(SHAPE_close, "evidence")->type->word), EV_MAX);
	assert_int_equal(count_words(find(SHAPE_owner, "source")->type->word), OWNER_SOURCE_MAX - 1);
	assert_int_equal(count_words(find(SHAPE_minisocket, "end")->type->word), MINI_END_MAX);
	assert_int_equal(count_words(find(SHAPE_observed, "kind")->type->word), OBS_KIND_MAX - 1);
	assert_int_equal(count_words(find(SHAPE_step, "state")->type->word), ST_NEW_SYN_RECV);
}

static void every_kind_of_record_has_its_type_and_shape(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < REC_KIND_MAX; kind++) {
		const struct record_row *row = record_row(kind);

		assert_non_null(row->type);
		assert_true(row->shape > SHAPE_none && row->shape < SHAPE_MAX);
		/* The line's own keys must not come twice into one object. */
		for (const struct field *line = shape_row(SHAPE_line)->fields; line->key; line++)
			for (const struct field *f = shape_row(row->shape)->fields; f->key; f++)
				assert_string_not_equal(line->key, f->key);
	}
}

static bool is_used(enum shape_id id)
{
	for (unsigned kind = 0; kind < REC_KIND_MAX; kind++)
		if (record_row(kind)->shape == id || record_row(kind)->more == id)
			return true;
	for (unsigned other = SHAPE_none + 1; other < SHAPE_MAX; other++)
		for (const struct field *field = shape_row(other)->fields; field->key; field++)
			if (field->type->shape == id)
				return true;
	return id == SHAPE_line;
}

static void every_shape_is_used_somewhere(void **state)
{
	(void)state;
	for (unsigned id = SHAPE_none + 1; id < SHAPE_MAX; id++)
		if (!is_used(id))
			fail_msg("%s", shape_row(id)->name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_lower_case_words_and_stand_once),
		cmocka_unit_test(every_member_is_as_large_as_its_type_reads),
		cmocka_unit_test(every_field_is_described_by_a_sentence),
		cmocka_unit_test(no_list_of_words_has_a_gap_or_a_word_twice),
		cmocka_unit_test(lists_of_words_are_complete),
		cmocka_unit_test(every_kind_of_record_has_its_type_and_shape),
		cmocka_unit_test(every_shape_is_used_somewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
