/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * page: characters in a grid of 100 columns, put in any order and printed at
 * once. What does not fit is cut, so no line is ever too long, and what is not
 * printable never gets out. For stranger's bytes there is page_stranger().
 */
#ifndef TCPCLOSE_SINK_PAGE_H
#define TCPCLOSE_SINK_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PAGE_COLUMNS 100
/* Bounds memory; what is put below is lost: print before. */
#define PAGE_LINES   4096

enum ink { INK_PLAIN, INK_DIM, INK_BOLD, INK_CALL, INK_GOOD, INK_BAD, INK_WARN, INK_MAX };

enum glyph {
	GLYPH_H,         /* a line from left to right */
	GLYPH_HEAVY,     /* the same, for titles */
	GLYPH_V,         /* an open socket's life */
	GLYPH_V_MINI,    /* a mini-socket's life */
	GLYPH_END,       /* where a life ends */
	GLYPH_HEAD_LEFT, /* arrows */
	GLYPH_HEAD_RIGHT,
	GLYPH_TO,        /* from one state to the next */
	GLYPH_FROM_LEFT, /* a segment from the left column, and from the right one */
	GLYPH_FROM_RIGHT,
	GLYPH_PASS, /* time passes */
	GLYPH_BULLET,
	GLYPH_TIMES,
	GLYPH_TEE, /* where a line goes down from another */
	GLYPH_MAX,
};

struct page_line;

/* All zero but utf8 and colour is an empty page. */
struct page {
	bool utf8, colour;
	struct page_line *lines;
	size_t n, cap;
	int err; /* 0, or -ENOMEM: sticks until printed */
};

const char *page_glyph(const struct page *p, enum glyph glyph);
/* Columns that our own text (no escapes needed) takes. */
unsigned page_width(const char *text);
/* At line y, column x, at most `width` columns: longer text loses its end. Returns its columns. */
unsigned page_put(struct page *p, size_t y, unsigned x, unsigned width, enum ink ink,
		  const char *text);
/* The same, but it ends at column x + width. */
void page_put_right(struct page *p, size_t y, unsigned x, unsigned width, enum ink ink,
		    const char *text);
/* n times one glyph. */
void page_fill(struct page *p, size_t y, unsigned x, unsigned n, enum ink ink, enum glyph glyph);
/* Breaks at blanks; after the first line `hang` columns further right. Returns its lines, >= 1. */
size_t page_wrap(struct page *p, size_t y, unsigned x, unsigned width, unsigned hang, enum ink ink,
		 const char *text);
/* Stranger's bytes up to the NUL, made harmless ASCII, into buf (size > 0); returns buf. */
const char *page_stranger(const char *bytes, char *buf, size_t size);

/* Writes all lines and empties the page. 0, or negative errno of memory or output. */
int page_print(struct page *p, FILE *out);
void page_free(struct page *p);

#endif
