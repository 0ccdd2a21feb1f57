// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Tapes that were cut off, changed, or made up: always an answer, and never a wrong one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <sys/stat.h>

#include "play.h"

static uint8_t *bytes;
static size_t size;
static struct played whole, now;

/* The smallest there is: each of its bytes will be tried. */
static int load(void **state)
{
	glob_t found = {0};

	(void)state;
	if (glob("tests/tape/*.tape", 0, NULL, &found))
		return -1;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		size_t n = 0;
		uint8_t *each = play_load(found.gl_pathv[i], &n);

		if (each && (!bytes || n < size)) {
			free(bytes);
			bytes = each;
			size = n;
			continue;
		}
		free(each);
	}
	globfree(&found);
	if (bytes)
		play(bytes, size, &whole);
	return bytes ? 0 : -1;
}

static int unload(void **state)
{
	(void)state;
	free(bytes);
	return 0;
}

static void the_tape_is_whole_and_says_something(void **state)
{
	(void)state;
	assert_int_equal(whole.r, 0);
	assert_true(whole.verdicts >= 2);
	assert_true(whole.unsaid_in == 0);
}

/* What is said to be complete is what the whole tape says; the rest says that it is not. */
static void check_prefix(void)
{
	assert_true(now.unsaid_in == 0);
	for (size_t conn = 0; conn < PLAY_CONNS; conn++) {
		if (!now.of[conn].complete)
			continue;
		assert_true(whole.of[conn].complete);
		assert_int_equal(now.of[conn].cause, whole.of[conn].cause);
		assert_true(now.of[conn].mono_ns == whole.of[conn].mono_ns);
	}
}

static void cut_off_anywhere_it_says_so_and_nothing_that_is_not_so(void **state)
{
	(void)state;
	for (size_t n = 0; n < size; n++) {
		play(bytes, n, &now);
		assert_int_equal(now.r, -ENODATA);
		assert_true(now.verdicts <= whole.verdicts);
		check_prefix();
	}
}

static void no_byte_can_be_changed_unnoticed(void **state)
{
	static const uint8_t flips[] = {0x01, 0x80, 0xff};

	(void)state;
	for (size_t n = 0; n < size; n++)
		for (size_t i = 0; i < sizeof(flips); i++) {
			bytes[n] ^= flips[i];
			play(bytes, size, &now);
			bytes[n] ^= flips[i];
			assert_true(now.r < 0);
			check_prefix();
		}
}

static void behind_its_end_nothing_may_come(void **state)
{
	uint8_t *longer = malloc(size + 12);

	(void)state;
	assert_non_null(longer);
	memcpy(longer, bytes, size);
	memset(longer + size, 0, 12);
	play(longer, size + 1, &now);
	assert_int_equal(now.r, -ENODATA);
	/* a whole block, by its checksum */
	play_mend(longer, size + 12);
	play(longer, size + 12, &now);
	assert_int_equal(now.r, -EBADMSG);
	assert_int_equal(now.verdicts, whole.verdicts);
	free(longer);
}

/* Who makes the checksums right can make it say anything, but cannot break it. */
static void changed_on_purpose_it_still_has_an_answer(void **state)
{
	static const uint8_t flips[] = {0x01, 0x80, 0xff};
	uint8_t *made = malloc(size);

	(void)state;
	assert_non_null(made);
	for (size_t n = 0; n < size; n++)
		for (size_t i = 0; i < sizeof(flips); i++) {
			memcpy(made, bytes, size);
			made[n] ^= flips[i];
			play_mend(made, size);
			play(made, size, &now);
			assert_true(now.unsaid_in == 0);
		}
	free(made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tape_is_whole_and_says_something),
		cmocka_unit_test(cut_off_anywhere_it_says_so_and_nothing_that_is_not_so),
		cmocka_unit_test(no_byte_can_be_changed_unnoticed),
		cmocka_unit_test(behind_its_end_nothing_may_come),
		cmocka_unit_test(changed_on_purpose_it_still_has_an_answer),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
