/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * wheel: when the kernel's timer wheel lets a timer run out. Who includes this has
 * said what __u32 and __u64 are.
 */
#ifndef TCPCLOSE_WHEEL_H
#define TCPCLOSE_WHEEL_H

/*
 * Timers lie in buckets. A level has 64 of them (LVL_SIZE), each 8 times as wide as
 * those of the level before (LVL_CLK_SHIFT), and a bucket is run when the next one
 * begins, so that none runs out early (calc_index()): with a minute to go that is up to
 * 512 jiffies after the time that was asked for, or 4096 with 1000 of them a second.
 * Which bucket it is stands in the timer's flags (TIMER_ARRAYSHIFT). All that is so from
 * commit 500462a9de65 ("timers: Switch to a non-cascading wheel") in v4.8 on.
 */
#define WHEEL_BUCKET_SHIFT 22
#define WHEEL_LEVEL_SIZE   64
#define WHEEL_LEVEL_SHIFT  3

/* In jiffies. */
static inline __attribute__((always_inline)) __u64 wheel_runs_out(__u64 expires, __u32 flags)
{
	__u32 shift = WHEEL_LEVEL_SHIFT * ((flags >> WHEEL_BUCKET_SHIFT) / WHEEL_LEVEL_SIZE);

	return ((expires >> shift) + 1) << shift;
}

#endif
