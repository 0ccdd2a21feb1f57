// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "core/obs.h"
#include "ingest/tape_head.h"

#define COVERED (1U << VANTAGE_STATE | 1U << VANTAGE_RELEASE)

static const char *reasons[] = {NULL, "NOT_SPECIFIED", "TCP_FLAGS", NULL, "TCP_ABORT_ON_DATA"};

static const struct tape_head head = {
	.program = "tcpclose 0.1.0",
	.kernel = "6.1.0-42-cloud-amd64",
	.attached_ns = 1234567890123,
	.wall_minus_mono_ns = UINT64_C(1700000000123456789),
	.hz = 250,
	.covered = COVERED,
	.max_flows = 262144,
	.count = 10,
	.reasons = reasons,
	.n_reasons = 5,
	.hooks = {2, {"state tp_btf", "destroy kprobe"}},
	.wants = {2, {"port=443,80", "comm=\x1b[2J"}},
};

struct file {
	char *bytes;
	size_t size;
};

static struct tape_writer *begin(struct file *file)
{
	struct tape_writer *tape = NULL;

	assert_int_equal(tape_write_to(open_memstream(&file->bytes, &file->size), &tape), 0);
	return tape;
}

/* Ends what was begun and reads it; on 0 the tape stands behind its head. */
static int read_back(struct tape_writer *written, struct file *file, struct tape_head *ret)
{
	struct tape_reader *tape = NULL;
	int r;

	assert_int_equal(tape_end(written), 0);
	assert_int_equal(tape_read_from(fmemopen(file->bytes, file->size, "r"), &tape), 0);
	r = tape_head_read(tape, ret);
	tape_close(tape);
	free(file->bytes);
	return r;
}

static void a_head_is_read_as_it_was_written(void **state)
{
	struct file file = {0};
	struct tape_writer *tape = begin(&file);
	struct tape_head got;

	(void)state;
	tape_head_write(tape, &head);
	assert_int_equal(read_back(tape, &file, &got), 0);
	assert_string_equal(got.program, head.program);
	assert_string_equal(got.kernel, head.kernel);
	assert_true(got.attached_ns == head.attached_ns);
	assert_true(got.wall_minus_mono_ns == head.wall_minus_mono_ns);
	assert_int_equal(got.hz, head.hz);
	assert_int_equal(got.covered, head.covered);
	assert_int_equal(got.max_flows, head.max_flows);
	assert_int_equal(got.count, head.count);
	assert_int_equal(got.n_reasons, head.n_reasons);
	for (size_t i = 0; i < head.n_reasons; i++)
		if (reasons[i])
			assert_string_equal(got.reasons[i], reasons[i]);
		else
			assert_null(got.reasons[i]);
	assert_int_equal(got.hooks.n, 2);
	assert_string_equal(got.hooks.word[1], "destroy kprobe");
	assert_int_equal(got.wants.n, 2);
	assert_string_equal(got.wants.word[1], "comm=\x1b[2J");
	tape_head_free(&got);
}

static int read_one(enum tape_kind kind, const void *data, size_t n, struct tape_head *ret)
{
	struct file file = {0};
	struct tape_writer *tape = begin(&file);
	uint8_t clock[16] = {0}, limits[16] = {0};

	tape_put(tape, TAPE_CLOCK, clock, sizeof(clock), NULL, 0);
	tape_put(tape, TAPE_LIMITS, limits, sizeof(limits), NULL, 0);
	tape_put(tape, kind, data, n, NULL, 0);
	tape_put(tape, TAPE_START, NULL, 0, NULL, 0);
	return read_back(tape, &file, ret);
}

/* It is printed. */
static void what_would_move_a_terminal_is_damage(void **state)
{
	static const enum tape_kind kinds[] = {TAPE_PROGRAM, TAPE_KERNEL, TAPE_HOOK, TAPE_REASON};
	struct tape_head got;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		assert_int_equal(read_one(kinds[i], "\1\0\0\0\x1b[2J", 8, &got), -EBADMSG);
		assert_int_equal(read_one(kinds[i], "\1\0\0\0abc\0", 8, &got), -EBADMSG);
		assert_int_equal(read_one(kinds[i], "\1\0\0\0\xc3\xa4", 6, &got), -EBADMSG);
	}
	assert_int_equal(read_one(TAPE_WANT, "comm=a\0b", 8, &got), -EBADMSG);
}

static void numbers_that_are_too_large_are_damage(void **state)
{
	struct tape_head got;
	uint8_t reason[6] = "\0\0\0\0X";

	(void)state;
	le_put(reason, 4, TAPE_REASONS_MAX);
	assert_int_equal(read_one(TAPE_REASON, reason, 5, &got), -EBADMSG);
	le_put(reason, 4, UINT32_MAX);
	assert_int_equal(read_one(TAPE_REASON, reason, 5, &got), -EBADMSG);
	le_put(reason, 4, TAPE_REASONS_MAX - 1);
	assert_int_equal(read_one(TAPE_REASON, reason, 5, &got), 0);
	assert_int_equal(got.n_reasons, TAPE_REASONS_MAX);
	tape_head_free(&got);
}

static void words_are_bounded_in_number_and_length(void **state)
{
	static char word[TAPE_WORD_MAX + 1];
	struct file file = {0};
	struct tape_writer *tape = begin(&file);
	struct tape_head got;

	(void)state;
	for (int i = 0; i <= TAPE_WORDS_MAX; i++)
		tape_put(tape, TAPE_WANT, "port=1", 6, NULL, 0);
	assert_int_equal(read_back(tape, &file, &got), -EBADMSG);
	memset(word, 'x', sizeof(word));
	assert_int_equal(read_one(TAPE_KERNEL, word, sizeof(word), &got), -EBADMSG);
	assert_int_equal(read_one(TAPE_WANT, word, sizeof(word), &got), -EBADMSG);
}

static void a_later_version_may_say_more(void **state)
{
	struct tape_head got;

	(void)state;
	assert_int_equal(read_one((enum tape_kind)31, "what is it", 10, &got), 0);
	tape_head_free(&got);
	assert_int_equal(read_one(TAPE_VANTAGE, "a-vantage-of-tomorrow", 21, &got), 0);
	assert_int_equal(got.covered, 0);
	tape_head_free(&got);
	assert_int_equal(read_one(TAPE_VANTAGE, "state", 5, &got), 0);
	assert_int_equal(got.covered, 1U << VANTAGE_STATE);
	tape_head_free(&got);
	/* a part of a slug is another one */
	assert_int_equal(read_one(TAPE_VANTAGE, "stat", 4, &got), 0);
	assert_int_equal(got.covered, 0);
	tape_head_free(&got);
}

static void nothing_happens_in_a_head(void **state)
{
	static const enum tape_kind kinds[] = {TAPE_RECORD, TAPE_TICK, TAPE_END};
	struct tape_head got;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		assert_int_equal(read_one(kinds[i], "12345678", 8, &got), -EBADMSG);
}

static void a_head_must_end_and_tell_time_and_limits(void **state)
{
	struct file file = {0};
	struct tape_writer *tape = begin(&file);
	struct tape_head got;
	uint8_t sixteen[16] = {0};

	(void)state;
	tape_put(tape, TAPE_CLOCK, sixteen, 16, NULL, 0);
	tape_put(tape, TAPE_LIMITS, sixteen, 16, NULL, 0);
	assert_int_equal(read_back(tape, &file, &got), -ENODATA);
	tape = begin(&file);
	tape_put(tape, TAPE_CLOCK, sixteen, 16, NULL, 0);
	tape_put(tape, TAPE_START, NULL, 0, NULL, 0);
	assert_int_equal(read_back(tape, &file, &got), -EBADMSG);
	tape = begin(&file);
	tape_put(tape, TAPE_LIMITS, sixteen, 16, NULL, 0);
	tape_put(tape, TAPE_START, NULL, 0, NULL, 0);
	assert_int_equal(read_back(tape, &file, &got), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_is_read_as_it_was_written),
		cmocka_unit_test(what_would_move_a_terminal_is_damage),
		cmocka_unit_test(numbers_that_are_too_large_are_damage),
		cmocka_unit_test(words_are_bounded_in_number_and_length),
		cmocka_unit_test(a_later_version_may_say_more),
		cmocka_unit_test(nothing_happens_in_a_head),
		cmocka_unit_test(a_head_must_end_and_tell_time_and_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
