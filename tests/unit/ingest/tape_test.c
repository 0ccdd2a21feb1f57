// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "ingest/tape.h"

static const uint8_t record[] = "a record of the wire, which may be any bytes: \0\1\2\377\n";

static struct tape_writer *written(char **bytes, size_t *size)
{
	FILE *file = open_memstream(bytes, size);
	struct tape_writer *tape = NULL;

	assert_non_null(file);
	assert_int_equal(tape_write_to(file, &tape), 0);
	return tape;
}

/* Three blocks: nothing in it, bytes, bytes in two parts. */
static uint8_t *small_tape(size_t *size)
{
	char *bytes = NULL;
	struct tape_writer *tape = written(&bytes, size);

	tape_put(tape, TAPE_START, NULL, 0, NULL, 0);
	tape_put(tape, TAPE_RECORD, record, sizeof(record), NULL, 0);
	tape_put(tape, TAPE_TICK, "\1\2\3\4\5\6", 6, "\7\10", 2);
	assert_int_equal(tape_end(tape), 0);
	return (uint8_t *)bytes;
}

static int opened(const uint8_t *bytes, size_t size, struct tape_reader **ret)
{
	FILE *file = size ? fmemopen((void *)bytes, size, "r") : fopen("/dev/null", "r");

	assert_non_null(file);
	return tape_read_from(file, ret);
}

/* What the reader says last; *blocks is how many it gave before. */
static int read_all(const uint8_t *bytes, size_t size, int *blocks)
{
	struct tape_reader *tape = NULL;
	struct tape_block block;
	int r = opened(bytes, size, &tape);

	*blocks = 0;
	if (r)
		return r;
	while ((r = tape_next(tape, &block)) > 0)
		++*blocks;
	tape_close(tape);
	return r;
}

static void what_was_put_is_read(void **state)
{
	size_t size;
	uint8_t *bytes = small_tape(&size);
	struct tape_reader *tape = NULL;
	struct tape_block block;

	(void)state;
	assert_int_equal(opened(bytes, size, &tape), 0);
	assert_int_equal(tape_next(tape, &block), 1);
	assert_int_equal(block.kind, TAPE_START);
	assert_int_equal(block.size, 0);
	assert_int_equal(tape_at(tape), TAPE_FILE_HEAD);
	assert_int_equal(tape_next(tape, &block), 1);
	assert_int_equal(block.kind, TAPE_RECORD);
	assert_int_equal(block.size, sizeof(record));
	assert_memory_equal(block.data, record, sizeof(record));
	assert_int_equal(tape_next(tape, &block), 1);
	assert_int_equal(block.kind, TAPE_TICK);
	assert_int_equal(block.size, 8);
	assert_true(le_get(block.data, 8) == UINT64_C(0x0807060504030201));
	assert_int_equal(tape_next(tape, &block), 0);
	assert_int_equal(tape_next(tape, &block), 0);
	tape_close(tape);
	free(bytes);
}

/* The layout is for ever: other programs may read it. */
static void the_bytes_are_those_of_the_manual(void **state)
{
	static const uint8_t wanted[] = {
		0x89, 'T',  'C',  'T',  '\r', '\n',
		0x1a, '\n', 1,    0,    0,    0, /* magic, version */
		0,    0,    0,    0,    32,   0,
		0,    0,    0x57, 0x70, 0x10, 0xc5, /* START */
	};
	size_t size;
	uint8_t *bytes = small_tape(&size);

	(void)state;
	assert_true(size > sizeof(wanted));
	assert_memory_equal(bytes, wanted, sizeof(wanted));
	free(bytes);
}

static void a_tape_that_ends_anywhere_is_cut_off_there(void **state)
{
	const size_t ends[] = {TAPE_FILE_HEAD, TAPE_FILE_HEAD + TAPE_BLOCK_HEAD,
			       TAPE_FILE_HEAD + 2 * TAPE_BLOCK_HEAD + sizeof(record)};
	size_t size;
	uint8_t *bytes = small_tape(&size);

	(void)state;
	for (size_t n = 0; n < size; n++) {
		int blocks, r = read_all(bytes, n, &blocks), whole = 0;
		bool between = false;

		for (int i = 0; i < 3; i++) {
			between |= n == ends[i];
			whole += i && n >= ends[i];
		}
		assert_int_equal(r, between ? 0 : -ENODATA);
		assert_int_equal(blocks, whole);
	}
	free(bytes);
}

static void no_byte_can_be_changed_unnoticed(void **state)
{
	size_t size;
	uint8_t *bytes = small_tape(&size);

	(void)state;
	for (size_t n = 0; n < size; n++)
		for (int flip = 1; flip < 256; flip++) {
			int blocks;

			bytes[n] ^= (uint8_t)flip;
			assert_true(read_all(bytes, size, &blocks) < 0);
			assert_true(blocks < 3);
			bytes[n] ^= (uint8_t)flip;
		}
	free(bytes);
}

static void what_is_foreign_is_told_from_what_is_of_another_version(void **state)
{
	size_t size;
	uint8_t *bytes = small_tape(&size);
	int blocks;

	(void)state;
	assert_int_equal(read_all((const uint8_t *)"no tape, but a text", 19, &blocks), -ENOEXEC);
	assert_int_equal(read_all((const uint8_t *)"x", 1, &blocks), -ENOEXEC);
	assert_int_equal(read_all(bytes, 0, &blocks), -ENODATA);
	bytes[TAPE_MAGIC_SIZE] = 2;
	assert_int_equal(read_all(bytes, size, &blocks), -EPROTO);
	free(bytes);
}

static void a_kind_that_is_not_known_is_a_block_like_others(void **state)
{
	char *bytes = NULL;
	size_t size;
	struct tape_writer *tape = written(&bytes, &size);
	int blocks;

	(void)state;
	tape_put(tape, (enum tape_kind)999, "later", 5, NULL, 0);
	assert_int_equal(tape_end(tape), 0);
	assert_int_equal(read_all((uint8_t *)bytes, size, &blocks), 0);
	assert_int_equal(blocks, 1);
	assert_null(tape_kind_name(999));
	assert_string_equal(tape_kind_name(33), "RECORD");
	free(bytes);
}

static void a_block_shorter_than_its_kind_is_damage(void **state)
{
	char *bytes = NULL;
	size_t size;
	struct tape_writer *tape = written(&bytes, &size);
	int blocks;

	(void)state;
	tape_put(tape, TAPE_TICK, "1234567", 7, NULL, 0);
	assert_int_equal(tape_end(tape), 0);
	assert_int_equal(read_all((uint8_t *)bytes, size, &blocks), -EBADMSG);
	free(bytes);
}

static void no_block_is_larger_than_a_reader_takes(void **state)
{
	static const uint8_t large[TAPE_BLOCK_MAX + 1];
	char *bytes = NULL;
	size_t size;
	struct tape_writer *tape = written(&bytes, &size);
	int blocks;

	(void)state;
	tape_put(tape, TAPE_RECORD, large, TAPE_BLOCK_MAX, NULL, 0);
	assert_int_equal(tape_flush(tape), 0);
	tape_put(tape, TAPE_RECORD, large, TAPE_BLOCK_MAX, "x", 1);
	assert_int_equal(tape_end(tape), -EMSGSIZE);
	assert_int_equal(read_all((uint8_t *)bytes, size, &blocks), 0);
	assert_int_equal(blocks, 1);
	free(bytes);
}

static void what_cannot_be_written_sticks(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct tape_writer *tape = NULL;

	(void)state;
	if (!full) {
		print_message("# no /dev/full here\n");
		skip();
	}
	assert_int_equal(tape_write_to(full, &tape), 0);
	assert_int_equal(tape_flush(tape), -ENOSPC);
	tape_put(tape, TAPE_START, NULL, 0, NULL, 0);
	assert_int_equal(tape_flush(tape), -ENOSPC);
	assert_int_equal(tape_end(tape), -ENOSPC);
	assert_int_equal(tape_end(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_read),
		cmocka_unit_test(the_bytes_are_those_of_the_manual),
		cmocka_unit_test(a_tape_that_ends_anywhere_is_cut_off_there),
		cmocka_unit_test(no_byte_can_be_changed_unnoticed),
		cmocka_unit_test(what_is_foreign_is_told_from_what_is_of_another_version),
		cmocka_unit_test(a_kind_that_is_not_known_is_a_block_like_others),
		cmocka_unit_test(a_block_shorter_than_its_kind_is_damage),
		cmocka_unit_test(no_block_is_larger_than_a_reader_takes),
		cmocka_unit_test(what_cannot_be_written_sticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
