/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "load/catch_up.h"

#include <errno.h>
#include <sched.h>
#include <time.h>

#include "base/clock.h"

/*
 * A record is unfinished for as long as its program runs: microseconds, or until a
 * scheduler runs its task again, or a host this virtual CPU. For the first it is
 * enough to let others go ahead, for the others it is not.
 */
#define YIELDS_MAX 100
#define NAP_NS	   (200 * 1000)

/* How long nothing has moved. */
struct wait {
	int looks;
	uint64_t since_ns;
};

static unsigned long look(const volatile unsigned long *position)
{
	return __atomic_load_n(position, __ATOMIC_ACQUIRE);
}

/* Positions may wrap around: what counts is how far apart they are. */
static int is_reached(const struct ring_at *at, unsigned long goal)
{
	return (long)(look(at->read) - goal) >= 0;
}

/* False: it is not worth waiting for any longer. */
static bool wait_for(struct ring_at *at, unsigned long position, struct wait *wait)
{
	struct timespec nap = { .tv_nsec = NAP_NS };

	if (at->gave_up && at->gave_up_at == position)
		return false;
	if (!wait->looks++)
		wait->since_ns = clock_mono_ns();
	if (wait->looks <= YIELDS_MAX) {
		sched_yield();
		return true;
	}
	at->gave_up = clock_mono_ns() - wait->since_ns >= at->patience_ns;
	at->gave_up_at = position;
	if (!at->gave_up)
		nanosleep(&nap, NULL);
	return !at->gave_up;
}

int catch_up(struct ring_at *at, int (*consume)(void *ctx), void *ctx)
{
	unsigned long goal = look(at->written);
	struct wait wait = { 0 };

	while (!is_reached(at, goal)) {
		unsigned long before = look(at->read);
		int r = consume(ctx);

		if (r < 0 && r != -EAGAIN)
			return r;
		if (look(at->read) != before)
			wait.looks = 0;
		else if (!wait_for(at, before, &wait))
			return -EAGAIN;
	}
	return 0;
}
