/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "base/index.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_BUCKETS 1024

int index_init(struct index *index)
{
	*index = (struct index){ .n_buckets = FIRST_BUCKETS };
	index->buckets = calloc(FIRST_BUCKETS, sizeof(*index->buckets));
	return index->buckets ? 0 : -ENOMEM;
}

void index_destroy(struct index *index)
{
	free(index->buckets);
	index->buckets = NULL;
}

static void put(struct index_link **bucket, struct index_link *link)
{
	link->next = *bucket;
	link->at = bucket;
	if (link->next)
		link->next->at = &link->next;
	*bucket = link;
}

static void put_last(struct index_link **bucket, struct index_link *link)
{
	while (*bucket)
		bucket = &(*bucket)->next;
	link->next = NULL;
	link->at = bucket;
	*bucket = link;
}

/* Keeps the order within a bucket: newest first is a promise. */
static void grow(struct index *index)
{
	size_t n = index->n_buckets * 2;
	struct index_link **buckets = calloc(n, sizeof(*buckets));

	if (!buckets)
		return;
	for (size_t i = 0; i < index->n_buckets; i++) {
		while (index->buckets[i]) {
			struct index_link *link = index->buckets[i];

			index->buckets[i] = link->next;
			put_last(&buckets[link->hash & (n - 1)], link);
		}
	}
	free(index->buckets);
	index->buckets = buckets;
	index->n_buckets = n;
}

void index_add(struct index *index, struct index_link *link, uint64_t hash)
{
	if (index->used >= index->n_buckets)
		grow(index);
	link->hash = hash;
	put(&index->buckets[hash & (index->n_buckets - 1)], link);
	index->used++;
}

void index_remove(struct index *index, struct index_link *link)
{
	if (!link->at)
		return;
	*link->at = link->next;
	if (link->next)
		link->next->at = link->at;
	link->at = NULL;
	index->used--;
}

struct index_link *index_first(const struct index *index, uint64_t hash)
{
	struct index_link *link = index->buckets[hash & (index->n_buckets - 1)];

	while (link && link->hash != hash)
		link = link->next;
	return link;
}

struct index_link *index_next(const struct index_link *link)
{
	uint64_t hash = link->hash;
	struct index_link *next = link->next;

	while (next && next->hash != hash)
		next = next->next;
	return next;
}

/* The finalizer of splitmix64: public domain figures, every bit moves every bit. */
uint64_t index_mix(uint64_t value)
{
	value ^= value >> 30;
	value *= UINT64_C(0xbf58476d1ce4e5b9);
	value ^= value >> 27;
	value *= UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}
