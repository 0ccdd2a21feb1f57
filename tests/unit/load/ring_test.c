/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "tests/unit/load/writer.h"

static void records_come_out_in_order_and_whole_over_the_ring_s_end(void **state)
{
	struct writer *w = *state;

	/* several times round, with lengths that never meet the end alike */
	for (unsigned i = 0; i < 20000; i++) {
		size_t n = 1 + i * 7 % 300;

		writer_put(w, n, (unsigned char)i, 0);
		if (i % 3)
			continue;
		assert_int_equal(ring_consume(&w->ring, writer_take, w), 0);
		assert_int_equal(w->records, i + 1);
		assert_int_equal(w->last_size, n);
		assert_int_equal(w->last_byte, (unsigned char)i);
		assert_true(*w->read == *w->written);
	}
}

static void an_unfinished_record_holds_up_what_is_behind_it(void **state)
{
	struct writer *w = *state;
	unsigned long at;
	uint32_t head = 40;

	writer_put(w, 16, 1, 0);
	at = *w->written;
	writer_put(w, 40, 2, BPF_RINGBUF_BUSY_BIT);
	writer_put(w, 24, 3, 0);
	assert_int_equal(ring_consume(&w->ring, writer_take, w), 1);
	assert_int_equal(w->records, 1);
	assert_true(*w->read == at);
	assert_int_equal(ring_consume(&w->ring, writer_take, w), 1);
	memcpy(w->data + at, &head, sizeof(head));
	assert_int_equal(ring_consume(&w->ring, writer_take, w), 0);
	assert_int_equal(w->records, 3);
}

static void what_was_discarded_is_passed_over(void **state)
{
	struct writer *w = *state;

	writer_put(w, 16, 1, BPF_RINGBUF_DISCARD_BIT);
	writer_put(w, 24, 2, 0);
	writer_put(w, 16, 3, BPF_RINGBUF_DISCARD_BIT);
	assert_int_equal(ring_consume(&w->ring, writer_take, w), 0);
	assert_int_equal(w->records, 1);
	assert_int_equal(w->last_byte, 2);
	assert_true(*w->read == *w->written);
}

static void what_was_never_read_can_be_counted(void **state)
{
	struct writer *w = *state;

	assert_int_equal(ring_unread(&w->ring), 0);
	for (unsigned i = 0; i < 1000; i++) {
		writer_put(w, 1 + i % 300, 1, 0);
		assert_int_equal(ring_consume(&w->ring, writer_take, w), 0);
	}
	writer_put(w, 40, 2, BPF_RINGBUF_BUSY_BIT);
	writer_put(w, 300, 3, 0);
	writer_put(w, 24, 4, BPF_RINGBUF_DISCARD_BIT);
	writer_put(w, 16, 5, 0);
	assert_int_equal(ring_consume(&w->ring, writer_take, w), 1);
	assert_int_equal(ring_unread(&w->ring), 3);
}

static void who_had_enough_goes_on_behind_the_last_record(void **state)
{
	struct writer *w = *state;

	for (unsigned char i = 1; i <= 5; i++)
		writer_put(w, 16, i, 0);
	w->stop_after = 2;
	assert_int_equal(ring_consume(&w->ring, writer_take, w), -EAGAIN);
	assert_int_equal(w->last_byte, 2);
	assert_int_equal(ring_consume(&w->ring, writer_take, w), 0);
	assert_int_equal(w->records, 5);
}

static void writers_are_told_long_before_a_full_ring_is_read(void **state)
{
	struct writer *w = *state;

	while (*w->written + 512 < w->size)
		writer_put(w, 200, 1, 0);
	assert_int_equal(ring_consume(&w->ring, writer_take, w), 0);
	assert_true(w->read_seen > 0);
	assert_true(*w->read == *w->written);
}

static void a_record_that_cannot_be_ours_is_an_error(void **state)
{
	struct writer *w = *state;

	writer_put(w, RING_RECORD_MAX + 1, 1, 0);
	assert_int_equal(ring_consume(&w->ring, writer_take, w), -EBADMSG);
	assert_int_equal(w->records, 0);
}

static void positions_may_wrap_around(void **state)
{
	struct writer *w = *state;

	*w->read = *w->written = -(unsigned long)w->size;
	for (unsigned i = 0; i < 2000; i++) {
		writer_put(w, 192, (unsigned char)i, 0);
		assert_int_equal(ring_consume(&w->ring, writer_take, w), 0);
	}
	assert_int_equal(w->records, 2000);
}

static void what_is_no_ring_is_not_opened(void **state)
{
	struct ring ring;

	(void)state;
	assert_int_equal(ring_open(-1, 4096, &ring), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(records_come_out_in_order_and_whole_over_the_ring_s_end, writer_setup, writer_teardown),
		cmocka_unit_test_setup_teardown(an_unfinished_record_holds_up_what_is_behind_it, writer_setup, writer_teardown),
		cmocka_unit_test_setup_teardown(what_was_discarded_is_passed_over, writer_setup, writer_teardown),
		cmocka_unit_test_setup_teardown(what_was_never_read_can_be_counted, writer_setup, writer_teardown),
		cmocka_unit_test_setup_teardown(who_had_enough_goes_on_behind_the_last_record, writer_setup, writer_teardown),
		cmocka_unit_test_setup_teardown(writers_are_told_long_before_a_full_ring_is_read, writer_setup, writer_teardown),
		cmocka_unit_test_setup_teardown(a_record_that_cannot_be_ours_is_an_error, writer_setup, writer_teardown),
		cmocka_unit_test_setup_teardown(positions_may_wrap_around, writer_setup, writer_teardown),
		cmocka_unit_test(what_is_no_ring_is_not_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
