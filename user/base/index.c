/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Open addressing. What a hash's upper bits say is its home; it stands there or
 * behind, in the order of homes ("Robin Hood"), newest first among those of one
 * home: so a search ends where it meets one that is nearer to its own home.
 */
#include "base/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define FIRST_SLOTS_LOG 10
/* From so many bytes on a table is asked to be of huge pages: it is read at random. */
#define HUGE_PAGE ((size_t)2 << 20)

/* All of it zero. */
static void *slots_new(size_t n_slots)
{
	size_t bytes = n_slots * sizeof(struct index_slot);
	void *slots;

	if (bytes < HUGE_PAGE)
		return calloc(1, bytes);
	slots = aligned_alloc(HUGE_PAGE, bytes);
	if (!slots)
		return NULL;
	/* where there are none, small ones do */
	madvise(slots, bytes, MADV_HUGEPAGE);
	return memset(slots, 0, bytes);
}

static int make(struct index *index, unsigned slots_log)
{
	size_t n = (size_t)1 << slots_log;

	*index = (struct index){ .n_slots = n, .full = n / 8 * 7, .shift = 64 - slots_log };
	index->slots = slots_new(n);
	index->walked = calloc(1, sizeof(*index->walked));
	if (index->slots && index->walked)
		return 0;
	index_destroy(index);
	return -ENOMEM;
}

int index_init(struct index *index)
{
	return make(index, FIRST_SLOTS_LOG);
}

void index_destroy(struct index *index)
{
	free(index->slots);
	free(index->walked);
	index->slots = NULL;
	index->walked = NULL;
}

static size_t behind(const struct index *index, size_t at)
{
	return (at + 1) & (index->n_slots - 1);
}

/* How far from its home what stands there is. */
static size_t distance(const struct index *index, size_t at)
{
	return (at - index_home(index, index->slots[at].mark)) & (index->n_slots - 1);
}

/* Nothing of a home that far ahead stands there or behind. */
static bool is_past(const struct index *index, size_t at, size_t from_home)
{
	return !index->slots[at].mark || distance(index, at) < from_home;
}

/* Everything from there to the next gap, of which there is one, moves by one. */
static void put(struct index *index, struct index_slot new)
{
	size_t at = index_home(index, new.mark), from_home = 0;

	index->used++;
	/* as it mostly is */
	if (!index->slots[at].mark) {
		index->slots[at] = new;
		return;
	}
	while (index->slots[at].mark && distance(index, at) > from_home) {
		at = behind(index, at);
		from_home++;
	}
	for (; new.mark; at = behind(index, at)) {
		struct index_slot old = index->slots[at];

		index->slots[at] = new;
		new = old;
	}
}

/* Oldest first, so that the newest of each home comes to stand in front. */
static void put_all(struct index *index, const struct index *from)
{
	size_t mask = from->n_slots - 1, gap = 0;

	while (from->slots[gap].mark)
		gap++;
	for (size_t i = 1; i <= mask; i++) {
		const struct index_slot *slot = &from->slots[(gap - i) & mask];

		if (slot->mark)
			put(index, *slot);
	}
}

bool index_grow(struct index *index)
{
	struct index larger;

	if (make(&larger, 65 - index->shift))
		return false;
	put_all(&larger, index);
	index_destroy(index);
	*index = larger;
	return true;
}

void index_add(struct index *index, struct index_link *link, uint64_t hash)
{
	link->mark = index_mark(hash);
	/* one gap must stay: it is where searches end */
	if (index_room(index) || index->used + 1 < index->n_slots)
		put(index, (struct index_slot){ link->mark, link });
	else
		link->mark = 0;
}

static size_t place_of(const struct index *index, const struct index_link *link)
{
	size_t at = index_home(index, link->mark);

	while (index->slots[at].link != link)
		at = behind(index, at);
	return at;
}

void index_remove(struct index *index, struct index_link *link)
{
	size_t at, next;

	if (!link->mark)
		return;
	at = place_of(index, link);
	/* what stands behind it, and not at home, moves up */
	for (next = behind(index, at); !is_past(index, next, 1); next = behind(index, next)) {
		index->slots[at] = index->slots[next];
		at = next;
	}
	index->slots[at] = (struct index_slot){ 0 };
	link->mark = 0;
	index->used--;
}

/* Where the first with that mark stands from there on; n_slots: nowhere. */
static size_t search(const struct index *index, size_t at, uint64_t mark)
{
	size_t from_home = (at - index_home(index, mark)) & (index->n_slots - 1);

	for (; !is_past(index, at, from_home); at = behind(index, at), from_home++)
		if (index->slots[at].mark == mark)
			return at;
	return index->n_slots;
}

struct index_link *index_search(const struct index *index, uint64_t mark)
{
	size_t at = search(index, index_home(index, mark), mark);

	return at < index->n_slots ? index->slots[at].link : NULL;
}

/* Who looks for it from home at each step walks over a stranger's thousand equal hashes a million times. */
struct index_link *index_next(const struct index *index, const struct index_link *link)
{
	size_t last = *index->walked;
	bool goes_on = last < index->n_slots && index->slots[last].link == link;
	size_t at = search(index, behind(index, goes_on ? last : place_of(index, link)), link->mark);

	*index->walked = at;
	return at < index->n_slots ? index->slots[at].link : NULL;
}
