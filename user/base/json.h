/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * json: a writer that cannot emit invalid JSON. Whatever a caller does, what
 * json_end() lets stand is one valid value; else the buffer is as it was before.
 * That is so of a form (base/form.h) too: a valid value in which others take the
 * place of values is a valid value.
 * Output is one line (unless pretty is set), safe for a terminal too: no control
 * character stands bare.
 */
#ifndef TCPCLOSE_BASE_JSON_H
#define TCPCLOSE_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/form.h"

#define JSON_DEPTH 64

/*
 * A word of our own as it will stand in the output, quotes and all: made by the
 * compiler, copied as one block. Lower case letters, digits, _ and - only.
 */
struct json_word {
	char text[31];
	uint8_t n;
};
_Static_assert(sizeof(struct json_word) == FORM_SLACK, "copied as one block of a form is");
#define JSON_WORD_OF(text, n)                                                                      \
	{                                                                                          \
		text, (n) + 0 * sizeof(char[(n) <= 31 ? 1 : -1])                                   \
	}
#define JSON_KEY(word) JSON_WORD_OF("\"" word "\":", sizeof(word) + 2)
#define JSON_WORD(word) JSON_WORD_OF("\"" word "\"", sizeof(word) + 1)

struct json {
	struct buf *out;
	size_t start;	 /* where our bytes begin in out */
	const char *key; /* text that waits for the value that is next; NULL = none does */
	size_t key_n;
	uint64_t object; /* bit i: the container that i others stand in is an object; 0 is the innermost */
	uint8_t depth;	 /* open containers */
	bool in_object;	 /* the innermost is one */
	bool plain;	 /* ... and is not pretty: a key may wait */
	bool comma;	 /* a value stands before in this container */
	bool done;	 /* the one top value is complete */
	bool pretty;	 /* set after json_begin(): indented over many lines, for people */
	uint8_t low;	 /* the lowest depth since it was set */
	uint8_t hole_depth; /* kept: of the hole that is open; 0 = none is */
	size_t nested;	 /* kept: how many were begun in that one since */
	/* what is between the values comes from form, or becomes one in kept; NULL */
	const struct form *form;
	struct form *kept;
	size_t taken;	 /* kept: what stands in out before this is in it */
	/* form: its text from the last hole on, how much of that stands before the next, and how many there are; else 0 */
	const char *text;
	const uint16_t *hole;
	size_t holes_left;
	struct forms *forms;  /* of these */
	struct forms *values; /* NULL, or set after json_begin(): the caller's own, for json_again() */
	int err;	 /* first misuse: -EINVAL (value without key, ...), -E2BIG (too deep) */
};

/* Appends to out, which outlives the writer. */
void json_begin(struct json *j, struct buf *out);
/* 0 when exactly one complete value was written; else the first error, and out is cut back. */
int json_end(struct json *j);

void json_object_begin(struct json *j);
void json_object_end(struct json *j);
void json_array_begin(struct json *j);
void json_array_end(struct json *j);
void json_key_n(struct json *j, const char *key, size_t n);
void json_string_n(struct json *j, const char *bytes, size_t n);
/* What json_key_word() does when the key cannot wait. */
void json_key_now(struct json *j, const struct json_word *key);
/* A JSON_WORD(). */
void json_word(struct json *j, const struct json_word *word);
void json_u64(struct json *j, uint64_t value);
void json_i64(struct json *j, int64_t value);
void json_boolean(struct json *j, bool value);
void json_null(struct json *j);
/* value / 10^digits as a number without rounding: (1500, 3) is 1.5. digits at most 18. */
void json_decimal(struct json *j, uint64_t value, unsigned digits);

/*
 * All of one value by its form. json_form_begin(): true when there is one of that
 * key; then json_fill() goes before every value that stands in a hole, and nothing
 * but these is written. Else all is written, json_hole_begin() goes before each of
 * them, behind its key, and json_hole_end() after it: that makes the form.
 * json_form_end() comes last, with the same key, whichever it was.
 */
bool json_form_begin(struct json *j, struct forms *forms, const struct form_key *key);
void json_form_end(struct json *j, const struct form_key *key);
void json_fill(struct json *j);
/* json_fill() and json_u64(), of which there are twenty in a line. */
void json_fill_u64(struct json *j, uint64_t value);
/*
 * A value as it was written before. json_again(): true when it stands there now;
 * else whoever writes it calls json_keep() with the same arguments afterwards.
 */
struct json_mark {
	size_t from;
	uint8_t depth, low;
};
bool json_again(struct json *j, const struct form_key *key, struct json_mark *mark);
void json_keep(struct json *j, const struct form_key *key, const struct json_mark *mark);

void json_hole_open(struct json *j);
void json_hole_close(struct json *j);

static inline void json_hole_begin(struct json *j)
{
	if (j->kept)
		json_hole_open(j);
}

static inline void json_hole_end(struct json *j)
{
	if (j->kept)
		json_hole_close(j);
}

/* A JSON_KEY(), which outlives the writer. */
static inline void json_key_word(struct json *j, const struct json_word *key)
{
	/* what is not as it mostly is, is asked there: sixty of these are in a line */
	if (j->plain && !j->key) {
		j->key = key->text;
		j->key_n = key->n;
	} else
		json_key_now(j, key);
}

static inline void json_key(struct json *j, const char *key)
{
	json_key_n(j, key, strlen(key));
}

/* NULL becomes null. */
static inline void json_string(struct json *j, const char *s)
{
	if (s)
		json_string_n(j, s, strlen(s));
	else
		json_null(j);
}

#endif
