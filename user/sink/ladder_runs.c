/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Long runs of data going by: some rows of each are drawn, the rest is summed up. */
#include "sink/ladder.h"

/* Runs of dull rows longer than this are summed up, but for some at both ends. */
#define RUN_LONG  12
#define RUN_HEAD  4
#define RUN_TAIL  3
#define RUN_CALLS 3

/* An item with all that shares its row. */
static bool row_is_dull(const struct ladder_story *story, const struct ladder_item *item)
{
	if (!ladder_is_dull(item))
		return false;
	for (int32_t c = item->child; c >= 0; c = story->items[c].sibling)
		if (!ladder_is_dull(&story->items[c]))
			return false;
	return true;
}

static bool is_root(const struct ladder_item *item)
{
	return item->row == ROW_OWN || item->row == ROW_RUN;
}

/* The n-th root from i on becomes part of a run, until `count` are. */
static void shorten(struct ladder_story *story, size_t i, size_t count)
{
	size_t nth = 0;

	for (; nth < count - RUN_TAIL; i++)
		if (is_root(&story->items[i]) && nth++ >= RUN_HEAD)
			story->items[i].row = ROW_RUN;
}

/* The next root from i on; n when there is none. */
static size_t next_root(const struct ladder_story *story, size_t i)
{
	while (i < story->n && !is_root(&story->items[i]))
		i++;
	return i;
}

/* A program that reads again and again without a packet between: one row for all of it. */
static void sum_up_calls(struct ladder_story *story)
{
	size_t i = next_root(story, 0);

	while (i < story->n) {
		const struct ladder_item *first = &story->items[i];
		size_t begin = i, count = 0;

		for (; i < story->n; i = next_root(story, i + 1), count++)
			if (story->items[i].kind != ITEM_CALL ||
			    !ladder_is_dull(&story->items[i]) ||
			    story->items[i].side != first->side)
				break;
		if (count >= RUN_CALLS)
			for (size_t j = begin; j < i; j++)
				if (is_root(&story->items[j]))
					story->items[j].row = ROW_RUN;
		if (!count)
			i = next_root(story, i + 1);
	}
}

static void shorten_runs(struct ladder_story *story)
{
	size_t i = 0;

	while (i < story->n) {
		size_t begin = i, count = 0;

		for (; i < story->n; i++) {
			if (!is_root(&story->items[i]))
				continue;
			if (!row_is_dull(story, &story->items[i]))
				break;
			count++;
		}
		if (count > RUN_LONG)
			shorten(story, begin, count);
		i += i < story->n;
	}
}

static void run_add(const struct ladder_item *item, struct ladder_run *ret)
{
	if (item->kind == ITEM_SEGMENT) {
		ret->segments++;
		ret->segment_bytes += item->segment.len;
	} else if (item->kind == ITEM_CALL) {
		bool write = ladder_is_write(item->call.name);

		ret->calls[item->side][write]++;
		ret->call_bytes[item->side][write] += (uint64_t)item->call.result;
	}
}

size_t ladder_run(const struct ladder_story *story, size_t i, struct ladder_run *ret)
{
	*ret = (struct ladder_run){0};
	for (; i < story->n && story->items[i].row != ROW_OWN; i++) {
		const struct ladder_item *item = &story->items[i];

		if (item->row == ROW_RUN)
			run_add(item, ret);
		for (int32_t c = item->row == ROW_RUN ? item->child : -1; c >= 0;
		     c = story->items[c].sibling)
			run_add(&story->items[c], ret);
	}
	return i;
}

void ladder_shorten(struct ladder_story *story)
{
	shorten_runs(story);
	sum_up_calls(story);
}
