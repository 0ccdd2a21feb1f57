/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "report/tally.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"

/* In front of every item. */
struct cell {
	struct index_link link;
	max_align_t item[];
};

void tally_init(struct tally *t, size_t item_size, size_t key_size, size_t max)
{
	*t = (struct tally){ .item_size = item_size, .key_size = key_size, .max = max };
}

static uint64_t hash_of(const void *key, size_t size)
{
	const unsigned char *bytes = key;
	uint64_t hash = size;

	for (size_t i = 0; i < size; i += 8) {
		uint64_t word = 0;

		memcpy(&word, bytes + i, size - i < 8 ? size - i : 8);
		hash = index_mix(hash + word);
	}
	return hash;
}

static void *find(const struct tally *t, const void *key, uint64_t hash)
{
	struct index_link *link = index_first(&t->index, hash);

	for (; link; link = index_next(&t->index, link)) {
		struct cell *cell = container_of(link, struct cell, link);

		if (!memcmp(cell->item, key, t->key_size))
			return cell->item;
	}
	return NULL;
}

static struct cell *make(struct tally *t)
{
	struct cell *cell;

	if (t->n == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 64;
		void **items = realloc(t->items, cap * sizeof(*items));

		if (!items)
			return NULL;
		t->items = items;
		t->cap = cap;
	}
	cell = calloc(1, sizeof(*cell) + t->item_size);
	if (cell)
		t->items[t->n++] = cell->item;
	return cell;
}

void *tally_item(struct tally *t, const void *key)
{
	uint64_t hash = hash_of(key, t->key_size);
	struct cell *cell = NULL;
	void *item;

	if (!t->index.slots && index_init(&t->index))
		return NULL;
	item = find(t, key, hash);
	if (item)
		return item;
	if (t->n < t->max && index_room(&t->index))
		cell = make(t);
	if (!cell) {
		t->passed++;
		return NULL;
	}
	memcpy(cell->item, key, t->key_size);
	index_add(&t->index, &cell->link, hash);
	return cell->item;
}

void tally_sort(struct tally *t, int (*compare)(const void *a, const void *b))
{
	if (t->n)
		qsort(t->items, t->n, sizeof(*t->items), compare);
}

void tally_reset(struct tally *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(container_of((max_align_t *)t->items[i], struct cell, item));
	free(t->items);
	index_destroy(&t->index);
	tally_init(t, t->item_size, t->key_size, t->max);
}
