/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* ring: a file in memory, laid out as the kernel lays out a ring, and a writer that is this test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "load/ring.h"

#define PAGES 32

struct writer {
	int fd;
	unsigned long *read, *written;
	char *data;
	size_t size, page;
	struct ring ring;
	/* what the reader was given */
	unsigned records;
	size_t last_size;
	unsigned char last_byte;
	unsigned stop_after; /* 0 = never */
	unsigned long read_seen;
};

static int setup(void **state)
{
	static struct writer w;
	char *all;

	w = (struct writer){ .page = (size_t)sysconf(_SC_PAGESIZE) };
	w.size = PAGES * w.page;
	w.fd = memfd_create("ring", MFD_CLOEXEC);
	assert_true(w.fd >= 0);
	assert_int_equal(ftruncate(w.fd, (off_t)(2 * w.page + w.size)), 0);
	all = mmap(NULL, 2 * w.page + w.size, PROT_READ | PROT_WRITE, MAP_SHARED, w.fd, 0);
	assert_true(all != MAP_FAILED);
	w.read = (unsigned long *)all;
	w.written = (unsigned long *)(all + w.page);
	w.data = all + 2 * w.page;
	assert_int_equal(ring_open(w.fd, w.size, &w.ring), 0);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct writer *w = *state;

	ring_close(&w->ring);
	ring_close(&w->ring);
	munmap(w->read, 2 * w->page + w->size);
	close(w->fd);
	return 0;
}

/* A record of n equal bytes. */
static void put(struct writer *w, size_t n, unsigned char byte, uint32_t bits)
{
	uint32_t head = (uint32_t)n | bits;

	memcpy(w->data + *w->written % w->size, &head, sizeof(head));
	for (size_t i = 0; i < n; i++)
		w->data[(*w->written + 8 + i) % w->size] = (char)byte;
	*w->written += (n + 8 + 7) / 8 * 8;
}

static int take(void *ctx, const void *record, size_t size)
{
	struct writer *w = ctx;
	const unsigned char *bytes = record;

	for (size_t i = 0; i < size; i++)
		assert_int_equal(bytes[i], bytes[0]);
	assert_int_equal((uintptr_t)record % 8, 0);
	w->records++;
	w->last_size = size;
	w->last_byte = bytes[0];
	w->read_seen = *w->read;
	return w->stop_after && w->records == w->stop_after ? -EAGAIN : 0;
}

static void records_come_out_in_order_and_whole_over_the_ring_s_end(void **state)
{
	struct writer *w = *state;

	/* several times round, with lengths that never meet the end alike */
	for (unsigned i = 0; i < 20000; i++) {
		size_t n = 1 + i * 7 % 300;

		put(w, n, (unsigned char)i, 0);
		if (i % 3)
			continue;
		assert_int_equal(ring_consume(&w->ring, take, w), 0);
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

	put(w, 16, 1, 0);
	at = *w->written;
	put(w, 40, 2, BPF_RINGBUF_BUSY_BIT);
	put(w, 24, 3, 0);
	assert_int_equal(ring_consume(&w->ring, take, w), 0);
	assert_int_equal(w->records, 1);
	assert_true(*w->read == at);
	memcpy(w->data + at, &head, sizeof(head));
	assert_int_equal(ring_consume(&w->ring, take, w), 0);
	assert_int_equal(w->records, 3);
}

static void what_was_discarded_is_passed_over(void **state)
{
	struct writer *w = *state;

	put(w, 16, 1, BPF_RINGBUF_DISCARD_BIT);
	put(w, 24, 2, 0);
	put(w, 16, 3, BPF_RINGBUF_DISCARD_BIT);
	assert_int_equal(ring_consume(&w->ring, take, w), 0);
	assert_int_equal(w->records, 1);
	assert_int_equal(w->last_byte, 2);
	assert_true(*w->read == *w->written);
}

static void who_had_enough_goes_on_behind_the_last_record(void **state)
{
	struct writer *w = *state;

	for (unsigned char i = 1; i <= 5; i++)
		put(w, 16, i, 0);
	w->stop_after = 2;
	assert_int_equal(ring_consume(&w->ring, take, w), -EAGAIN);
	assert_int_equal(w->last_byte, 2);
	assert_int_equal(ring_consume(&w->ring, take, w), 0);
	assert_int_equal(w->records, 5);
}

static void writers_are_told_long_before_a_full_ring_is_read(void **state)
{
	struct writer *w = *state;

	while (*w->written + 512 < w->size)
		put(w, 200, 1, 0);
	assert_int_equal(ring_consume(&w->ring, take, w), 0);
	assert_true(w->read_seen > 0);
	assert_true(*w->read == *w->written);
}

static void a_record_that_cannot_be_ours_is_an_error(void **state)
{
	struct writer *w = *state;

	put(w, RING_RECORD_MAX + 1, 1, 0);
	assert_int_equal(ring_consume(&w->ring, take, w), -EBADMSG);
	assert_int_equal(w->records, 0);
}

static void positions_may_wrap_around(void **state)
{
	struct writer *w = *state;

	*w->read = *w->written = -(unsigned long)w->size;
	for (unsigned i = 0; i < 2000; i++) {
		put(w, 192, (unsigned char)i, 0);
		assert_int_equal(ring_consume(&w->ring, take, w), 0);
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
		cmocka_unit_test_setup_teardown(records_come_out_in_order_and_whole_over_the_ring_s_end, setup, teardown),
		cmocka_unit_test_setup_teardown(an_unfinished_record_holds_up_what_is_behind_it, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_discarded_is_passed_over, setup, teardown),
		cmocka_unit_test_setup_teardown(who_had_enough_goes_on_behind_the_last_record, setup, teardown),
		cmocka_unit_test_setup_teardown(writers_are_told_long_before_a_full_ring_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(a_record_that_cannot_be_ours_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(positions_may_wrap_around, setup, teardown),
		cmocka_unit_test(what_is_no_ring_is_not_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
