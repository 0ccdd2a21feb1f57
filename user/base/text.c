/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "base/text.h"

#include "base/utf8.h"

struct range {
	uint32_t first, last;
};

/*
 * Moves, hides or joins its neighbours, looks like a gap between columns, or is none: a
 * name can lie with these. What is written from the right (Hebrew, Arabic and their
 * neighbours) takes the figures behind it along on some terminals.
 */
static const struct range tricky[] = {
	{ 0x0000, 0x001f },   { 0x007f, 0x00a0 },   { 0x00ad, 0x00ad },   { 0x034f, 0x034f },   { 0x0590, 0x08ff },
	{ 0x115f, 0x1160 },   { 0x1680, 0x1680 },   { 0x17b4, 0x17b5 },   { 0x180b, 0x180f },   { 0x2000, 0x200f },
	{ 0x2028, 0x202f },   { 0x205f, 0x206f },   { 0x2800, 0x2800 },   { 0x3000, 0x3000 },   { 0x3164, 0x3164 },
	{ 0xd800, 0xf8ff },   { 0xfb1d, 0xfdff },   { 0xfe00, 0xfe0f },   { 0xfe70, 0xfeff },   { 0xffa0, 0xffa0 },
	{ 0xfff0, 0xfffb },   { 0x10800, 0x10fff }, { 0x110bd, 0x110bd }, { 0x110cd, 0x110cd }, { 0x13430, 0x1345f },
	{ 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0x1e800, 0x1efff }, { 0xe0000, 0x10ffff },
};

/* Stands on the character before. The common blocks; a rare mark only costs a column of alignment. */
static const struct range combining[] = {
	{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0e34, 0x0e3a },
	{ 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x20d0, 0x20ff }, { 0x302a, 0x302f }, { 0xfe20, 0xfe2f },
};

/* Two columns wide (East Asian Width W and F, emoji). */
static const struct range wide[] = {
	{ 0x1100, 0x115e },   { 0x231a, 0x231b },   { 0x2329, 0x232a },	  { 0x2e80, 0x303e },
	{ 0x3041, 0x33ff },   { 0x3400, 0x4dbf },   { 0x4e00, 0xa4cf },	  { 0xa960, 0xa97f },
	{ 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },	  { 0xff01, 0xff60 },
	{ 0xffe0, 0xffe6 },   { 0x16fe0, 0x18cff }, { 0x1b000, 0x1b2ff }, { 0x1f000, 0x1f02f },
	{ 0x1f18e, 0x1f265 }, { 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1faff },
	{ 0x20000, 0x3fffd },
};

static bool in_ranges(const struct range *r, size_t n, uint32_t c)
{
	for (size_t i = 0; i < n && r[i].first <= c; i++)
		if (c <= r[i].last)
			return true;
	return false;
}
#define IN(table, c) in_ranges(table, sizeof(table) / sizeof((table)[0]), c)

/* One character of the input, and how it will stand in the output. */
struct glyph {
	size_t bytes;	/* taken from the input */
	size_t columns; /* taken on the screen */
	bool escaped;	/* as \xNN for each byte */
};

static struct glyph next_glyph(const char *p, size_t n, bool utf8)
{
	uint32_t c = 0;
	size_t length = utf8_decode(p, n, &c);

	if (!length)
		return (struct glyph){ 1, 4, true };
	if (IN(tricky, c) || (c >= 0x80 && !utf8))
		return (struct glyph){ length, 4 * length, true };
	if (c == '\\')
		return (struct glyph){ 1, 2, false };
	return (struct glyph){ length, IN(wide, c) ? 2 : IN(combining, c) ? 0 : 1, false };
}

static void put_glyph(struct buf *out, const char *p, struct glyph g)
{
	static const char hex[] = "0123456789abcdef";

	if (!g.escaped) {
		if (*p == '\\')
			buf_byte(out, '\\');
		buf_add(out, p, g.bytes);
		return;
	}
	for (size_t i = 0; i < g.bytes; i++) {
		uint8_t byte = (uint8_t)p[i];
		char escape[4] = { '\\', 'x', hex[byte >> 4], hex[byte & 15] };

		buf_add(out, escape, sizeof(escape));
	}
}

size_t text_width(const char *bytes, size_t n, bool utf8)
{
	size_t columns = 0;

	while (n) {
		struct glyph g = next_glyph(bytes, n, utf8);

		columns += g.columns;
		bytes += g.bytes;
		n -= g.bytes;
	}
	return columns;
}

size_t text_put(struct buf *out, const char *bytes, size_t n, size_t columns, bool utf8)
{
	bool whole = columns == TEXT_ANY || text_width(bytes, n, utf8) <= columns;
	size_t room = whole ? columns : columns - (columns > 0);
	size_t used = 0;

	while (n) {
		struct glyph g = next_glyph(bytes, n, utf8);

		if (g.columns > room - used)
			break;
		put_glyph(out, bytes, g);
		used += g.columns;
		bytes += g.bytes;
		n -= g.bytes;
	}
	if (whole || !columns)
		return used;
	buf_puts(out, utf8 ? "\u2026" : "~");
	return used + 1;
}
