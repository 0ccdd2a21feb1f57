/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST 256

void buf_fail(struct buf *b, int err)
{
	b->err = err;
	/* No room left on paper, so that every appender comes by buf_grow() and leaves again. */
	b->cap = b->len;
}

static int fail(struct buf *b)
{
	buf_fail(b, -ENOMEM);
	return b->err;
}

int buf_grow(struct buf *b, size_t more)
{
	size_t cap;
	char *data;

	if (b->err)
		return b->err;
	if (more <= b->cap - b->len)
		return 0;
	if (more > SIZE_MAX / 2 - b->len)
		return fail(b);
	cap = b->cap ? b->cap : BUF_FIRST;
	while (cap < b->len + more)
		cap *= 2;
	data = realloc(b->data, cap);
	if (!data)
		return fail(b);
	b->data = data;
	b->cap = cap;
	return 0;
}

void buf_add(struct buf *b, const void *bytes, size_t n)
{
	if (n == 0 || buf_reserve(b, n))
		return;
	memcpy(b->data + b->len, bytes, n);
	b->len += n;
}

void buf_fill(struct buf *b, char c, size_t n)
{
	if (n == 0 || buf_reserve(b, n))
		return;
	memset(b->data + b->len, c, n);
	b->len += n;
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0 || buf_reserve(b, (size_t)n + 1)) {
		if (n < 0)
			fail(b);
		return;
	}
	va_start(args, format);
	vsnprintf(b->data + b->len, (size_t)n + 1, format, args);
	va_end(args);
	b->len += (size_t)n;
}

const char *buf_string(struct buf *b)
{
	if (buf_reserve(b, 1))
		return NULL;
	b->data[b->len] = '\0';
	return b->data;
}

void buf_cut(struct buf *b, size_t len)
{
	b->len = len;
	if (b->err)
		fail(b);
}

void buf_reset(struct buf *b)
{
	/* After a failure cap was lowered to len; the memory is at least that large. */
	b->len = 0;
	b->err = 0;
}

void buf_free(struct buf *b)
{
	free(b->data);
	*b = BUF_INIT;
}
