/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "base/pool.h"

#include <stdlib.h>
#include <string.h>

#define SLAB_OBJECTS 256

void pool_init(struct pool *pool, size_t size, size_t max)
{
	*pool = (struct pool){ .size = (size + 15) & ~(size_t)15, .max = max };
}

static int grow(struct pool *pool)
{
	size_t n = pool->max - pool->made;
	char *slab;

	if (n > SLAB_OBJECTS)
		n = SLAB_OBJECTS;
	if (!n)
		return -1;
	/* 16 bytes in front carry the chain and keep the objects aligned */
	slab = malloc(16 + n * pool->size);
	if (!slab)
		return -1;
	*(void **)slab = pool->slabs;
	pool->slabs = slab;
	for (size_t i = 0; i < n; i++) {
		void **object = (void **)(slab + 16 + i * pool->size);

		*object = pool->free;
		pool->free = object;
	}
	pool->made += n;
	return 0;
}

void *pool_take(struct pool *pool)
{
	void **object;

	if (!pool->free && grow(pool))
		return NULL;
	object = pool->free;
	pool->free = *object;
	pool->used++;
	return memset(object, 0, pool->size);
}

void pool_give(struct pool *pool, void *object)
{
	*(void **)object = pool->free;
	pool->free = object;
	pool->used--;
}

void pool_destroy(struct pool *pool)
{
	while (pool->slabs) {
		void *slab = pool->slabs;

		pool->slabs = *(void **)slab;
		free(slab);
	}
	pool->free = NULL;
	pool->used = pool->made = 0;
}
