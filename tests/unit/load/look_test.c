/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/types.h>

#include "load/look.h"
#include "wire.h"

#define MAX 16

/* What was taken, by time, and a ring of times that is read by catch_up(). */
static uint64_t taken[MAX], ring[MAX];
static size_t n_taken, n_ring;
static struct look look;
static int answer, ring_says;

static int take(void *ctx, const void *record, size_t size)
{
	(void)ctx;
	assert_int_equal(size, sizeof(struct wire_held));
	assert_true(n_taken < MAX);
	taken[n_taken++] = ((const struct wire_event *)record)->mono_ns;
	return answer;
}

static int read_ring(struct session *session)
{
	(void)session;
	for (size_t i = 0; i < n_ring; i++) {
		int r = look_give_until(&look, ring[i]);

		if (r)
			return r;
		taken[n_taken++] = ring[i];
	}
	n_ring = 0;
	return ring_says;
}

static int setup(void **state)
{
	(void)state;
	n_taken = n_ring = 0;
	answer = ring_says = 0;
	look = (struct look){ .take = take, .catch_up = read_ring };
	return 0;
}

static struct wire_held seen(uint64_t mono_ns, uint8_t kind)
{
	return (struct wire_held){ .ev = { .mono_ns = mono_ns, .kind = kind } };
}

static void assert_taken(size_t n, const uint64_t *times)
{
	assert_int_equal(n_taken, n);
	assert_memory_equal(taken, times, n * sizeof(*times));
}

static void what_was_looked_at_stands_in_time_among_what_was_traced(void **state)
{
	const struct wire_held records[] = { seen(10, WIRE_SNAPSHOT), seen(20, WIRE_SNAPSHOT),
					     seen(30, WIRE_SNAPSHOT) };
	const uint64_t wanted[] = { 5, 10, 15, 20, 25, 30 };

	(void)state;
	ring[n_ring++] = 5;
	ring[n_ring++] = 15;
	ring[n_ring++] = 25;
	assert_int_equal(look_give(&look, records, 3), 0);
	assert_taken(6, wanted);
}

static void a_mini_socket_that_was_found_comes_before_all_of_it_and_once(void **state)
{
	const struct wire_held records[] = { seen(10, WIRE_SNAPSHOT), seen(20, WIRE_MINI_FOUND) };
	const uint64_t wanted[] = { 20, 5, 10, 25 };

	(void)state;
	ring[n_ring++] = 5;
	ring[n_ring++] = 25;
	assert_int_equal(look_give(&look, records, 2), 0);
	assert_taken(4, wanted);
}

static void a_taker_that_has_had_enough_for_now_loses_nothing(void **state)
{
	const struct wire_held records[] = { seen(10, WIRE_SNAPSHOT), seen(20, WIRE_SNAPSHOT) };
	const uint64_t wanted[] = { 10, 20 };

	(void)state;
	answer = -EAGAIN;
	assert_int_equal(look_give(&look, records, 2), 0);
	assert_taken(2, wanted);
}

static void what_stays_unfinished_in_the_ring_holds_back_no_look(void **state)
{
	const struct wire_held records[] = { seen(10, WIRE_SNAPSHOT), seen(20, WIRE_SNAPSHOT) };
	const uint64_t wanted[] = { 10, 15, 20 };

	(void)state;
	ring[n_ring++] = 15;
	ring_says = -EAGAIN;
	assert_int_equal(look_give(&look, records, 2), 0);
	assert_taken(3, wanted);
}

static void a_ring_that_fails_ends_the_look(void **state)
{
	const struct wire_held records[] = { seen(10, WIRE_SNAPSHOT) };

	(void)state;
	ring_says = -EPIPE;
	assert_int_equal(look_give(&look, records, 1), -EPIPE);
	assert_int_equal(n_taken, 0);
}

static void a_taker_that_fails_ends_the_look(void **state)
{
	const struct wire_held records[] = { seen(10, WIRE_SNAPSHOT), seen(20, WIRE_SNAPSHOT) };

	(void)state;
	answer = -EPIPE;
	assert_int_equal(look_give(&look, records, 2), -EPIPE);
	assert_int_equal(n_taken, 1);
	assert_int_equal(look.waiting, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_was_looked_at_stands_in_time_among_what_was_traced, setup),
		cmocka_unit_test_setup(a_mini_socket_that_was_found_comes_before_all_of_it_and_once, setup),
		cmocka_unit_test_setup(a_taker_that_has_had_enough_for_now_loses_nothing, setup),
		cmocka_unit_test_setup(what_stays_unfinished_in_the_ring_holds_back_no_look, setup),
		cmocka_unit_test_setup(a_ring_that_fails_ends_the_look, setup),
		cmocka_unit_test_setup(a_taker_that_fails_ends_the_look, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
