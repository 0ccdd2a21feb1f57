/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* clock: what time it is, in nanoseconds. Not for core, which is told. */
#ifndef TCPCLOSE_BASE_CLOCK_H
#define TCPCLOSE_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* The clock of all that is observed. */
static inline uint64_t clock_mono_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* CLOCK_REALTIME - CLOCK_MONOTONIC as it is now: the wall clock may be set while we run. */
static inline uint64_t clock_wall_minus_mono_ns(void)
{
	return clock_ns(CLOCK_REALTIME) - clock_mono_ns();
}

#endif
