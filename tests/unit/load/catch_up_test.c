/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <time.h>

#include "load/catch_up.h"

/* A ring of records of one byte. */
struct ring {
	unsigned long read, written;
	unsigned long at_once;	  /* then it had enough; 0 = never */
	unsigned long unfinished; /* position of a record that is being written; 0 = none */
	uint64_t finishes_ns;	  /* when; 0 = never */
	unsigned long grows;	  /* records that come while one is read */
	int looks, error;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static int consume(void *ctx)
{
	struct ring *ring = ctx;
	unsigned long taken = 0;

	ring->looks++;
	if (ring->unfinished && ring->finishes_ns && now_ns() >= ring->finishes_ns)
		ring->unfinished = 0;
	if (ring->error)
		return ring->error;
	while (ring->read != ring->written) {
		if (ring->unfinished && ring->read == ring->unfinished)
			return (int)taken;
		ring->read++;
		ring->written += ring->grows;
		if (++taken == ring->at_once)
			return -EAGAIN;
	}
	return (int)taken;
}

static int caught_up(struct ring *ring)
{
	struct ring_at at = { &ring->read, &ring->written, .patience_ns = 1000000 };

	return catch_up(&at, consume, ring);
}

static void a_reader_that_had_enough_is_asked_again(void **state)
{
	struct ring ring = { .read = 1000, .written = 1700, .at_once = 128 };

	(void)state;
	assert_int_equal(caught_up(&ring), 0);
	assert_int_equal(ring.read, 1700);
	assert_int_equal(ring.looks, 6);
}

static void what_is_written_faster_than_it_is_read_holds_nobody_up(void **state)
{
	struct ring ring = { .read = 0, .written = 100, .at_once = 10, .grows = 2 };

	(void)state;
	assert_int_equal(caught_up(&ring), 0);
	assert_int_equal(ring.read, 100);
}

static void a_record_that_is_being_written_is_waited_for(void **state)
{
	/* longer than a time slice: who writes it may have lost its CPU to another task */
	struct ring ring = { .written = 100, .unfinished = 50, .finishes_ns = now_ns() + 30000000 };
	struct ring_at at = { &ring.read, &ring.written, .patience_ns = UINT64_C(60000000000) };

	(void)state;
	assert_int_equal(catch_up(&at, consume, &ring), 0);
	assert_int_equal(ring.read, 100);
}

static void a_record_that_stays_unfinished_is_no_success(void **state)
{
	struct ring ring = { .written = 100, .unfinished = 50 };

	(void)state;
	assert_int_equal(caught_up(&ring), -EAGAIN);
	assert_int_equal(ring.read, 50);
}

/* Many look one after the other: together they wait no longer than one. */
static void what_was_waited_for_in_vain_is_not_waited_for_again(void **state)
{
	struct ring ring = { .written = 100, .unfinished = 50 };
	struct ring_at at = { &ring.read, &ring.written, .patience_ns = 1000000 };
	int looks;

	(void)state;
	assert_int_equal(catch_up(&at, consume, &ring), -EAGAIN);
	looks = ring.looks;
	assert_int_equal(catch_up(&at, consume, &ring), -EAGAIN);
	assert_int_equal(ring.looks, looks + 1);
	ring.unfinished = 70;
	assert_int_equal(catch_up(&at, consume, &ring), -EAGAIN);
	assert_int_equal(ring.read, 70);
	assert_true(ring.looks > looks + 3);
	ring.unfinished = 0;
	assert_int_equal(catch_up(&at, consume, &ring), 0);
	assert_int_equal(ring.read, 100);
}

static void positions_wrap_around(void **state)
{
	struct ring ring = { .read = -5UL, .written = 7, .at_once = 3 };

	(void)state;
	assert_int_equal(caught_up(&ring), 0);
	assert_int_equal(ring.read, 7);
}

static void nothing_to_read_is_not_looked_at(void **state)
{
	struct ring ring = { .read = 7, .written = 7 };

	(void)state;
	assert_int_equal(caught_up(&ring), 0);
	assert_int_equal(ring.looks, 0);
}

static void an_error_of_the_reader_is_told(void **state)
{
	struct ring ring = { .written = 7, .error = -EPIPE };

	(void)state;
	assert_int_equal(caught_up(&ring), -EPIPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reader_that_had_enough_is_asked_again),
		cmocka_unit_test(what_is_written_faster_than_it_is_read_holds_nobody_up),
		cmocka_unit_test(a_record_that_is_being_written_is_waited_for),
		cmocka_unit_test(a_record_that_stays_unfinished_is_no_success),
		cmocka_unit_test(what_was_waited_for_in_vain_is_not_waited_for_again),
		cmocka_unit_test(positions_wrap_around),
		cmocka_unit_test(nothing_to_read_is_not_looked_at),
		cmocka_unit_test(an_error_of_the_reader_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
