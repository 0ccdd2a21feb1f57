/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "tests/unit/load/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGES 32

int writer_setup(void **state)
{
	static struct writer w;
	char *all;

	w = (struct writer){ .page = (size_t)sysconf(_SC_PAGESIZE) };
	w.size = PAGES * w.page;
	w.fd = memfd_create("ring", MFD_CLOEXEC);
	assert_true(w.fd >= 0);
	assert_int_equal(ftruncate(w.fd, (off_t)(2 * w.page + w.size)), 0);
	all = mmap(NULL, 2 * w.page + w.size, PROT_READ | PROT_WRITE, MAP_SHARED, w.fd, 0);
	assert_true(all != MAP_FAILED);
	w.read = (unsigned long *)all;
	w.written = (unsigned long *)(all + w.page);
	w.data = all + 2 * w.page;
	assert_int_equal(ring_open(w.fd, w.size, &w.ring), 0);
	*state = &w;
	return 0;
}

int writer_teardown(void **state)
{
	struct writer *w = *state;

	ring_close(&w->ring);
	ring_close(&w->ring);
	munmap(w->read, 2 * w->page + w->size);
	close(w->fd);
	return 0;
}

void writer_put(struct writer *w, size_t n, unsigned char byte, uint32_t bits)
{
	uint32_t head = (uint32_t)n | bits;

	memcpy(w->data + *w->written % w->size, &head, sizeof(head));
	for (size_t i = 0; i < n; i++)
		w->data[(*w->written + 8 + i) % w->size] = (char)byte;
	*w->written += (n + 8 + 7) / 8 * 8;
}

int writer_take(void *ctx, const void *record, size_t size)
{
	struct writer *w = ctx;
	const unsigned char *bytes = record;

	for (size_t i = 0; i < size; i++)
		assert_int_equal(bytes[i], bytes[0]);
	assert_int_equal((uintptr_t)record % 8, 0);
	w->records++;
	w->last_size = size;
	w->last_byte = bytes[0];
	w->read_seen = *w->read;
	return w->stop_after && w->records == w->stop_after ? -EAGAIN : 0;
}
