/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "sink/schema.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "sink/fields.h"
#include "sink/out.h"

static void put_pair(struct json *j, const char *key, const char *value)
{
	json_key(j, key);
	json_string(j, value);
}

/* "#/$defs/name": of a nested shape, or of a type of line. */
static void put_ref(struct json *j, const char *name)
{
	char ref[64];

	snprintf(ref, sizeof(ref), "#/$defs/%s", name);
	put_pair(j, "$ref", ref);
}

static void put_words(struct json *j, const struct field_type *type, bool or_null)
{
	const char *word;

	json_key(j, "enum");
	json_array_begin(j);
	for (unsigned i = 0; (word = type->word(i)); i++)
		json_string(j, word);
	if (or_null)
		json_null(j);
	json_array_end(j);
}

static void put_type(struct json *j, const char *name, bool or_null)
{
	json_key(j, "type");
	if (or_null)
		json_array_begin(j);
	json_string(j, name);
	if (or_null) {
		json_string(j, "null");
		json_array_end(j);
	}
}

/* {"type": ..., words or pattern} of a type without a shape. */
static void put_plain(struct json *j, const struct field_type *type, bool or_null)
{
	put_type(j, type->json, or_null);
	if (type->word)
		put_words(j, type, or_null);
	if (type->pattern)
		put_pair(j, "pattern", type->pattern);
	if (!strcmp(type->json, "integer") && !type->is_signed) {
		json_key(j, "minimum");
		json_u64(j, 0);
	}
}

static void put_array(struct json *j, const struct field_type *type)
{
	put_type(j, "array", false);
	json_key(j, "items");
	json_object_begin(j);
	if (type->shape) {
		put_ref(j, shape_row(type->shape)->name);
	} else {
		put_type(j, "string", false);
		if (type->word)
			put_words(j, type, false);
	}
	json_object_end(j);
}

/* An object that has words for keys: counts. */
static void put_counts(struct json *j, const struct field_type *type)
{
	put_type(j, "object", false);
	json_key(j, "propertyNames");
	json_object_begin(j);
	put_words(j, type, false);
	json_object_end(j);
	json_key(j, "additionalProperties");
	json_object_begin(j);
	put_type(j, "integer", false);
	json_object_end(j);
}

static void put_object(struct json *j, const struct field_type *type, bool or_null)
{
	if (!or_null) {
		put_ref(j, shape_row(type->shape)->name);
		return;
	}
	json_key(j, "anyOf");
	json_array_begin(j);
	json_object_begin(j);
	put_ref(j, shape_row(type->shape)->name);
	json_object_end(j);
	json_object_begin(j);
	put_type(j, "null", false);
	json_object_end(j);
	json_array_end(j);
}

static void put_field(struct json *j, const struct field *field)
{
	const struct field_type *type = field->type;
	bool or_null = type->absent && !type->left_out;

	json_key(j, field->key);
	json_object_begin(j);
	put_pair(j, "description", field->doc);
	if (!strcmp(type->json, "array"))
		put_array(j, type);
	else if (type->shape)
		put_object(j, type, or_null);
	else if (!strcmp(type->json, "object"))
		put_counts(j, type);
	else
		put_plain(j, type, or_null);
	json_object_end(j);
}

static void put_properties(struct json *j, const struct shape *shape)
{
	for (const struct field *field = shape->fields; field->key; field++)
		put_field(j, field);
}

static void put_required(struct json *j, const struct shape *shape)
{
	for (const struct field *field = shape->fields; field->key; field++)
		if (!field->type->left_out)
			json_string(j, field->key);
}

/* The object that two shapes make together; more may be NULL. */
static void put_shapes(struct json *j, const char *doc, const struct shape *shape,
		       const struct shape *more)
{
	put_pair(j, "description", doc);
	put_type(j, "object", false);
	json_key(j, "properties");
	json_object_begin(j);
	put_properties(j, shape);
	if (more)
		put_properties(j, more);
	json_object_end(j);
	json_key(j, "required");
	json_array_begin(j);
	put_required(j, shape);
	if (more)
		put_required(j, more);
	json_array_end(j);
}

static void put_defs(struct json *j)
{
	json_key(j, "$defs");
	json_object_begin(j);
	for (unsigned kind = 0; kind < REC_KIND_MAX; kind++) {
		const struct record_row *row = record_row(kind);

		json_key(j, row->type);
		json_object_begin(j);
		put_shapes(j, row->doc, shape_row(row->shape),
			   row->more ? shape_row(row->more) : NULL);
		json_object_end(j);
	}
	for (unsigned id = SHAPE_none + 1; id < SHAPE_MAX; id++) {
		if (!shape_is_nested(id))
			continue;
		json_key(j, shape_row(id)->name);
		json_object_begin(j);
		put_shapes(j, shape_row(id)->doc, shape_row(id), NULL);
		json_object_end(j);
	}
	json_object_end(j);
}

/* {"if": type is this, "then": its shape}: a type that no row names passes, as readers are asked to do. */
static void put_choice(struct json *j, const char *type)
{
	json_object_begin(j);
	json_key(j, "if");
	json_object_begin(j);
	json_key(j, "properties");
	json_object_begin(j);
	json_key(j, "type");
	json_object_begin(j);
	put_pair(j, "const", type);
	json_object_end(j);
	json_object_end(j);
	json_object_end(j);
	json_key(j, "then");
	json_object_begin(j);
	put_ref(j, type);
	json_object_end(j);
	json_object_end(j);
}

static void put_schema(struct json *j)
{
	json_object_begin(j);
	put_pair(j, "$schema", "https://json-schema.org/draft/2020-12/schema");
	put_pair(j, "title", "One line of tcpclose --json");
	put_shapes(j, "Unknown keys and types are to be passed over.", shape_row(SHAPE_line), NULL);
	json_key(j, "allOf");
	json_array_begin(j);
	for (unsigned kind = 0; kind < REC_KIND_MAX; kind++)
		put_choice(j, record_row(kind)->type);
	json_array_end(j);
	put_defs(j);
	json_object_end(j);
}

int schema_print(FILE *out)
{
	CLEANUP(buf) struct buf b = BUF_INIT;
	struct json j;
	int err;

	json_begin(&j, &b);
	j.pretty = true;
	put_schema(&j);
	err = json_end(&j);
	if (err)
		return err;
	buf_byte(&b, '\n');
	return out_write(out, &b);
}
