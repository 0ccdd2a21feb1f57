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
	j->hole = j->form ? 0 : j->out->len;
	return j->form;
}

/* Nothing is open and nothing waits, in a form of which so many holes are filled. (Only at depth 0 it can be done.) */
static inline bool is_between(const struct json *j)
{
	return j->form && j->done && !j->key;
}

/* The text before the next hole, which is taken; NULL where no value may come. */
static inline const char *next_text(struct json *j, size_t *n_ret)
{
	const struct form *form = j->form;
	size_t from = 0;

	if (!is_between(j) || j->hole == form->n_holes) {
		json_misuse(j, -EINVAL);
		return NULL;
	}
	if (j->hole)
		from = form->holes[j->hole - 1];
	*n_ret = form->holes[j->hole++] - from;
	j->comma = false;
	return form->text + from;
}

void json_fill(struct json *j)
{
	j->key = next_text(j, &j->key_n);
}

void json_fill_u64(struct json *j, uint64_t value)
{
	size_t n;
	const char *text = next_text(j, &n);
	char *at = text ? json_place_behind(j, text, n, 20) : NULL;

	if (at)
		json_put_u64(j, at, value);
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
	if (!write_key(j) || !form_add(j->forms, j->kept, out->data + j->hole, out->len - j->hole) ||
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
	j->hole = j->out->len;
}

static void fill_rest(struct json *j)
{
	const struct form *form = j->form;
	size_t from = form->n_holes ? form->holes[form->n_holes - 1] : 0;

	if (!is_between(j) || j->hole != form->n_holes)
		json_misuse(j, -EINVAL);
	else
		buf_add(j->out, form->text + from, form->n_text - from);
	j->form = NULL;
}

static void keep_rest(struct json *j, const struct form_key *key)
{
	const struct buf *out = j->out;

	if (j->done && !j->err && !out->err && !j->hole_depth &&
	    form_add(j->forms, j->kept, out->data + j->hole, out->len - j->hole))
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
