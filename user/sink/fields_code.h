/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Each row of core/verdict.def once more, as code. A part of fields.c, which alone includes it.
 * From a row that is known when this is compiled there is nothing left to look up, what its
 * type calls is called at once, and what its type is not leaves no trace: hence always inline.
 */

#define ROW static inline __attribute__((always_inline))

ROW bool is_hole(const struct field_type *type, const void *at)
{
	return !type->steady && !type->part && !(type->usual && type->usual(at));
}

ROW void field_write(struct json *j, const struct field *field, const void *it)
{
	const struct field_type *type = field->type;
	const void *at = (const char *)it + field->offset;
	bool absent = type->absent && type->absent(at);

	if (absent && type->left_out)
		return;
	json_key_word(j, &field->word);
	if (absent) {
		json_null(j);
	} else if (is_hole(type, at)) {
		json_hole_begin(j);
		type->emit(j, field, at);
		json_hole_end(j);
	} else {
		type->emit(j, field, at);
	}
}

/* A one before each part, so that no two rows of parts make the same bytes. */
ROW char *parts_hold(char *key, const char *end, const struct field_type *type, const void *at)
{
	const void *part;
	union part room;

	for (unsigned i = 0; key && (part = type->part(at, i, &room)); i++) {
		*key++ = 1;
		key = shapes[type->shape].hold(key, end, part);
	}
	if (key)
		*key++ = 0;
	return key;
}

/* Up to HOLD_MAX bytes; NULL: there was no room for what the parts hold. */
#define HOLD_MAX 17
ROW char *field_hold(char *key, const char *end, const struct field *field, const void *it)
{
	const struct field_type *type = field->type;
	const void *at = (const char *)it + field->offset;
	bool absent = type->absent && type->absent(at);

	if (type->absent)
		*key++ = absent;
	if (absent)
		return key;
	if (type->steady) {
		memcpy(key, at, field->size);
		return key + field->size;
	}
	if (type->usual)
		*key++ = type->usual(at);
	return type->part ? parts_hold(key, end, type, at) : key;
}

ROW void field_fill(struct json *j, const struct field *field, const void *it)
{
	const struct field_type *type = field->type;
	const void *at = (const char *)it + field->offset, *part;
	union part room;

	if (type->absent && type->absent(at))
		return;
	for (unsigned i = 0; type->part && (part = type->part(at, i, &room)); i++)
		shapes[type->shape].fill(j, part);
	if (!is_hole(type, at))
		return;
	if (type->number) {
		json_fill_u64(j, type->number(at));
	} else {
		json_fill(j);
		type->emit(j, field, at);
	}
}

#define END(shape) }
#define PART(shape, key, type, doc) FIELD(shape, key, type, , doc)

#define SHAPE(id, from, doc)                                                                       \
	static void write_##id(struct json *j, const void *it)                                     \
	{                                                                                          \
		const struct field *field = fields_##id;
#define FIELD(shape, key, type, member, doc) field_write(j, field++, it);
#include "core/verdict.def"
#undef SHAPE
#undef FIELD

#define SHAPE(id, from, doc)                                                                       \
	static void fill_##id(struct json *j, const void *it)                                      \
	{                                                                                          \
		const struct field *field = fields_##id;
#define FIELD(shape, key, type, member, doc) field_fill(j, field++, it);
#include "core/verdict.def"
#undef SHAPE
#undef FIELD
#undef END

#define SHAPE(id, from, doc)                                                                       \
	static char *hold_##id(char *at, const char *end, const void *it)                          \
	{                                                                                          \
		const struct field *field = fields_##id;                                           \
		if ((size_t)(end - at) < HOLD_MAX * sizeof(fields_##id) / sizeof(*field))          \
			return NULL;
#define FIELD(shape, key, type, member, doc)                                                       \
	at = field_hold(at, end, field++, it);                                                     \
	if (!at)                                                                                   \
		return NULL;
#define END(shape)                                                                                 \
	return at;                                                                                 \
	}
#include "core/verdict.def"
#undef SHAPE
#undef FIELD
#undef PART
#undef END
#undef ROW
