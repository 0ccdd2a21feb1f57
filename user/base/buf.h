/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* buf: bytes that grow. The first failure sticks: append without asking, ask once at the end. */
#ifndef TCPCLOSE_BASE_BUF_H
#define TCPCLOSE_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* All zero is an empty buffer: struct buf b = {0}; or BUF_INIT. */
struct buf {
	char *data; /* len bytes, no NUL after them: see buf_string() */
	size_t len, cap;
	int err; /* 0, or -ENOMEM: from then on nothing is appended */
};
#define BUF_INIT ((struct buf){0})

/* What buf_reserve() does when there is no room. */
int buf_grow(struct buf *b, size_t more);

/* Room for `more` bytes beyond len. 0, or the sticking error. */
static inline int buf_reserve(struct buf *b, size_t more)
{
	/* After a failure there is no room on paper: buf_grow() finds the error. */
	return more && more <= b->cap - b->len ? 0 : buf_grow(b, more);
}

void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_fill(struct buf *b, char c, size_t n);
/* For what is not said once per record: it is ten times slower than the others. */
__attribute__((format(printf, 2, 3))) void buf_printf(struct buf *b, const char *format, ...);
/* A NUL after the bytes, not counted in len. NULL when an error sticks. */
const char *buf_string(struct buf *b);
/* What was to be appended is not to be had: as if there had been no memory for it. */
void buf_fail(struct buf *b, int err);
/* Back to an earlier len. An error sticks. */
void buf_cut(struct buf *b, size_t len);
/* Empties it, forgives the error, keeps the memory. */
void buf_reset(struct buf *b);
void buf_free(struct buf *b);

static inline void cleanup_buf(struct buf *b)
{
	buf_free(b);
}

static inline void buf_byte(struct buf *b, char c)
{
	if (buf_reserve(b, 1))
		return;
	b->data[b->len++] = c;
}

static inline void buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

#endif
