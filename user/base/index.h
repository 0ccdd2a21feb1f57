/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * index: a hash table of links inside the things that are found by it. The
 * caller hashes and compares; equal hashes may stand for different keys.
 */
#ifndef TCPCLOSE_BASE_INDEX_H
#define TCPCLOSE_BASE_INDEX_H

#include <stddef.h>
#include <stdint.h>

struct index_link {
	struct index_link *next, **at; /* at == NULL: in no index */
	uint64_t hash;
};

struct index {
	struct index_link **buckets;
	size_t n_buckets; /* a power of two */
	size_t used;
};

/* -ENOMEM */
int index_init(struct index *index);
void index_destroy(struct index *index);
/* Newest first among equal hashes. Grows with its load; if it cannot, it only gets slower. */
void index_add(struct index *index, struct index_link *link, uint64_t hash);
void index_remove(struct index *index, struct index_link *link); /* in no index: nothing */
/* First link with that hash, or the next one after `link`; NULL when there is none. */
struct index_link *index_first(const struct index *index, uint64_t hash);
struct index_link *index_next(const struct index_link *link);
/* Spreads the bits of a number or an address. */
uint64_t index_mix(uint64_t value);

#endif
