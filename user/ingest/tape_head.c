/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "ingest/tape_head.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "core/evidence.h"

/* --- writing ----------------------------------------------------------------------- */

static void put_word(struct tape_writer *tape, enum tape_kind kind, const char *word)
{
	if (word)
		tape_put(tape, kind, word, strlen(word), NULL, 0);
}

static void put_reasons(struct tape_writer *tape, const struct tape_head *head)
{
	uint8_t number[4];

	for (size_t i = 0; i < head->n_reasons; i++) {
		if (!head->reasons[i])
			continue;
		le_put(number, 4, i);
		tape_put(tape, TAPE_REASON, number, sizeof(number), head->reasons[i],
			 strlen(head->reasons[i]));
	}
}

static void put_numbers(struct tape_writer *tape, const struct tape_head *head)
{
	uint8_t clock[16], limits[16];

	le_put(clock, 8, head->attached_ns);
	le_put(clock + 8, 8, head->wall_minus_mono_ns);
	tape_put(tape, TAPE_CLOCK, clock, sizeof(clock), NULL, 0);
	le_put(limits, 4, head->hz);
	le_put(limits + 4, 4, head->max_flows);
	le_put(limits + 8, 8, head->count);
	tape_put(tape, TAPE_LIMITS, limits, sizeof(limits), NULL, 0);
}

void tape_head_write(struct tape_writer *tape, const struct tape_head *head)
{
	put_word(tape, TAPE_PROGRAM, head->program);
	put_word(tape, TAPE_KERNEL, head->kernel);
	put_numbers(tape, head);
	for (int v = 0; v < VANTAGE_MAX; v++)
		if (head->covered & UINT32_C(1) << v)
			put_word(tape, TAPE_VANTAGE, vantage_slug((enum vantage)v));
	for (size_t i = 0; i < head->hooks.n; i++)
		put_word(tape, TAPE_HOOK, head->hooks.word[i]);
	for (size_t i = 0; i < head->wants.n; i++)
		put_word(tape, TAPE_WANT, head->wants.word[i]);
	put_reasons(tape, head);
	tape_put(tape, TAPE_START, NULL, 0, NULL, 0);
}

/* --- reading ----------------------------------------------------------------------- */

/* Text of one line that a terminal can be shown: what was not written by us has no other. */
static bool is_plain(const uint8_t *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return true;
}

static int take_text(const uint8_t *text, size_t n, const char **ret)
{
	char *copy;

	if (n > TAPE_WORD_MAX || !is_plain(text, n))
		return -EBADMSG;
	copy = strndup((const char *)text, n);
	if (!copy)
		return -ENOMEM;
	free((char *)*ret);
	*ret = copy;
	return 0;
}

/* A process's name in it may be any bytes but NUL. */
static int take_word(const struct tape_block *b, bool plain, struct tape_words *words)
{
	if (words->n == TAPE_WORDS_MAX || b->size > TAPE_WORD_MAX ||
	    memchr(b->data, '\0', b->size) || (plain && !is_plain(b->data, b->size)))
		return -EBADMSG;
	words->word[words->n] = strndup((const char *)b->data, b->size);
	if (!words->word[words->n])
		return -ENOMEM;
	words->n++;
	return 0;
}

static int take_reason(const struct tape_block *b, struct tape_head *head)
{
	uint64_t number = le_get(b->data, 4);

	if (number >= TAPE_REASONS_MAX)
		return -EBADMSG;
	if (!head->reasons)
		head->reasons = calloc(TAPE_REASONS_MAX, sizeof(*head->reasons));
	if (!head->reasons)
		return -ENOMEM;
	if (head->n_reasons <= number)
		head->n_reasons = number + 1;
	return take_text(b->data + 4, b->size - 4, &head->reasons[number]);
}

/* One that a later version knows and this one does not has no evidence here. */
static void take_vantage(const struct tape_block *b, struct tape_head *head)
{
	for (int v = 0; v < VANTAGE_MAX; v++) {
		const char *slug = vantage_slug((enum vantage)v);

		if (strlen(slug) == b->size && !memcmp(slug, b->data, b->size))
			head->covered |= UINT32_C(1) << v;
	}
}

static int take_block(const struct tape_block *b, struct tape_head *head)
{
	switch (b->kind) {
	case TAPE_PROGRAM:
		return take_text(b->data, b->size, &head->program);
	case TAPE_KERNEL:
		return take_text(b->data, b->size, &head->kernel);
	case TAPE_CLOCK:
		head->attached_ns = le_get(b->data, 8);
		head->wall_minus_mono_ns = le_get(b->data + 8, 8);
		return head->attached_ns > INT64_MAX ? -EBADMSG : 0;
	case TAPE_LIMITS:
		head->hz = (uint32_t)le_get(b->data, 4);
		head->max_flows = (uint32_t)le_get(b->data + 4, 4);
		head->count = le_get(b->data + 8, 8);
		return 0;
	case TAPE_VANTAGE:
		take_vantage(b, head);
		return 0;
	case TAPE_HOOK:
		return take_word(b, true, &head->hooks);
	case TAPE_REASON:
		return take_reason(b, head);
	case TAPE_WANT:
		return take_word(b, false, &head->wants);
	default:
		/* what happened stands behind the head */
		return tape_kind_name(b->kind) ? -EBADMSG : 0;
	}
}

int tape_head_read(struct tape_reader *tape, struct tape_head *ret)
{
	struct tape_head head = {0};
	struct tape_block block;
	bool clock = false, limits = false;
	int r;

	while ((r = tape_next(tape, &block)) > 0 && block.kind != TAPE_START) {
		clock |= block.kind == TAPE_CLOCK;
		limits |= block.kind == TAPE_LIMITS;
		r = take_block(&block, &head);
		if (r)
			break;
	}
	if (r > 0 && !(clock && limits))
		r = -EBADMSG;
	if (r > 0) {
		*ret = head;
		return 0;
	}
	tape_head_free(&head);
	return r ? r : -ENODATA;
}

static void free_words(struct tape_words *words)
{
	for (size_t i = 0; i < words->n; i++)
		free((char *)words->word[i]);
}

void tape_head_free(struct tape_head *head)
{
	for (size_t i = 0; i < head->n_reasons; i++)
		free((char *)head->reasons[i]);
	free(head->reasons);
	free_words(&head->hooks);
	free_words(&head->wants);
	free((char *)head->program);
	free((char *)head->kernel);
	*head = (struct tape_head){0};
}
