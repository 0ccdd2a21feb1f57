/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * index: a hash table of links inside the things that are found by it. The
 * caller hashes and compares; equal hashes may stand for different keys. To find,
 * to add and to take out touch the table only, and of it a cache line or two: the
 * other things in it may have been cold for long.
 */
#ifndef TCPCLOSE_BASE_INDEX_H
#define TCPCLOSE_BASE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index_link {
	uint64_t mark; /* 0 = in no index */
};

struct index_slot {
	uint64_t mark; /* of the link; 0 = nothing is here */
	struct index_link *link;
};

struct index {
	struct index_slot *slots;
	size_t n_slots; /* a power of two */
	size_t used, full; /* full: from then on there are to be more slots */
	unsigned shift; /* what of a mark is not its place */
	size_t *walked; /* where index_next() found the last one: no part of what the index is */
};

/* -ENOMEM */
int index_init(struct index *index);
void index_destroy(struct index *index);
/* What index_room() does when it is getting full. */
bool index_grow(struct index *index);
/* Makes room for one more. False: there is no memory, and it is getting full. */
static inline bool index_room(struct index *index)
{
	return index->used < index->full || index_grow(index);
}
/*
 * Of equal hashes the newest is found first. Makes room by itself. If there is no
 * memory for that and no free slot, the link is not added (link->mark is 0).
 */
void index_add(struct index *index, struct index_link *link, uint64_t hash);
void index_remove(struct index *index, struct index_link *link); /* in no index: nothing */
/* Never 0, which marks an empty slot. */
static inline uint64_t index_mark(uint64_t hash)
{
	return hash | 1;
}

static inline size_t index_home(const struct index *index, uint64_t mark)
{
	return mark >> index->shift;
}

/* What index_first() does where that is not decided at home. */
struct index_link *index_search(const struct index *index, uint64_t mark);
/* First link with that hash, or the next one after `link`, which is in it; NULL when there is none. */
static inline struct index_link *index_first(const struct index *index, uint64_t hash)
{
	uint64_t mark = index_mark(hash);
	const struct index_slot *slot = &index->slots[index_home(index, mark)];

	/* as it mostly is; the newest stands in front */
	if (slot->mark == mark || !slot->mark)
		return slot->link;
	return index_search(index, mark);
}
/* A walk over n equal hashes takes n steps, unless another walk or a removal comes in between. */
struct index_link *index_next(const struct index *index, const struct index_link *link);

/* The finalizer of splitmix64: public domain figures, every bit moves every bit. */
static inline uint64_t index_mix(uint64_t value)
{
	value ^= value >> 30;
	value *= UINT64_C(0xbf58476d1ce4e5b9);
	value ^= value >> 27;
	value *= UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

#endif
