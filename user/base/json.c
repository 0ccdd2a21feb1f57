/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "base/json.h"

#include <errno.h>

#include "base/utf8.h"

static void misuse(struct json *j, int err)
{
	if (!j->err)
		j->err = err;
	/* whoever finds a key waiting need not ask for the error */
	j->keyed = false;
}

void json_begin(struct json *j, struct buf *out)
{
	*j = (struct json){ .out = out, .start = out->len };
}

int json_end(struct json *j)
{
	if (!j->done)
		misuse(j, -EINVAL);
	if (j->out->err)
		misuse(j, j->out->err);
	if (j->err)
		buf_cut(j->out, j->start);
	return j->err;
}

static void enter(struct json *j, unsigned depth)
{
	j->depth = (uint8_t)depth;
	j->in_object = depth && (j->object >> (depth - 1) & 1);
}

static inline void new_line(struct json *j)
{
	if (!j->pretty)
		return;
	buf_byte(j->out, '\n');
	buf_fill(j->out, '\t', j->depth);
}

/* A value without a key: an array's, or the one on top. */
static bool item_fits(struct json *j)
{
	if (j->err)
		return false;
	if (j->done || j->in_object) {
		misuse(j, -EINVAL);
		return false;
	}
	if (j->comma)
		buf_byte(j->out, ',');
	if (j->depth)
		new_line(j);
	j->comma = true;
	j->done = j->depth == 0;
	return true;
}

/* Before every value: may one stand here, and does a comma go first? */
static inline bool value_fits(struct json *j)
{
	/* a key, so an object, so not done */
	if (!j->keyed)
		return item_fits(j);
	j->keyed = false;
	j->comma = true;
	return true;
}

static void open_container(struct json *j, bool object, char bracket)
{
	if (j->depth == JSON_DEPTH)
		misuse(j, -E2BIG);
	if (!value_fits(j))
		return;
	j->object &= ~(UINT64_C(1) << j->depth);
	j->object |= (uint64_t)object << j->depth;
	enter(j, j->depth + 1U);
	j->comma = false;
	j->done = false;
	buf_byte(j->out, bracket);
}

static void close_container(struct json *j, bool object, char bracket)
{
	if (j->err)
		return;
	if (!j->depth || j->in_object != object || j->keyed) {
		misuse(j, -EINVAL);
		return;
	}
	enter(j, j->depth - 1U);
	if (j->comma)
		new_line(j);
	j->comma = true;
	j->done = j->depth == 0;
	buf_byte(j->out, bracket);
}

void json_object_begin(struct json *j)
{
	open_container(j, true, '{');
}

void json_object_end(struct json *j)
{
	close_container(j, true, '}');
}

void json_array_begin(struct json *j)
{
	open_container(j, false, '[');
}

void json_array_end(struct json *j)
{
	close_container(j, false, ']');
}

/* The letter after the backslash, 0 when it takes \uXXXX. */
static char short_escape(uint32_t c)
{
	switch (c) {
	case '"':
	case '\\':
		return (char)c;
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return 0;
	}
}

static void put_escape(struct buf *out, uint32_t c)
{
	static const char hex[] = "0123456789abcdef";
	char letter = short_escape(c);
	char escape[6] = { '\\', 'u', hex[c >> 12 & 15], hex[c >> 8 & 15], hex[c >> 4 & 15],
			   hex[c & 15] };

	if (letter) {
		escape[1] = letter;
		buf_add(out, escape, 2);
	} else {
		buf_add(out, escape, 6);
	}
}

/* JSON asks for the first 32 and the two; DEL and C1 are for the sake of terminals. */
static bool must_escape(uint32_t c)
{
	return c < 0x20 || c == '"' || c == '\\' || (c >= 0x7f && c < 0xa0);
}

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* A high bit for each byte of the word that is no plain ASCII (a false one may stand above a true one). */
static uint64_t not_plain(uint64_t w)
{
	uint64_t quote = (w ^ EACH_BYTE * '"') - EACH_BYTE;
	uint64_t slash = (w ^ EACH_BYTE * '\\') - EACH_BYTE;
	uint64_t del = (w ^ EACH_BYTE * 0x7f) - EACH_BYTE;

	return (w | (w - EACH_BYTE * 0x20) | quote | slash | del) & EACH_BYTE * 0x80;
}

/* Copies n bytes; whether all of them are plain ASCII. Inline, for memcpy() is slow on what is so short. */
static inline bool copy_plain(char *to, const char *p, size_t n)
{
	uint64_t w = EACH_BYTE * ' ', bad = 0;

	if (n < sizeof(w)) {
		for (size_t i = 0; i < n; i++) {
			to[i] = p[i];
			w = w << 8 | (uint8_t)p[i];
		}
		return !not_plain(w);
	}
	for (size_t i = 0; i + sizeof(w) <= n; i += sizeof(w)) {
		memcpy(&w, p + i, sizeof(w));
		memcpy(to + i, &w, sizeof(w));
		bad |= not_plain(w);
	}
	/* The last word overlaps the one before where n is no multiple of its length. */
	memcpy(&w, p + n - sizeof(w), sizeof(w));
	memcpy(to + n - sizeof(w), &w, sizeof(w));
	return !(bad | not_plain(w));
}

static void put_hostile(struct buf *out, const char *p, size_t n)
{
	while (n) {
		uint32_t c = 0xfffd;
		size_t length = utf8_decode(p, n, &c);

		if (!length || must_escape(c))
			put_escape(out, c);
		else
			buf_add(out, p, length);
		length = length ? length : 1;
		p += length;
		n -= length;
	}
}

static void put_string(struct buf *out, const char *p, size_t n)
{
	char *to;

	if (n > SIZE_MAX / 2 || buf_reserve(out, n + 2))
		return;
	to = out->data + out->len;
	*to++ = '"';
	if (copy_plain(to, p, n)) {
		to[n] = '"';
		out->len += n + 2;
		return;
	}
	out->len++;
	put_hostile(out, p, n);
	buf_byte(out, '"');
}

/* Before every key: may one stand here, and does a comma go first? */
static inline bool key_fits(struct json *j)
{
	if (j->err)
		return false;
	if (!j->in_object || j->keyed) {
		misuse(j, -EINVAL);
		return false;
	}
	if (j->comma)
		buf_byte(j->out, ',');
	new_line(j);
	j->keyed = true;
	return true;
}

void json_key_n(struct json *j, const char *key, size_t n)
{
	if (!key_fits(j))
		return;
	put_string(j->out, key, n);
	buf_byte(j->out, ':');
	if (j->pretty)
		buf_byte(j->out, ' ');
}

/* All of the block, whose length the compiler knows; what is too much is written over. */
static inline void put_word(struct buf *out, const struct json_word *word)
{
	if (buf_reserve(out, sizeof(*word)))
		return;
	memcpy(out->data + out->len, word, sizeof(*word));
	out->len += word->n;
}

void json_key_word(struct json *j, const struct json_word *key)
{
	struct buf *out = j->out;

	/* what is not simple is asked again; what is, is done sixty times a line */
	if (j->err || !j->in_object || j->keyed || j->pretty || buf_reserve(out, sizeof(*key) + 1)) {
		if (!key_fits(j))
			return;
		put_word(out, key);
		if (j->pretty)
			buf_byte(out, ' ');
		return;
	}
	/* without a comma the key is written over it */
	out->data[out->len] = ',';
	out->len += j->comma;
	memcpy(out->data + out->len, key, sizeof(*key));
	out->len += key->n;
	j->keyed = true;
}

static bool may_copy(const struct json *j)
{
	return j->memo && !j->err && j->in_object && !j->keyed && !j->pretty;
}

bool json_again(struct json *j, const struct memo_key *key)
{
	const struct memo_slot *slot = may_copy(j) ? memo_find(j->memo, key) : NULL;

	if (!slot)
		return false;
	if (j->comma)
		buf_byte(j->out, ',');
	buf_add(j->out, slot->text, slot->n);
	j->comma = true;
	return true;
}

size_t json_mark(const struct json *j)
{
	return j->out->len + j->comma;
}

void json_keep(struct json *j, const struct memo_key *key, size_t mark)
{
	if (may_copy(j) && !j->out->err && j->out->len > mark)
		memo_put(j->memo, key, j->out->data + mark, j->out->len - mark);
}

void json_word(struct json *j, const struct json_word *word)
{
	if (value_fits(j))
		put_word(j->out, word);
}

void json_string_n(struct json *j, const char *bytes, size_t n)
{
	if (value_fits(j))
		put_string(j->out, bytes, n);
}

void json_u64(struct json *j, uint64_t value)
{
	if (value_fits(j))
		buf_u64(j->out, value);
}

void json_i64(struct json *j, int64_t value)
{
	if (value_fits(j))
		buf_i64(j->out, value);
}

void json_boolean(struct json *j, bool value)
{
	if (value_fits(j))
		buf_puts(j->out, value ? "true" : "false");
}

void json_null(struct json *j)
{
	if (value_fits(j))
		buf_add(j->out, "null", 4);
}

void json_decimal(struct json *j, uint64_t value, unsigned digits)
{
	uint64_t scale = 1;

	for (unsigned i = 0; i < digits && i < 18; i++)
		scale *= 10;
	if (!value_fits(j))
		return;
	buf_u64(j->out, value / scale);
	value %= scale;
	if (value)
		buf_byte(j->out, '.');
	while (value) {
		scale /= 10;
		buf_byte(j->out, (char)('0' + value / scale));
		value %= scale;
	}
}
