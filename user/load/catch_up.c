/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "load/catch_up.h"

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * A record is unfinished for as long as its program runs: microseconds, or until
 * a host runs this virtual CPU again. Beyond that many looks in vain it is not
 * waited for.
 */
#define VAIN_MAX 10000

static const volatile unsigned long *map_page(int fd, off_t offset)
{
	void *page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED, fd, offset);

	return page == MAP_FAILED ? NULL : page;
}

static void unmap_page(const volatile unsigned long *page)
{
	if (page)
		munmap((void *)page, (size_t)sysconf(_SC_PAGESIZE));
}

/* The map's first page has the reader's position, the second the writers'. */
int ring_at_open(int map_fd, struct ring_at *ret)
{
	struct ring_at at = { .read = map_page(map_fd, 0) };

	if (at.read)
		at.written = map_page(map_fd, sysconf(_SC_PAGESIZE));
	if (!at.written) {
		int r = -errno;

		ring_at_close(&at);
		return r;
	}
	*ret = at;
	return 0;
}

void ring_at_close(struct ring_at *at)
{
	unmap_page(at->read);
	unmap_page(at->written);
	*at = (struct ring_at){ 0 };
}

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
