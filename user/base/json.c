/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "base/json_priv.h"

#include <errno.h>

#include "base/utf8.h"

const char json_written[FORM_SLACK];

void json_misuse(struct json *j, int err)
{
	if (!j->err)
		j->err = err;
	/* whoever finds a key waiting, or may have one wait, need not ask for the error */
	j->key = NULL;
	j->plain = false;
}

void json_begin(struct json *j, struct buf *out)
{
	*j = (struct json){ .out = out, .start = out->len };
}

int json_end(struct json *j)
{
	if (!j->done || j->form)
		json_misuse(j, -EINVAL);
	if (j->out->err)
		json_misuse(j, j->out->err);
	if (j->err)
		buf_cut(j->out, j->start);
	return j->err;
}

static inline void enter(struct json *j, bool in_object)
{
	j->in_object = in_object;
	j->plain = in_object && !j->pretty;
}

static inline void new_line(struct json *j)
{
	if (!j->pretty)
		return;
	buf_byte(j->out, '\n');
	buf_fill(j->out, '\t', j->depth);
}

char *json_no_place(struct json *j)
{
	json_misuse(j, j->out->err);
	return NULL;
}

char *json_item_place(struct json *j, size_t n)
{
	if (j->err)
		return NULL;
	if (j->done || j->in_object) {
		json_misuse(j, -EINVAL);
		return NULL;
	}
	if (j->comma)
		buf_byte(j->out, ',');
	if (j->depth)
		new_line(j);
	j->comma = true;
	j->done = j->depth == 0;
	if (buf_reserve(j->out, n))
		return json_no_place(j);
	return j->out->data + j->out->len;
}

static inline void open_container(struct json *j, bool object, char bracket)
{
	char *at;

	if (j->depth == JSON_DEPTH)
		json_misuse(j, -E2BIG);
	at = json_value_place(j, 1);
	if (!at)
		return;
	*at = bracket;
	json_value_ends(j, at + 1);
	j->object = j->object << 1 | object;
	j->depth++;
	enter(j, object);
	j->comma = false;
	j->done = false;
}

static inline void close_container(struct json *j, bool object, char bracket)
{
	if (j->err)
		return;
	if (!j->depth || j->in_object != object || j->key) {
		json_misuse(j, -EINVAL);
		return;
	}
	j->depth--;
	if (j->depth < j->low)
		j->low = j->depth;
	j->object >>= 1;
	enter(j, j->depth && j->object & 1);
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

/* The same of fewer bytes than a word has: two halves that may overlap, as below. */
static inline bool copy_short(char *to, const char *p, size_t n)
{
	uint32_t first, last;

	if (n < sizeof(first)) {
		uint64_t w = EACH_BYTE * ' ';

		for (size_t i = 0; i < n; i++) {
			to[i] = p[i];
			w = w << 8 | (uint8_t)p[i];
		}
		return !not_plain(w);
	}
	memcpy(&first, p, sizeof(first));
	memcpy(&last, p + n - sizeof(last), sizeof(last));
	memcpy(to, &first, sizeof(first));
	memcpy(to + n - sizeof(last), &last, sizeof(last));
	return !not_plain((uint64_t)last << 32 | first);
}

/* Copies n bytes; whether all of them are plain ASCII. Inline, for memcpy() is slow on what is so short. */
static inline bool copy_plain(char *to, const char *p, size_t n)
{
	uint64_t w, bad = 0;

	if (n < sizeof(w))
		return copy_short(to, p, n);
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

/* What is not plain, behind its first quote. */
static __attribute__((noinline)) void put_rest(struct buf *out, char *at, const char *p, size_t n)
{
	out->len = (size_t)(at - out->data);
	put_hostile(out, p, n);
	buf_byte(out, '"');
}

/* At `at`, where room for them and their quotes is, as far as they need no escape. */
static inline void put_string(struct buf *out, char *at, const char *p, size_t n)
{
	*at++ = '"';
	if (!copy_plain(at, p, n)) {
		put_rest(out, at, p, n);
		return;
	}
	at[n] = '"';
	out->len = (size_t)(at + n + 1 - out->data);
}

/* Before a key that is written at once: may one stand here, and does a comma go first? */
static bool key_fits(struct json *j)
{
	if (j->err)
		return false;
	if (!j->in_object || j->key) {
		json_misuse(j, -EINVAL);
		return false;
	}
	if (j->comma)
		buf_byte(j->out, ',');
	new_line(j);
	return true;
}

void json_key_n(struct json *j, const char *key, size_t n)
{
	if (!key_fits(j))
		return;
	if (n > SIZE_MAX / 2 || buf_reserve(j->out, n + 2)) {
		json_misuse(j, -ENOMEM);
		return;
	}
	put_string(j->out, j->out->data + j->out->len, key, n);
	buf_byte(j->out, ':');
	json_key_is_written(j);
}

void json_key_now(struct json *j, const struct json_word *key)
{
	if (!key_fits(j))
		return;
	buf_add(j->out, key->text, key->n);
	json_key_is_written(j);
}

void json_word(struct json *j, const struct json_word *word)
{
	char *at = json_value_place(j, sizeof(*word));

	if (!at)
		return;
	memcpy(at, word, sizeof(*word));
	json_value_ends(j, at + word->n);
}

void json_string_n(struct json *j, const char *bytes, size_t n)
{
	char *at;

	if (n > SIZE_MAX / 2)
		json_misuse(j, -ENOMEM);
	at = json_value_place(j, n + 2);
	if (at)
		put_string(j->out, at, bytes, n);
}

void json_u64(struct json *j, uint64_t value)
{
	char *at = json_value_place(j, 20);

	if (at)
		json_put_u64(j, at, value);
}

void json_i64(struct json *j, int64_t value)
{
	char *at = json_value_place(j, 21);

	if (!at)
		return;
	if (value < 0)
		*at++ = '-';
	/* Negated as unsigned: INT64_MIN has no positive twin. */
	at += digits_put(at, value < 0 ? -(uint64_t)value : (uint64_t)value);
	json_value_ends(j, at);
}

void json_boolean(struct json *j, bool value)
{
	static const struct json_word words[] = { { "false", 5 }, { "true", 4 } };

	json_word(j, &words[value]);
}

void json_null(struct json *j)
{
	static const struct json_word null = { "null", 4 };

	json_word(j, &null);
}

void json_decimal(struct json *j, uint64_t value, unsigned digits)
{
	uint64_t scale = 1;
	char *at = json_value_place(j, 20 + 1 + 18);

	if (!at)
		return;
	for (unsigned i = 0; i < digits && i < 18; i++)
		scale *= 10;
	at += digits_put(at, value / scale);
	value %= scale;
	if (value)
		*at++ = '.';
	while (value) {
		scale /= 10;
		*at++ = (char)('0' + value / scale);
		value %= scale;
	}
	json_value_ends(j, at);
}
