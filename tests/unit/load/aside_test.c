/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "load/aside.h"
#include "tests/unit/load/writer.h"

static void what_was_set_aside_is_given_whole_and_in_order(void **state)
{
	struct writer *w = *state;
	struct buf aside = BUF_INIT;
	unsigned n = 0;

	/* many times what the ring holds */
	for (; n < 5000; n++) {
		writer_put(w, 1 + n * 7 % 300, (unsigned char)n, 0);
		if (n % 16 == 15)
			assert_int_equal(aside_read(&aside, &w->ring), 0);
	}
	assert_int_equal(aside_read(&aside, &w->ring), 0);
	assert_int_equal(w->records, 0);
	assert_true(*w->read == *w->written);
	assert_int_equal(aside_give(&aside, writer_take, w), 0);
	assert_int_equal(w->records, n);
	assert_int_equal(w->last_size, 1 + (n - 1) * 7 % 300);
	assert_int_equal(w->last_byte, (unsigned char)(n - 1));
	assert_int_equal(aside.len, 0);
	assert_int_equal(aside_give(&aside, writer_take, w), 0);
	assert_int_equal(w->records, n);
}

static void an_unfinished_record_is_left_for_the_next_time(void **state)
{
	struct writer *w = *state;
	struct buf aside = BUF_INIT;
	uint32_t head = 40;
	unsigned long at;

	writer_put(w, 16, 1, 0);
	at = *w->written;
	writer_put(w, 40, 2, BPF_RINGBUF_BUSY_BIT);
	writer_put(w, 24, 3, 0);
	assert_int_equal(aside_read(&aside, &w->ring), 0);
	assert_true(*w->read == at);
	memcpy(w->data + at, &head, sizeof(head));
	assert_int_equal(aside_read(&aside, &w->ring), 0);
	assert_int_equal(aside_give(&aside, writer_take, w), 0);
	assert_int_equal(w->records, 3);
	assert_int_equal(w->last_byte, 3);
}

static int refuse(void *ctx, const void *record, size_t size)
{
	(void)record;
	(void)size;
	++*(unsigned *)ctx;
	return -EIO;
}

static void who_had_enough_is_given_the_rest_and_who_failed_is_not(void **state)
{
	struct writer *w = *state;
	struct buf aside = BUF_INIT;
	unsigned given = 0;

	for (unsigned char i = 1; i <= 5; i++)
		writer_put(w, 16, i, 0);
	assert_int_equal(aside_read(&aside, &w->ring), 0);
	w->stop_after = 2;
	assert_int_equal(aside_give(&aside, writer_take, w), 0);
	assert_int_equal(w->records, 5);

	for (unsigned char i = 1; i <= 5; i++)
		writer_put(w, 16, i, 0);
	assert_int_equal(aside_read(&aside, &w->ring), 0);
	assert_int_equal(aside_give(&aside, refuse, &given), -EIO);
	assert_int_equal(given, 1);
	assert_int_equal(aside.len, 0);
}

/* There is no room for so much: it stays where it was. */
static void what_finds_no_memory_stays_in_the_ring(void **state)
{
	struct writer *w = *state;
	struct buf aside = BUF_INIT;
	size_t size = w->ring.size;

	writer_put(w, 16, 1, 0);
	w->ring.size = SIZE_MAX;
	assert_int_equal(aside_read(&aside, &w->ring), 0);
	w->ring.size = size;
	assert_int_equal(*w->read, 0);
	assert_int_equal(aside_give(&aside, writer_take, w), 0);
	assert_int_equal(ring_consume(&w->ring, writer_take, w), 0);
	assert_int_equal(w->records, 1);
}

static void a_record_that_cannot_be_ours_is_an_error(void **state)
{
	struct writer *w = *state;
	struct buf aside = BUF_INIT;

	writer_put(w, RING_RECORD_MAX + 1, 1, 0);
	assert_int_equal(aside_read(&aside, &w->ring), -EBADMSG);
	assert_int_equal(aside_give(&aside, writer_take, w), 0);
	assert_int_equal(w->records, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, writer_setup, writer_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_set_aside_is_given_whole_and_in_order),
		TEST(an_unfinished_record_is_left_for_the_next_time),
		TEST(who_had_enough_is_given_the_rest_and_who_failed_is_not),
		TEST(what_finds_no_memory_stays_in_the_ring),
		TEST(a_record_that_cannot_be_ours_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
