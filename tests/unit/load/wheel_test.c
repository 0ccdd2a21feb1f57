/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/types.h>

#include "wheel.h"

static __u32 in_level(__u32 level, __u32 bucket)
{
	/* what else stands in the flags: a CPU, TIMER_PINNED */
	return (level * 64 + bucket) << 22 | 0x00100000 | 5;
}

static void a_timer_of_a_few_ticks_runs_out_with_the_next_one(void **state)
{
	(void)state;
	assert_int_equal(wheel_runs_out(1000, in_level(0, 41)), 1001);
}

/* 60 s at 250 Hz are in buckets of 512, at 1000 Hz in buckets of 4096. */
static void a_minute_runs_out_when_its_bucket_does(void **state)
{
	(void)state;
	assert_int_equal(wheel_runs_out(512 * 100, in_level(3, 37)), 512 * 101);
	assert_int_equal(wheel_runs_out(512 * 100 + 511, in_level(3, 37)), 512 * 101);
	assert_int_equal(wheel_runs_out(512 * 101, in_level(3, 38)), 512 * 102);
	assert_int_equal(wheel_runs_out(4096 * 25 + 1, in_level(4, 26)), 4096 * 26);
}

static void none_runs_out_before_the_time_that_was_asked_for(void **state)
{
	(void)state;
	for (__u32 level = 0; level < 9; level++)
		for (__u64 expires = 1; expires < UINT64_C(1) << 40; expires = expires * 3 + 1) {
			__u64 at = wheel_runs_out(expires, in_level(level, 63));

			assert_true(at > expires);
			assert_true(at - expires <= UINT64_C(1) << 3 * level);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_timer_of_a_few_ticks_runs_out_with_the_next_one),
		cmocka_unit_test(a_minute_runs_out_when_its_bucket_does),
		cmocka_unit_test(none_runs_out_before_the_time_that_was_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
