/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "load/aside.h"

#include <errno.h>
#include <linux/bpf.h>

#define ASIDE_MAX ((size_t)256 << 20)

/* As they lie in the ring: none takes more here than there. */
struct head {
	uint64_t size;
};
_Static_assert(sizeof(struct head) <= BPF_RINGBUF_HDR_SZ, "what is in a ring fits into as much");

static size_t filled_up(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

static int keep(void *ctx, const void *record, size_t size)
{
	struct buf *aside = ctx;
	struct head head = { size };

	buf_add(aside, &head, sizeof(head));
	buf_add(aside, record, size);
	buf_fill(aside, 0, filled_up(size) - size);
	return aside->err;
}

int aside_read(struct buf *aside, const struct ring *ring)
{
	int r;

	/* Room for all of it before any of it is read. It takes memory when it is written to. */
	if (aside->len > ASIDE_MAX || buf_reserve(aside, ring->size))
		return 0;
	r = ring_consume(ring, keep, aside);
	return r < 0 ? r : 0;
}

int aside_give(struct buf *aside, int (*take)(void *ctx, const void *record, size_t size), void *ctx)
{
	size_t at = 0;
	int r = 0;

	while (at < aside->len && (r >= 0 || r == -EAGAIN)) {
		struct head head;

		memcpy(&head, aside->data + at, sizeof(head));
		at += sizeof(head);
		r = take(ctx, aside->data + at, head.size);
		at += filled_up(head.size);
	}
	buf_free(aside);
	return r < 0 && r != -EAGAIN ? r : 0;
}
