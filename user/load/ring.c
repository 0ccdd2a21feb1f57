/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "load/ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* How much is read before the writers are told. */
#define TELL_BYTES 65536

int ring_open(int fd, size_t size, struct ring *ret)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct ring ring = { .size = size, .page = page };
	void *at;
	int r;

	/* as the kernel lays it out: our page, the writers' page, the records */
	at = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	ring.read = at;
	at = mmap(NULL, page + size, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (at == MAP_FAILED) {
		r = -errno;
		munmap(ring.read, page);
		return r;
	}
	ring.written = at;
	ring.data = (const char *)at + page;
	*ret = ring;
	return 0;
}

void ring_close(struct ring *ring)
{
	if (!ring->read)
		return;
	munmap(ring->read, ring->page);
	munmap((void *)ring->written, ring->page + ring->size);
	*ring = (struct ring){ 0 };
}

/* Head and record, filled up to eight bytes. */
static size_t taken_by(uint32_t length)
{
	return ((size_t)length + BPF_RINGBUF_HDR_SZ + 7) & ~(size_t)7;
}

static uint32_t head_at(const struct ring *ring, unsigned long position)
{
	const void *head = ring->data + (position & (ring->size - 1));

	return __atomic_load_n((const uint32_t *)head, __ATOMIC_ACQUIRE);
}

static uint32_t length_of(uint32_t head)
{
	return head & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
}

/* The record at that place in one piece: one that runs over the end is copied. */
static const void *piece(const struct ring *ring, size_t offset, size_t length, char *copy)
{
	size_t first = ring->size - offset;

	if (length <= first)
		return ring->data + offset;
	memcpy(copy, ring->data + offset, first);
	memcpy(copy + first, ring->data, length - first);
	return copy;
}

static void tell(const struct ring *ring, unsigned long position)
{
	__atomic_store_n(ring->read, position, __ATOMIC_RELEASE);
}

int ring_consume(const struct ring *ring, int (*take)(void *ctx, const void *record, size_t size), void *ctx)
{
	unsigned long position = *ring->read, told = position, end;
	char copy[RING_RECORD_MAX] __attribute__((aligned(8)));
	bool unfinished = false;
	int r = 0;

	/*
	 * Asked once, not for each record: a writer would wait for that cache line with
	 * each of its own. What comes meanwhile is for the next time.
	 */
	end = __atomic_load_n(ring->written, __ATOMIC_ACQUIRE);
	while (r >= 0 && position != end) {
		uint32_t head = head_at(ring, position);
		uint32_t length = length_of(head);
		size_t offset = (position + BPF_RINGBUF_HDR_SZ) & (ring->size - 1);

		unfinished = head & BPF_RINGBUF_BUSY_BIT;
		if (unfinished)
			break;
		position += taken_by(length);
		if (length > RING_RECORD_MAX)
			r = -EBADMSG;
		else if (!(head & BPF_RINGBUF_DISCARD_BIT))
			r = take(ctx, piece(ring, offset, length, copy), length);
		if (position - told >= TELL_BYTES) {
			tell(ring, position);
			told = position;
		}
	}
	tell(ring, position);
	return r < 0 ? r : unfinished;
}

/* The length of an unfinished record is there: the kernel writes it before it moves the position. */
uint64_t ring_unread(const struct ring *ring)
{
	unsigned long position = *ring->read, end = __atomic_load_n(ring->written, __ATOMIC_ACQUIRE);
	uint64_t n = 0;

	while ((long)(end - position) > 0) {
		uint32_t head = head_at(ring, position);

		n += !(head & BPF_RINGBUF_DISCARD_BIT);
		position += taken_by(length_of(head));
	}
	return n;
}
