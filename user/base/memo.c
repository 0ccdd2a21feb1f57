/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "base/memo.h"

#include <string.h>

void memo_key_add(struct memo_key *key, const void *bytes, size_t n)
{
	const char *at = bytes;

	for (; n >= 8; n -= 8, at += 8) {
		uint64_t word;

		memcpy(&word, at, 8);
		memo_key_word(key, word);
	}
	if (n) {
		uint64_t word = 0;

		memcpy(&word, at, n);
		memo_key_word(key, word);
	}
}

static size_t slot_of(const struct memo_key *key)
{
	uint64_t hash = (uintptr_t)key->of;

	for (size_t i = 0; i < key->n; i++)
		hash = (hash ^ key->words[i]) * UINT64_C(0x9e3779b97f4a7c15);
	return (hash >> 32) % MEMO_SLOTS;
}

static bool is_it(const struct memo_slot *slot, const struct memo_key *key)
{
	uint64_t differ = (uintptr_t)slot->key.of ^ (uintptr_t)key->of;

	if (!slot->n || slot->key.n != key->n)
		return false;
	for (size_t i = 0; i < key->n; i++)
		differ |= slot->key.words[i] ^ key->words[i];
	return !differ;
}

/* Its own place or the one beside it. */
const struct memo_slot *memo_find(const struct memo *memo, const struct memo_key *key)
{
	size_t at;

	if (key->n > MEMO_WORDS)
		return NULL;
	at = slot_of(key);
	if (is_it(&memo->slots[at], key))
		return &memo->slots[at];
	return is_it(&memo->slots[at ^ 1], key) ? &memo->slots[at ^ 1] : NULL;
}

void memo_put(struct memo *memo, const struct memo_key *key, const char *text, size_t n)
{
	struct memo_slot *slot;
	size_t at;

	if (key->n > MEMO_WORDS || n > MEMO_TEXT)
		return;
	at = slot_of(key);
	slot = &memo->slots[at];
	/* two that share a place do not drive each other out */
	if (slot->n)
		memo->slots[at ^ 1] = *slot;
	slot->key.of = key->of;
	slot->key.n = key->n;
	memcpy(slot->key.words, key->words, key->n * sizeof(key->words[0]));
	slot->n = n;
	memcpy(slot->text, text, n);
}
