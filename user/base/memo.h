/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * memo: texts that were written before, by what they were made of. Lines of one kind
 * have much in common: what is the same as in a former line is copied from it, not
 * written anew. A few slots, each found by its key alone: the newer one stays.
 */
#ifndef TCPCLOSE_BASE_MEMO_H
#define TCPCLOSE_BASE_MEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMO_SLOTS 64
#define MEMO_WORDS 24
#define MEMO_TEXT  640

/* What a text depends on: all of it, in words whose unused bytes are zero. */
struct memo_key {
	const void *of; /* the table row that it was written by */
	size_t n;	/* words; more than MEMO_WORDS: too long to be remembered */
	uint64_t words[MEMO_WORDS];
};

struct memo_slot {
	struct memo_key key;
	size_t n; /* bytes of text; 0 = nothing is remembered */
	char text[MEMO_TEXT];
};

struct memo {
	struct memo_slot slots[MEMO_SLOTS]; /* all zero: empty */
};

static inline void memo_key_begin(struct memo_key *key, const void *of)
{
	key->of = of;
	key->n = 0;
}

static inline void memo_key_word(struct memo_key *key, uint64_t word)
{
	if (key->n < MEMO_WORDS)
		key->words[key->n] = word;
	key->n++;
}

void memo_key_add(struct memo_key *key, const void *bytes, size_t n);
/* The text that was made of the same, NULL when there is none. */
const struct memo_slot *memo_find(const struct memo *memo, const struct memo_key *key);
/* A text that is too long is not remembered. */
void memo_put(struct memo *memo, const struct memo_key *key, const char *text, size_t n);

#endif
