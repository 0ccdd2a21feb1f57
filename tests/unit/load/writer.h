/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* writer: a file in memory, laid out as the kernel lays out a ring, and a writer that is the test. */
#ifndef TESTS_UNIT_LOAD_WRITER_H
#define TESTS_UNIT_LOAD_WRITER_H

#include <stdint.h>

#include "load/ring.h"

struct writer {
	int fd;
	unsigned long *read, *written;
	char *data;
	size_t size, page;
	struct ring ring;
	/* what the reader was given */
	unsigned records;
	size_t last_size;
	unsigned char last_byte;
	unsigned stop_after; /* 0 = never */
	unsigned long read_seen;
};

/* cmocka's: *state is the writer. */
int writer_setup(void **state);
int writer_teardown(void **state);
/* A record of n equal bytes; bits: of the kernel's head. */
void writer_put(struct writer *w, size_t n, unsigned char byte, uint32_t bits);
/* A reader: ctx is the writer. */
int writer_take(void *ctx, const void *record, size_t size);

#endif
