/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/index.h"
#include "base/list.h"

#define N 5000

struct thing {
	struct index_link link;
	uint64_t key;
	uint64_t born; /* the newest has the highest */
	bool in;
};

static struct thing *thing_of(struct index_link *link)
{
	return container_of(link, struct thing, link);
}

static void add(struct index *index, struct thing *thing, uint64_t hash)
{
	static uint64_t births;

	thing->key = hash;
	thing->born = ++births;
	thing->in = true;
	index_add(index, &thing->link, hash);
}

static void take_out(struct index *index, struct thing *thing)
{
	thing->in = false;
	index_remove(index, &thing->link);
}

static size_t count(const struct index *index, uint64_t key)
{
	struct index_link *link = index_first(index, key);
	uint64_t born = UINT64_MAX;
	size_t n = 0;

	for (; link; link = index_next(index, link)) {
		assert_true(thing_of(link)->in);
		assert_true(thing_of(link)->key == key);
		assert_true(thing_of(link)->born < born);
		born = thing_of(link)->born;
		n++;
	}
	return n;
}

/* Few hashes, many of them at home in the same place or around the end of the table. */
static uint64_t some_hash(unsigned i)
{
	static const uint64_t homes[] = {0, UINT64_C(0xfff) << 52, UINT64_C(0x7ff) << 53, UINT64_C(1) << 52};

	return homes[i % 4] + (i / 4 % 16) * 2;
}

static void what_was_added_is_found_until_it_is_taken_out(void **state)
{
	struct index index;
	struct thing *things = calloc(N, sizeof(*things));

	(void)state;
	assert_int_equal(index_init(&index), 0);
	for (unsigned i = 0; i < N; i++)
		add(&index, &things[i], index_mix(i));
	for (unsigned i = 0; i < N; i++)
		assert_ptr_equal(thing_of(index_first(&index, index_mix(i))), &things[i]);
	assert_null(index_first(&index, index_mix(N)));
	for (unsigned i = 0; i < N; i += 2)
		take_out(&index, &things[i]);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(count(&index, index_mix(i)), i % 2);
	assert_int_equal(index.used, N / 2);
	index_destroy(&index);
	free(things);
}

static void the_newest_comes_first_also_after_it_has_grown(void **state)
{
	struct index index;
	struct thing *things = calloc(N, sizeof(*things));

	(void)state;
	assert_int_equal(index_init(&index), 0);
	/* three of each, the others far from each other */
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = round; i < N; i += 3)
			add(&index, &things[i], index_mix(i / 3));
	assert_true(index.n_slots > 1024);
	for (unsigned i = 0; i < N / 3; i++)
		assert_int_equal(count(&index, index_mix(i)), 3);
	index_destroy(&index);
	free(things);
}

static size_t in_there(const struct thing *things, size_t n, uint64_t key)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += things[i].in && things[i].key == key;
	return found;
}

/* Against the plainest thing that does the same, with as much pushing and shoving as there can be. */
static void crowded_homes_keep_apart(void **state)
{
	enum { CROWD = 256, STEPS = 20000 };
	struct index index;
	struct thing *things = calloc(CROWD, sizeof(*things));
	uint64_t chance = 1;

	(void)state;
	assert_int_equal(index_init(&index), 0);
	for (unsigned step = 0; step < STEPS; step++) {
		struct thing *thing;

		chance = index_mix(chance + step);
		thing = &things[chance % CROWD];
		if (thing->in)
			take_out(&index, thing);
		else
			add(&index, thing, some_hash((unsigned)(chance >> 32)));
		if (step % 64 == 0)
			for (unsigned i = 0; i < 64; i++)
				assert_int_equal(count(&index, some_hash(i)),
						 in_there(things, CROWD, some_hash(i)));
	}
	index_destroy(&index);
	free(things);
}

static void taking_out_twice_or_what_never_was_in_does_nothing(void **state)
{
	struct index index;
	struct thing a = {0}, b = {0};

	(void)state;
	assert_int_equal(index_init(&index), 0);
	add(&index, &a, 7);
	take_out(&index, &b);
	take_out(&index, &a);
	take_out(&index, &a);
	assert_int_equal(index.used, 0);
	assert_null(index_first(&index, 7));
	index_destroy(&index);
}

/* Hashes that differ in the bit that tells an entry from none: the caller compares. */
static void any_hash_will_do(void **state)
{
	struct index index;
	struct thing zero = {0}, one = {0};

	(void)state;
	assert_int_equal(index_init(&index), 0);
	add(&index, &zero, 0);
	add(&index, &one, UINT64_MAX);
	assert_ptr_equal(thing_of(index_first(&index, 0)), &zero);
	assert_ptr_equal(thing_of(index_first(&index, UINT64_MAX)), &one);
	index_destroy(&index);
}

/* The allocator gives out what was in use: the next large tables are made of it. */
static void leave_dirt(void)
{
	enum { DIRT = 16 << 20 };

	/* the first time it goes back to the kernel, and from then on it is kept */
	for (int i = 0; i < 2; i++) {
		char *dirt = malloc(DIRT);

		assert_non_null(dirt);
		for (size_t at = 0; at < DIRT; at++)
			((volatile char *)dirt)[at] = 0x5a;
		free(dirt);
	}
}

static void a_table_of_many_megabytes_begins_empty(void **state)
{
	enum { MANY = 200000 };
	struct index index;
	struct thing *things = calloc(MANY, sizeof(*things));

	(void)state;
	leave_dirt();
	assert_int_equal(index_init(&index), 0);
	for (uint64_t i = 0; i < MANY; i++)
		add(&index, &things[i], index_mix(i + 1));
	assert_int_equal(index.used, MANY);
	for (uint64_t i = 0; i < MANY; i++) {
		assert_ptr_equal(index_first(&index, things[i].key), &things[i].link);
		assert_null(index_first(&index, index_mix(i + 1 + MANY)));
	}
	index_destroy(&index);
	free(things);
}

/* A walk remembers where it is: another one, and what is taken out under it, must not lead it astray. */
static void walks_do_not_get_into_each_others_way(void **state)
{
	enum { EACH = 40 };
	struct thing things[2][EACH];
	struct index_link *links[2], *next;
	struct index index;
	uint64_t born[2] = { UINT64_MAX, UINT64_MAX };
	size_t n = 0;

	(void)state;
	assert_int_equal(index_init(&index), 0);
	for (uint64_t i = 0; i < EACH; i++)
		for (uint64_t key = 0; key < 2; key++)
			add(&index, &things[key][i], 2 * key);
	for (uint64_t key = 0; key < 2; key++)
		links[key] = index_first(&index, 2 * key);
	for (; links[0] && links[1]; n++)
		for (uint64_t key = 0; key < 2; key++) {
			assert_int_equal(thing_of(links[key])->key, 2 * key);
			assert_true(thing_of(links[key])->born < born[key]);
			born[key] = thing_of(links[key])->born;
			next = index_next(&index, links[key]);
			if (n % 3 == key)
				take_out(&index, thing_of(links[key]));
			links[key] = next;
		}
	assert_true(n == EACH && !links[0] && !links[1]);
	index_destroy(&index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_added_is_found_until_it_is_taken_out),
		cmocka_unit_test(the_newest_comes_first_also_after_it_has_grown),
		cmocka_unit_test(crowded_homes_keep_apart),
		cmocka_unit_test(taking_out_twice_or_what_never_was_in_does_nothing),
		cmocka_unit_test(any_hash_will_do),
		cmocka_unit_test(walks_do_not_get_into_each_others_way),
		cmocka_unit_test(a_table_of_many_megabytes_begins_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
