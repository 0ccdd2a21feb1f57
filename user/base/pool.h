/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* pool: objects of one size, up to a maximum, taken from the system in slabs and given back at the end. */
#ifndef TCPCLOSE_BASE_POOL_H
#define TCPCLOSE_BASE_POOL_H

#include <stddef.h>

struct pool {
	size_t size;  /* of an object */
	size_t max;   /* objects at once */
	size_t used;  /* objects out now */
	size_t made;  /* objects in all slabs */
	void *free;   /* chain through the first word */
	void *slabs;  /* chain through the first word */
};

/* size at least that of a pointer, max > 0. Allocates nothing yet. */
void pool_init(struct pool *pool, size_t size, size_t max);
/* A zeroed object; NULL when max are out or memory is. */
void *pool_take(struct pool *pool);
void pool_give(struct pool *pool, void *object);
/* Frees every object, out or not. */
void pool_destroy(struct pool *pool);

#endif
