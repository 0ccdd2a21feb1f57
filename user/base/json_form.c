/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* json_form: what a line has in common with former ones is copied from these. */
#include "base/json_priv.h"

#include <errno.h>

bool json_form_begin(struct json *j, struct forms *forms, const struct form_key *key)
{
	if (j->err || j->depth || j->done || j->pretty || j->kept || j->form)
		return false;
	j->forms = forms;
	j->form = form_find(forms, key);
	if (!j->form)
		j->kept = form_new(forms, key);
	/* what no hole is for may not come */
	j->done = j->form;
	j->taken = j->out->len;
	if (!j->form)
		return false;
	j->text = j->form->text;
	j->hole = j->form->holes;
	j->holes_left = j->form->n_holes;
	return true;
}

/* Nothing is open and nothing waits. (Only at depth 0 it can be done.) */
static inline bool is_between(const struct json *j)
{
	return j->done && !j->key;
}

void json_fill(struct json *j)
{
	if (!j->holes_left || !is_between(j)) {
		json_misuse(j, -EINVAL);
		return;
	}
	j->holes_left--;
	j->key = j->text;
	j->key_n = *j->hole++;
	j->text += j->key_n;
	j->comma = false;
}

static __attribute__((noinline)) void fill_u64_slowly(struct json *j, uint64_t value)
{
	json_fill(j);
	json_u64(j, value);
}

/* All that can go wrong is asked first: so next to nothing need be kept over a call. */
void json_fill_u64(struct json *j, uint64_t value)
{
	const size_t more = FORM_SLACK + DIGITS_ROOM;
	struct buf *out = j->out;
	const char *text = j->text;
	char *at, *end;

	if (!j->holes_left || !is_between(j) || out->cap - out->len < *j->hole + more) {
		fill_u64_slowly(j, value);
		return;
	}
	j->holes_left--;
	at = out->data + out->len;
	end = at + *j->hole;
	j->text += *j->hole++;
	for (; at < end; at += FORM_SLACK, text += FORM_SLACK)
		memcpy(at, text, FORM_SLACK);
	json_value_ends(j, end + digits_put(end, value));
}

/* What waits is written, so that the value alone comes next: where it begins is known then. */
static bool write_key(struct json *j)
{
	char *at = j->key ? json_value_place(j, 0) : NULL;

	if (!at)
		return false;
	json_value_ends(j, at);
	json_key_is_written(j);
	return true;
}

/* Since depth was the lowest: has one value been written, and nothing else? */
static bool is_one_value(const struct json *j, uint8_t depth)
{
	return !j->err && !j->out->err && !j->key && j->depth == depth && j->low == depth;
}

void json_hole_open(struct json *j)
{
	const struct buf *out = j->out;

	/* a hole in what fills a hole is none */
	if (j->hole_depth) {
		j->nested++;
		return;
	}
	/* only a member's value */
	if (!write_key(j) || !form_add(j->forms, j->kept, out->data + j->taken, out->len - j->taken) ||
	    !form_hole(j->kept)) {
		j->kept = NULL;
		return;
	}
	j->hole_depth = j->low = j->depth;
}

void json_hole_close(struct json *j)
{
	if (j->nested) {
		j->nested--;
		return;
	}
	if (!is_one_value(j, j->hole_depth))
		j->kept = NULL;
	j->hole_depth = 0;
	j->taken = j->out->len;
}

static void fill_rest(struct json *j)
{
	if (j->holes_left || !is_between(j))
		json_misuse(j, -EINVAL);
	else
		buf_add(j->out, j->text, (size_t)(j->form->text + j->form->n_text - j->text));
	j->form = NULL;
	j->holes_left = 0;
}

static void keep_rest(struct json *j, const struct form_key *key)
{
	const struct buf *out = j->out;

	if (j->done && !j->err && !out->err && !j->hole_depth &&
	    form_add(j->forms, j->kept, out->data + j->taken, out->len - j->taken))
		form_keep(j->kept, key);
	j->kept = NULL;
}

void json_form_end(struct json *j, const struct form_key *key)
{
	if (j->form)
		fill_rest(j);
	else if (j->kept)
		keep_rest(j, key);
}

bool json_again(struct json *j, const struct form_key *key, struct json_mark *mark)
{
	const struct form *form = j->values && j->key ? form_find(j->values, key) : NULL;
	char *at = form ? json_value_place(j, form->n_text) : NULL;

	if (at) {
		memcpy(at, form->text, form->n_text);
		json_value_ends(j, at + form->n_text);
		return true;
	}
	*mark = (struct json_mark){ SIZE_MAX, j->depth, j->low };
	if (j->values && !j->pretty && write_key(j)) {
		mark->from = j->out->len;
		j->low = j->depth;
	}
	return false;
}

void json_keep(struct json *j, const struct form_key *key, const struct json_mark *mark)
{
	bool is_it = mark->from != SIZE_MAX && is_one_value(j, mark->depth);
	struct form *form = is_it ? form_new(j->values, key) : NULL;

	if (form && form_add(j->values, form, j->out->data + mark->from, j->out->len - mark->from))
		form_keep(form, key);
	if (mark->low < j->low)
		j->low = mark->low;
}
