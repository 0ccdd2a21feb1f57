/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* fields: the rows of core/verdict.def as tables, and how each type of field is written. */
#ifndef TCPCLOSE_SINK_FIELDS_H
#define TCPCLOSE_SINK_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "core/record.h"

enum shape_id {
	SHAPE_none,
#define SHAPE(id, from, doc) SHAPE_##id,
#define FIELD(shape, key, type, member, doc)
#define PART(shape, key, type, doc)
#define END(shape)
#define RECORD(kind, type, shape, more, doc)
#include "core/verdict.def"
#undef SHAPE
#undef FIELD
#undef PART
#undef END
#undef RECORD
	SHAPE_MAX,
};

/* What every line begins with. */
struct line {
	uint32_t v;
	const char *type, *ts;
	uint64_t mono_ns, seq;
};

/* An endpoint with what it takes to write its address. */
struct end {
	uint8_t family;
	struct endpoint endpoint;
};

/* A step of the path, its parts where a pointer can reach them. */
struct step {
	uint8_t state;
	uint64_t at_ns;
};

/* What an object is written from when it stands in no struct. */
union part {
	struct end end;
	struct step step;
};

struct field;
struct field_type {
	const char *json; /* "integer", "number", "string", "boolean", "object", "array" */
	const char *pattern; /* of a string; NULL = any */
	const char *words;   /* what they are called together, when it is one of ... */
	/* ... these (of an object the keys, of an array the items); NULL after the last. */
	const char *(*word)(unsigned i);
	enum shape_id shape; /* of the object, or of the array's items */
	bool (*absent)(const void *at); /* then it is null, or ... */
	bool left_out;	     /* ... not there at all */
	bool is_signed;	     /* an integer that may be below zero */
	size_t size;	     /* of the member it reads; 0 = any size, or all of the struct */
	/*
	 * What is no hole in the form of its line: what the member's bytes (its size
	 * must be given) say all of and is mostly the same, what it mostly is, and, of
	 * an object or an array of them, what lies around its parts. The i-th part is
	 * made in room if it is nowhere else; NULL after the last.
	 */
	bool steady;
	bool (*usual)(const void *at);
	const void *(*part)(const void *at, unsigned i, union part *room);
	uint64_t (*number)(const void *at); /* of what is one, and not below zero: what emit() writes */
	void (*emit)(struct json *j, const struct field *field, const void *at);
};

struct field {
	const char *key;
	struct json_word word; /* the key again, as it is written */
	const struct field_type *type;
	size_t offset, size;
	const char *doc;
};

struct shape {
	const char *name;
	const char *doc;
	const struct field *fields; /* ends with a row without key */
	/* All of them, from the shape's struct: written, what their form depends on, and its holes filled. */
	void (*write)(struct json *j, const void *from);
	char *(*hold)(char *key, const char *end, const void *from);
	void (*fill)(struct json *j, const void *from);
};

/* One kind of line: `line` and these. */
struct record_row {
	const char *type;
	const char *doc;
	enum shape_id shape, more; /* more: SHAPE_none where there is none */
};

const struct shape *shape_row(enum shape_id id);
const struct record_row *record_row(enum record_kind kind);
/* Does a field of another shape hold an object, or objects, of that one? */
bool shape_is_nested(enum shape_id id);
/* Every key of one shape, from its struct, into the object that is open. */
void shape_write(struct json *j, enum shape_id id, const void *from);
/* What the form of these depends on, behind what the key has so far. */
void shape_hold(struct form_key *key, enum shape_id id, const void *from);
/* The holes of such a form. */
void shape_fill(struct json *j, enum shape_id id, const void *from);

#endif
