/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* tally: counts of things that are told apart by a key of bytes. */
#ifndef TCPCLOSE_REPORT_TALLY_H
#define TCPCLOSE_REPORT_TALLY_H

#include <stddef.h>

#include "base/index.h"

struct tally {
	struct index index;
	void **items; /* in the order in which they came */
	size_t n, cap;
	size_t max;	 /* items at once; what finds no room is counted in `passed` */
	size_t item_size, key_size;
	size_t passed;
};

/* An item is item_size zeroed bytes that begin with its key, of key_size bytes. */
void tally_init(struct tally *tally, size_t item_size, size_t key_size, size_t max);
/* The item with that key, made when there was none; NULL when there is no room or no memory. */
void *tally_item(struct tally *tally, const void *key);
/* By compare(a, b), which gets pointers to the items' pointers, as qsort() has it. */
void tally_sort(struct tally *tally, int (*compare)(const void *a, const void *b));
/* Empty again; keeps nothing. */
void tally_reset(struct tally *tally);

#endif
