/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What json.c and json_form.c share, and nobody else. */
#ifndef TCPCLOSE_BASE_JSON_PRIV_H
#define TCPCLOSE_BASE_JSON_PRIV_H

#include "base/digits.h"
#include "base/json.h"

/* Waits for its value: a key that is written already. */
extern const char json_written[FORM_SLACK];

/* The first error stays; nothing more is written. */
void json_misuse(struct json *j, int err);
/* There is no memory. */
char *json_no_place(struct json *j);
/* The place of a value without a key: an array's, or the one on top. */
char *json_item_place(struct json *j, size_t n);

/*
 * Where a value of up to n bytes is to be written, with a text before it that is copied by
 * blocks, whose length the compiler knows: of a key one; what is too much is written over.
 */
static inline char *json_place_behind(struct json *j, bool comma, const char *text, size_t n_text, size_t n)
{
	struct buf *out = j->out;
	char *at, *end;

	if (buf_reserve(out, 1 + n_text + FORM_SLACK + n))
		return json_no_place(j);
	at = out->data + out->len;
	/* without a comma the text is written over it */
	*at = ',';
	at += comma;
	for (end = at + n_text; at < end; at += FORM_SLACK, text += FORM_SLACK)
		memcpy(at, text, FORM_SLACK);
	return end;
}

/* Behind the key that waits for it. NULL: no value may stand here, or there is no memory. */
static inline char *json_value_place(struct json *j, size_t n)
{
	const char *key = j->key;
	char *at;

	if (!key)
		return json_item_place(j, n);
	j->key = NULL;
	at = json_place_behind(j, j->comma, key, j->key_n, n);
	j->comma = true;
	return at;
}

/* Where that value ends. */
static inline void json_value_ends(struct json *j, const char *at)
{
	j->out->len = (size_t)(at - j->out->data);
}

static inline void json_key_is_written(struct json *j)
{
	if (j->pretty)
		buf_byte(j->out, ' ');
	j->key = json_written;
	j->key_n = 0;
	j->comma = false;
}

static inline void json_put_u64(struct json *j, char *at, uint64_t value)
{
	json_value_ends(j, at + digits_put(at, value));
}

#endif
