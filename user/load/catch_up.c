/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "load/catch_up.h"

#include <errno.h>
#include <sched.h>

/*
 * A record is unfinished for as long as its program runs: microseconds, or until
 * a host runs this virtual CPU again. Beyond that many looks in vain it is not
 * waited for.
 */
#define VAIN_MAX 10000

static unsigned long look(const volatile unsigned long *position)
{
	return __atomic_load_n(position, __ATOMIC_ACQUIRE);
}

/* Positions may wrap around: what counts is how far apart they are. */
static int is_reached(const struct ring_at *at, unsigned long goal)
{
	return (long)(look(at->read) - goal) >= 0;
}

int catch_up(const struct ring_at *at, int (*consume)(void *ctx), void *ctx)
{
	unsigned long goal = look(at->written);
	int vain = 0;

	while (!is_reached(at, goal)) {
		unsigned long before = look(at->read);
		int r = consume(ctx);

		if (r < 0 && r != -EAGAIN)
			return r;
		if (look(at->read) != before) {
			vain = 0;
			continue;
		}
		if (++vain == VAIN_MAX)
			return -EAGAIN;
		sched_yield();
	}
	return 0;
}
