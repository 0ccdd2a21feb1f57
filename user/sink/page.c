/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "sink/page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/utf8.h"
#include "sink/out.h"

struct page_cell {
	char bytes[4]; /* one character, shorter ones zero-padded; all zero is a blank */
	uint8_t ink;
};

struct page_line {
	struct page_cell cell[PAGE_COLUMNS];
};

/* What every terminal font has, one column wide; no emoji among them. */
static const char *const glyphs[GLYPH_MAX][2] = {
	/* clang-format off */
	[GLYPH_H]          = {"-",  "─"},
	[GLYPH_HEAVY]      = {"=",  "━"},
	[GLYPH_V]          = {"|",  "│"},
	[GLYPH_V_MINI]     = {":",  "┊"},
	[GLYPH_END]        = {"+",  "┴"},
	[GLYPH_HEAD_LEFT]  = {"<",  "◄"},
	[GLYPH_HEAD_RIGHT] = {">",  "►"},
	[GLYPH_TO]         = {"->", "→"},
	[GLYPH_FROM_LEFT]  = {">",  "→"},
	[GLYPH_FROM_RIGHT] = {"<",  "←"},
	[GLYPH_PASS]       = {".",  "·"},
	[GLYPH_BULLET]     = {"*",  "•"},
	[GLYPH_TIMES]      = {"x",  "×"},
	[GLYPH_TEE]        = {"+",  "┬"},
	/* clang-format on */
};

static const char *const inks[INK_MAX] = {
	[INK_PLAIN] = "0", [INK_DIM] = "2",    [INK_BOLD] = "1",  [INK_CALL] = "36",
	[INK_GOOD] = "32", [INK_BAD] = "1;31", [INK_WARN] = "33",
};

const char *page_glyph(const struct page *p, enum glyph glyph)
{
	return glyphs[glyph][p->utf8];
}

unsigned page_width(const char *text)
{
	unsigned columns = 0;

	for (; *text; text++)
		columns += ((uint8_t)*text & 0xc0) != 0x80;
	return columns;
}

static struct page_line *page_line(struct page *p, size_t y)
{
	if (p->err || y >= PAGE_LINES)
		return NULL;
	if (y >= p->cap) {
		size_t cap = y < 32 ? 64 : 2 * y;
		struct page_line *lines = realloc(p->lines, cap * sizeof(*lines));

		if (!lines) {
			p->err = -ENOMEM;
			return NULL;
		}
		p->lines = lines;
		p->cap = cap;
	}
	for (; p->n <= y; p->n++)
		memset(&p->lines[p->n], 0, sizeof(p->lines[0]));
	return &p->lines[y];
}

/*
 * The next character, one column wide and printable whatever stands there: this
 * is the last gate before a terminal.
 */
static size_t page_take(const struct page *p, const char *text, char ret[static 4])
{
	uint32_t c = 0;
	size_t n = utf8_decode(text, strnlen(text, 4), &c);

	memset(ret, 0, 4);
	if (!n || c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x80 && !p->utf8))
		ret[0] = '?';
	else
		memcpy(ret, text, n);
	return n ? n : 1;
}

unsigned page_put(struct page *p, size_t y, unsigned x, unsigned width, enum ink ink,
		  const char *text)
{
	struct page_line *line = x < PAGE_COLUMNS ? page_line(p, y) : NULL;
	unsigned wanted = page_width(text);
	unsigned used = 0;

	if (!line)
		return 0;
	if (width > PAGE_COLUMNS - x)
		width = PAGE_COLUMNS - x;
	while (*text && used < width) {
		struct page_cell *cell = &line->cell[x + used++];

		text += page_take(p, text, cell->bytes);
		cell->ink = (uint8_t)ink;
	}
	if (wanted > width && width) {
		memset(line->cell[x + width - 1].bytes, 0, 4);
		memcpy(line->cell[x + width - 1].bytes, p->utf8 ? "…" : "~", p->utf8 ? 3 : 1);
	}
	return used;
}

void page_put_right(struct page *p, size_t y, unsigned x, unsigned width, enum ink ink,
		    const char *text)
{
	unsigned wanted = page_width(text);

	if (wanted < width) {
		x += width - wanted;
		width = wanted;
	}
	page_put(p, y, x, width, ink, text);
}

void page_fill(struct page *p, size_t y, unsigned x, unsigned n, enum ink ink, enum glyph glyph)
{
	for (unsigned i = 0; i < n; i++)
		page_put(p, y, x + i, 1, ink, page_glyph(p, glyph));
}

/* How many bytes of text fit into `width` columns when it is broken at a blank. */
static size_t page_break(const char *text, unsigned width)
{
	size_t i = 0, blank = 0;
	unsigned columns = 0;

	for (; text[i]; i++) {
		if (((uint8_t)text[i] & 0xc0) == 0x80)
			continue;
		if (text[i] == ' ')
			blank = i;
		if (columns++ == width)
			return blank ? blank : i;
	}
	return i;
}

size_t page_wrap(struct page *p, size_t y, unsigned x, unsigned width, unsigned hang, enum ink ink,
		 const char *text)
{
	CLEANUP(buf) struct buf part = BUF_INIT;
	unsigned indent = 0;
	size_t lines = 0;

	do {
		size_t n = page_break(text, width - indent);

		if (!n) /* no room for one character: give up rather than turn for ever */
			break;
		buf_reset(&part);
		buf_add(&part, text, n);
		page_put(p, y + lines++, x + indent, width - indent, ink, buf_string(&part) ?: "");
		text += n;
		while (*text == ' ')
			text++;
		indent = hang < width ? hang : 0;
	} while (*text);
	return lines ? lines : 1;
}

const char *page_stranger(const char *bytes, char *buf, size_t size)
{
	CLEANUP(buf) struct buf safe = BUF_INIT;
	const char *text;

	text_put(&safe, bytes, strlen(bytes), size - 1, false);
	text = buf_string(&safe);
	snprintf(buf, size, "%s", text ? text : "?");
	return buf;
}

static void page_print_line(const struct page *p, const struct page_line *line, struct buf *out)
{
	unsigned end = PAGE_COLUMNS;
	uint8_t ink = INK_PLAIN;

	while (end && (!line->cell[end - 1].bytes[0] || !strcmp(line->cell[end - 1].bytes, " ")))
		end--;
	for (unsigned x = 0; x < end; x++) {
		const struct page_cell *cell = &line->cell[x];

		if (p->colour && cell->ink != ink) {
			ink = cell->ink;
			buf_puts(out, ink == INK_PLAIN ? "\033[0m" : "\033[0;");
			if (ink != INK_PLAIN) {
				buf_puts(out, inks[ink]);
				buf_byte(out, 'm');
			}
		}
		buf_add(out, cell->bytes[0] ? cell->bytes : " ",
			cell->bytes[0] ? strnlen(cell->bytes, 4) : 1);
	}
	if (ink != INK_PLAIN)
		buf_puts(out, "\033[0m");
	buf_byte(out, '\n');
}

int page_print(struct page *p, FILE *out)
{
	CLEANUP(buf) struct buf text = BUF_INIT;
	int err = p->err;

	for (size_t y = 0; y < p->n; y++)
		page_print_line(p, &p->lines[y], &text);
	p->n = 0;
	p->err = 0;
	if (err)
		return err;
	err = text.len ? out_write(out, &text) : 0;
	/* A story ends when it ends: nobody should have to wait for the next to see it. */
	return !err && fflush(out) ? -errno : err;
}

void page_free(struct page *p)
{
	free(p->lines);
	p->lines = NULL;
	p->n = p->cap = 0;
}
