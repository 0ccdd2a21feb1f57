/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "base/form.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORD sizeof(uint64_t)

int forms_init(struct forms *forms, size_t n, size_t text)
{
	size_t each = (sizeof(struct form) + text + FORM_SLACK + WORD - 1) / WORD * WORD;

	*forms = (struct forms){ .all = calloc(n, each), .n = n, .text = text, .each = each };
	return forms->all ? 0 : -ENOMEM;
}

void forms_destroy(struct forms *forms)
{
	free(forms->all);
	forms->all = NULL;
}

static struct form *form_at(const struct forms *forms, size_t i)
{
	return (struct form *)(forms->all + i * forms->each);
}

void form_key_end(struct form_key *key)
{
	/* it is hashed by whole words */
	while (key->n % WORD && key->n < sizeof(key->bytes))
		key->bytes[key->n++] = 0;
}

static uint64_t word_at(const char *bytes, size_t i)
{
	uint64_t word;

	memcpy(&word, bytes + i, WORD);
	return word;
}

static size_t place_of(const struct forms *forms, const struct form_key *key)
{
	uint64_t hash = key->n;

	for (size_t i = 0; i < key->n; i += WORD)
		hash = (hash ^ word_at(key->bytes, i)) * UINT64_C(0x9e3779b97f4a7c15);
	return (hash >> 32) & (forms->n - 1);
}

static bool is_it(const struct form *form, const struct form_key *key)
{
	return form->n_key == key->n && !memcmp(form->key, key->bytes, key->n);
}

/* Its own place or the one beside it. */
const struct form *form_find(const struct forms *forms, const struct form_key *key)
{
	size_t at;

	if (!key->n || key->n > FORM_KEY)
		return NULL;
	at = place_of(forms, key);
	if (is_it(form_at(forms, at), key))
		return form_at(forms, at);
	at ^= 1;
	return is_it(form_at(forms, at), key) ? form_at(forms, at) : NULL;
}

struct form *form_new(struct forms *forms, const struct form_key *key)
{
	struct form *form;
	size_t at;

	if (!key->n || key->n > FORM_KEY)
		return NULL;
	at = place_of(forms, key);
	form = form_at(forms, at);
	/* two that share a place do not drive each other out */
	if (form->n_key)
		memcpy(form_at(forms, at ^ 1), form, forms->each);
	form->n_key = 0;
	form->n_holes = form->n_text = form->n_before = 0;
	return form;
}

bool form_add(const struct forms *forms, struct form *form, const char *text, size_t n)
{
	if (n > forms->text - form->n_text)
		return false;
	memcpy(form->text + form->n_text, text, n);
	form->n_text += (uint32_t)n;
	return true;
}

bool form_hole(struct form *form)
{
	if (form->n_holes == FORM_HOLES)
		return false;
	form->holes[form->n_holes++] = (uint16_t)(form->n_text - form->n_before);
	form->n_before = form->n_text;
	return true;
}

void form_keep(struct form *form, const struct form_key *key)
{
	memcpy(form->key, key->bytes, key->n);
	form->n_key = (uint32_t)key->n;
}
