/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * form: a line that was written before, with holes where it differs from line to line.
 * Lines of one kind have nearly all of their text in common: keys, words, nulls and
 * zeros. Which of them a line has, its key says, and by that the form is found; what
 * stands in the holes is written anew. A few forms are kept, the newer ones.
 */
#ifndef TCPCLOSE_BASE_FORM_H
#define TCPCLOSE_BASE_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORM_KEY   128
#define FORM_HOLES 64
/* As many bytes may be read behind any piece of a form's text, so that it is copied by blocks. */
#define FORM_SLACK 32

/* Everything that the text outside of the holes depends on. It may be longer than one that is remembered. */
struct form_key {
	size_t n;
	char bytes[1024];
};

struct form {
	uint32_t n_key; /* 0 = nothing is here */
	uint32_t n_text;
	uint32_t n_before; /* bytes of text before the last hole */
	uint32_t n_holes;
	char key[FORM_KEY];
	uint16_t holes[FORM_HOLES]; /* bytes of text before each, since the one before */
	char text[];
};

struct forms {
	char *all;
	size_t n, text, each; /* how many, bytes of text in one, and bytes of one */
};

/* n: a power of two; text: bytes of the longest that is remembered, less than 65536. -ENOMEM. */
int forms_init(struct forms *forms, size_t n, size_t text);
void forms_destroy(struct forms *forms);
/* Ends the key, which is written to its bytes and n. */
void form_key_end(struct form_key *key);
/* The one of that key, NULL when there is none. */
const struct form *form_find(const struct forms *forms, const struct form_key *key);
/* An empty one, to be filled by form_add() and form_hole() and found once it has its key; NULL when that is too long. */
struct form *form_new(struct forms *forms, const struct form_key *key);
/* False when it has become too long: then it is none. */
bool form_add(const struct forms *forms, struct form *form, const char *text, size_t n);
bool form_hole(struct form *form);
void form_keep(struct form *form, const struct form_key *key);

#endif
