/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * json: a writer that cannot emit invalid JSON. Whatever a caller does, what
 * json_end() lets stand is one valid value; else the buffer is as it was before.
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
#include "base/memo.h"

#define JSON_DEPTH 64

struct json {
	struct buf *out;
	size_t start;	 /* where our bytes begin in out */
	uint64_t object; /* bit i: the container at depth i is an object */
	uint8_t depth;	 /* open containers */
	bool in_object;	 /* the innermost is one */
	bool comma;	 /* a value stands before in this container */
	bool keyed;	 /* a key waits for its value */
	bool done;	 /* the one top value is complete */
	bool pretty;	 /* set after json_begin(): indented over many lines, for people */
	struct memo *memo; /* NULL, or set after json_begin(): the caller's own, for json_again() */
	int err;	 /* first misuse: -EINVAL (value without key, ...), -E2BIG (too deep) */
};

/*
 * A word of our own as it will stand in the output, quotes and all: made by the
 * compiler, copied as one block. Lower case letters, digits, _ and - only.
 */
struct json_word {
	char text[31];
	uint8_t n;
};
#define JSON_WORD_OF(text, n)                                                                      \
	{                                                                                          \
		text, (n) + 0 * sizeof(char[(n) <= 31 ? 1 : -1])                                   \
	}
#define JSON_KEY(word) JSON_WORD_OF("\"" word "\":", sizeof(word) + 2)
#define JSON_WORD(word) JSON_WORD_OF("\"" word "\"", sizeof(word) + 1)

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
/* JSON_KEY() and JSON_WORD(). */
void json_key_word(struct json *j, const struct json_word *key);
/*
 * Members of the object that is open, as they were written before. json_again():
 * true when they are there now; else whoever writes them says so by json_keep(),
 * with the mark that was taken before the first of them.
 */
bool json_again(struct json *j, const struct memo_key *key);
size_t json_mark(const struct json *j);
void json_keep(struct json *j, const struct memo_key *key, size_t mark);
void json_word(struct json *j, const struct json_word *word);
void json_u64(struct json *j, uint64_t value);
void json_i64(struct json *j, int64_t value);
void json_boolean(struct json *j, bool value);
void json_null(struct json *j);
/* value / 10^digits as a number without rounding: (1500, 3) is 1.5. digits at most 18. */
void json_decimal(struct json *j, uint64_t value, unsigned digits);

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
