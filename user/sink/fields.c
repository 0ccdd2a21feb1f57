/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * One static struct field_type per type of field: what the schema says of it,
 * and the function that writes it. `at` points to the member, or to the whole
 * struct where the row is a PART.
 */
#include "sink/fields.h"

#include <string.h>

#include "base/errname.h"
#include "sink/words.h"

#define EMIT(name)                                                                                 \
	static void name(struct json *j, const struct field *field __attribute__((unused)), const void *at)
/* A type of its own: TYPE(NAME, json, emitter, other members ...). */
#define TYPE(name, json_type, emitter, ...)                                                        \
	static const struct field_type type_##name = { .json = json_type, .emit = emitter, __VA_ARGS__ }

/* clang-format off: from here on it is a table, whose rows happen to be functions */

/* Numbers. */

static uint64_t u64(const void *at) { return *(const uint64_t *)at; }
static uint64_t u32(const void *at) { return *(const uint32_t *)at; }
static uint64_t u16(const void *at) { return *(const uint16_t *)at; }
static uint64_t u8(const void *at) { return *(const uint8_t *)at; }

EMIT(emit_number) { json_u64(j, field->type->number(at)); }
EMIT(emit_i64) { json_i64(j, *(const int64_t *)at); }
EMIT(emit_i32) { json_i64(j, *(const int32_t *)at); }
EMIT(emit_flag) { json_boolean(j, *(const bool *)at); }
/* Milliseconds as seconds. */
EMIT(emit_seconds) { json_decimal(j, *(const uint32_t *)at, 3); }

static bool zero_u64(const void *at) { return !*(const uint64_t *)at; }
static bool zero_u32(const void *at) { return !*(const uint32_t *)at; }
static bool zero_u16(const void *at) { return !*(const uint16_t *)at; }
static bool zero_u8(const void *at) { return !*(const uint8_t *)at; }

TYPE(U64, "integer", emit_number, .number = u64, .size = 8, .usual = zero_u64);
TYPE(U32, "integer", emit_number, .number = u32, .size = 4, .usual = zero_u32);
TYPE(U16, "integer", emit_number, .number = u16, .size = 2, .usual = zero_u16);
TYPE(I64, "integer", emit_i64, .size = 8, .is_signed = true, .usual = zero_u64);
TYPE(I32, "integer", emit_i32, .size = 4, .is_signed = true, .usual = zero_u32);
TYPE(VERSION, "integer", emit_number, .number = u32, .size = 4, .steady = true);
TYPE(ID_OR_NULL, "integer", emit_number, .number = u64, .size = 8, .absent = zero_u64);
TYPE(U64_OR_NULL, "integer", emit_number, .number = u64, .size = 8, .absent = zero_u64);
TYPE(PORT, "integer", emit_number, .number = u16, .size = 2, .absent = zero_u16);
TYPE(FAMILY, "integer", emit_number, .number = u8, .size = 1, .absent = zero_u8, .steady = true);
TYPE(FLAG, "boolean", emit_flag, .size = 1, .steady = true);
TYPE(SECONDS, "number", emit_seconds, .size = 4, .usual = zero_u32);

/* Text. */

EMIT(emit_name) { json_string(j, *(const char *const *)at); }
EMIT(emit_chars) { json_string_n(j, at, strnlen(at, field->size)); }
EMIT(emit_errno) { json_string(j, errname(*(const int32_t *)at)); }
EMIT(emit_tcp_flags)
{
	char letters[TCP_FLAGS_STRLEN];

	json_string(j, tcp_flags_format(*(const uint8_t *)at, letters));
}

static bool no_name(const void *at) { return !*(const char *const *)at; }

TYPE(NAME, "string", emit_name, .size = sizeof(char *));
/* One that stands for ever where it is. */
TYPE(WORD, "string", emit_name, .size = sizeof(char *), .steady = true);
TYPE(NAME_OR_NULL, "string", emit_name, .size = sizeof(char *), .absent = no_name);
TYPE(NAME_OR_LEFT_OUT, "string", emit_name, .size = sizeof(char *), .absent = no_name, .left_out = true);
TYPE(TIME, "string", emit_name, .size = sizeof(char *),
     .pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{9}Z$");
TYPE(CHARS, "string", emit_chars);
TYPE(ERRNO, "string", emit_errno, .size = 4, .absent = zero_u32, .pattern = "^E([A-Z0-9]+|[?])$", .steady = true);
TYPE(TCP_FLAGS, "string", emit_tcp_flags, .size = 1, .pattern = "^(F?S?R?P?[.]?U?E?W?|none)$");

/* Words of the tables in core. */

static const char *word_cause(unsigned i) { return i < CAUSE_MAX ? cause_row(i)->slug : NULL; }
static const char *word_how(unsigned i) { return i < HOW_MAX ? how_slug(i) : NULL; }
static const char *word_closer(unsigned i) { return i < CLOSER_MAX ? closer_slug(i) : NULL; }
static const char *word_mini_end(unsigned i) { return i < MINI_END_MAX ? mini_end_slug(i) : NULL; }
static const char *word_mini_caller(unsigned i) { return i + 1 < MINI_BY_MAX ? mini_caller_slug(i + 1) : NULL; }
static const char *word_request_caller(unsigned i) { return i + 1 < REQUEST_BY_MAX ? request_caller_slug(i + 1) : NULL; }
static const char *word_evidence(unsigned i) { return i < EV_MAX ? evidence_row(i)->slug : NULL; }
/* From 1: these three have no word for 0. */
static const char *word_source(unsigned i) { return i + 1 < OWNER_SOURCE_MAX ? owner_source_slug(i + 1) : NULL; }
static const char *word_kind(unsigned i) { return i + 1 < OBS_KIND_MAX ? obs_kind_slug(i + 1) : NULL; }
static const char *word_state(unsigned i) { return i < ST_NEW_SYN_RECV ? state_name((uint8_t)(i + 1)) : NULL; }
static const char *word_shutdown(unsigned i)
{
	static const char *const words[] = { "none", "receive", "send", "both", NULL };

	return words[i];
}

/* The words that every line has, as they are written. */
static const struct json_word causes[CAUSE_MAX] = {
#define CAUSE(id, slug, how, title, hint) [CAUSE_##id] = JSON_WORD(slug),
#include "core/cause.def"
};
static const struct json_word evidences[EV_MAX] = {
#define EVIDENCE(id, slug, vantage, words) [EV_##id] = JSON_WORD(slug),
#include "core/evidence.def"
#undef EVIDENCE
};
static const struct json_word states[] = {
#define X(name, number) [number] = JSON_WORD(#name),
	TCP_STATES(X)
#undef X
};

EMIT(emit_cause) { json_word(j, &causes[*(const enum cause *)at]); }
EMIT(emit_how) { json_string(j, how_slug(*(const enum how *)at)); }
EMIT(emit_closer) { json_string(j, closer_slug(*(const enum closer *)at)); }
EMIT(emit_mini_end) { json_string(j, mini_end_slug(*(const enum mini_end *)at)); }
EMIT(emit_source) { json_string(j, owner_source_slug(*(const enum owner_source *)at)); }
EMIT(emit_kind) { json_string(j, obs_kind_slug(*(const enum obs_kind *)at)); }
EMIT(emit_state)
{
	uint8_t state = *(const uint8_t *)at;

	if (state < sizeof(states) / sizeof(states[0]) && states[state].n)
		json_word(j, &states[state]);
	else
		json_string(j, state_name(state));
}
EMIT(emit_mini_caller) { json_string(j, mini_caller_slug(*(const uint8_t *)at)); }
EMIT(emit_request_caller) { json_string(j, request_caller_slug(*(const uint8_t *)at)); }
EMIT(emit_shutdown) { json_string(j, word_shutdown(*(const uint8_t *)at & 3)); }
EMIT(emit_evidence)
{
	evidence_set set = *(const evidence_set *)at;

	json_array_begin(j);
	for (; set; set &= set - 1)
		json_word(j, &evidences[evidence_first(set)]);
	json_array_end(j);
}

TYPE(CAUSE, "string", emit_cause, .size = sizeof(enum cause), .words = "cause", .word = word_cause, .steady = true);
TYPE(HOW, "string", emit_how, .size = sizeof(enum how), .words = "how", .word = word_how, .steady = true);
TYPE(CLOSER, "string", emit_closer, .size = sizeof(enum closer), .words = "side", .word = word_closer, .steady = true);
TYPE(MINI_END, "string", emit_mini_end, .size = sizeof(enum mini_end), .words = "end of a mini-socket", .word = word_mini_end, .steady = true);
TYPE(MINI_CALLER_OR_LEFT_OUT, "string", emit_mini_caller, .size = 1, .words = "what ends a mini-socket", .word = word_mini_caller, .absent = zero_u8, .left_out = true, .steady = true);
TYPE(REQUEST_CALLER_OR_NULL, "string", emit_request_caller, .size = 1, .words = "what ends a half-open connection", .word = word_request_caller, .absent = zero_u8, .steady = true);
TYPE(SOURCE, "string", emit_source, .size = sizeof(enum owner_source), .words = "source", .word = word_source, .steady = true);
TYPE(KIND, "string", emit_kind, .size = sizeof(enum obs_kind), .words = "kind of event", .word = word_kind, .steady = true);
TYPE(STATE, "string", emit_state, .size = 1, .words = "state", .word = word_state, .steady = true);
TYPE(STATE_OR_NULL, "string", emit_state, .size = 1, .words = "state", .word = word_state, .absent = zero_u8, .steady = true);
TYPE(STATE_OR_LEFT_OUT, "string", emit_state, .size = 1, .words = "state", .word = word_state, .absent = zero_u8, .left_out = true, .steady = true);
TYPE(SHUTDOWN, "string", emit_shutdown, .size = 1, .words = "direction", .word = word_shutdown);
TYPE(EVIDENCE, "array", emit_evidence, .size = sizeof(evidence_set), .words = "evidence", .word = word_evidence, .steady = true);

/* Objects. */

static void emit_object(struct json *j, enum shape_id shape, const void *from)
{
	json_object_begin(j);
	shape_write(j, shape, from);
	json_object_end(j);
}

/* The object, or all objects of the array, that the type has parts for. */
EMIT(emit_parts)
{
	const struct field_type *type = field->type;
	bool is_array = *type->json == 'a';
	const void *part;
	union part room;

	if (is_array)
		json_array_begin(j);
	for (unsigned i = 0; (part = type->part(at, i, &room)); i++)
		emit_object(j, type->shape, part);
	if (is_array)
		json_array_end(j);
}

/* One object, of one part. */
#define PART_OF(name) static const void *name(const void *at, unsigned i, union part *room __attribute__((unused)))
#define OBJECT(name, shape_id, its_part, ...)                                                      \
	TYPE(name, "object", emit_parts, .shape = SHAPE_##shape_id, .part = its_part, __VA_ARGS__)

/* From the same place. */
PART_OF(part_same) { return i ? NULL : at; }

static const void *part_end(unsigned i, uint8_t family, const struct endpoint *endpoint, union part *room)
{
	room->end = (struct end){ family, *endpoint };
	return i ? NULL : room;
}

static void emit_end(struct json *j, uint8_t family, const struct endpoint *endpoint)
{
	struct end end = { family, *endpoint };

	emit_object(j, SHAPE_endpoint, &end);
}

PART_OF(part_local) { const struct tuple *t = at; return part_end(i, t->family, &t->local, room); }
PART_OF(part_peer) { const struct tuple *t = at; return part_end(i, t->family, &t->peer, room); }
PART_OF(part_from) { const struct segment *s = at; return part_end(i, s->family, &s->from, room); }
PART_OF(part_to) { const struct segment *s = at; return part_end(i, s->family, &s->to, room); }
EMIT(emit_address)
{
	const struct end *end = at;
	char address[ENDPOINT_STRLEN];

	json_string_n(j, address, endpoint_address_put(end->family, &end->endpoint, address));
}

static bool no_address(const void *at) { return !((const struct end *)at)->family; }

OBJECT(LOCAL, endpoint, part_local, .size = sizeof(struct tuple));
OBJECT(PEER, endpoint, part_peer, .size = sizeof(struct tuple));
OBJECT(FROM, endpoint, part_from);
OBJECT(TO, endpoint, part_to);
TYPE(ADDRESS, "string", emit_address, .absent = no_address);

static bool no_owner(const void *at) { return ((const struct owner *)at)->source == OWNER_UNKNOWN; }

/* Few tasks close most of what is closed. The type stands for what else might be remembered. */
EMIT(emit_owner)
{
	struct json_mark mark;
	struct form_key key;

	key.n = sizeof(field->type) + sizeof(struct owner);
	memcpy(key.bytes, &field->type, sizeof(field->type));
	memcpy(key.bytes + sizeof(field->type), at, sizeof(struct owner));
	form_key_end(&key);
	if (json_again(j, &key, &mark))
		return;
	emit_object(j, SHAPE_owner, at);
	json_keep(j, &key, &mark);
}

TYPE(OWNER, "object", emit_owner, .size = sizeof(struct owner), .shape = SHAPE_owner, .absent = no_owner);
OBJECT(RST, rst, part_same);
OBJECT(LINGER, linger, part_same);
static uint64_t peer_left(const void *at) { return ((const struct verdict *)at)->peer_left_bytes; }
static bool nothing_left(const void *at) { return !peer_left(at); }
static bool no_peer_left(const void *at) { return !((const struct verdict *)at)->peer_left_known; }

TYPE(PEER_LEFT, "integer", emit_number, .number = peer_left, .absent = no_peer_left, .usual = nothing_left);
OBJECT(LOST, lost, part_same);
OBJECT(BYTES, bytes, part_same);
OBJECT(EXPECTED, expected, part_same);

/* As the kernel keeps it in task->exit_code: (status << 8) | signal, and 0x80 for a core dump. */
EMIT(emit_exit_status) { json_u64(j, (uint32_t)((const struct verdict *)at)->exit_code >> 8 & 0xff); }
EMIT(emit_exit_signal) { json_u64(j, (uint32_t)((const struct verdict *)at)->exit_code & 0x7f); }
static bool no_exit(const void *at) { return !(((const struct verdict *)at)->evidence & (EV(EXITING) | EV(KILLED))); }

TYPE(EXIT_STATUS, "integer", emit_exit_status);
TYPE(EXIT_SIGNAL, "integer", emit_exit_signal);
OBJECT(EXIT, exit, part_same, .absent = no_exit);

PART_OF(part_step)
{
	const struct verdict *v = at;

	if (i >= v->n_path || i >= PATH_MAX_STEPS)
		return NULL;
	room->step = (struct step){ v->path[i].state, v->path[i].at_ns };
	return room;
}

TYPE(PATH, "array", emit_parts, .shape = SHAPE_step, .part = part_step);

EMIT(emit_expect_server) { emit_cause(j, field, &((const struct story *)at)->expect[0]); }
EMIT(emit_expect_client) { emit_cause(j, field, &((const struct story *)at)->expect[1]); }

TYPE(EXPECT_SERVER, "string", emit_expect_server, .words = "cause", .word = word_cause);
TYPE(EXPECT_CLIENT, "string", emit_expect_client, .words = "cause", .word = word_cause);

#include "sink/fields_audit.h"

EMIT(emit_by_cause)
{
	const struct summary *s = at;

	json_object_begin(j);
	for (unsigned i = 0; i < CAUSE_MAX; i++) {
		if (!s->by_cause[i])
			continue;
		json_key(j, cause_row(i)->slug);
		json_u64(j, s->by_cause[i]);
	}
	json_object_end(j);
}

TYPE(BY_CAUSE, "object", emit_by_cause, .words = "cause", .word = word_cause);

/* What only some observations carry. */

static bool no_task(const void *at) { return !((const struct obs *)at)->has_task; }
static bool no_sock(const void *at) { return !((const struct obs *)at)->has_sock; }
static bool no_rst_flag(const void *at) { return !((const struct obs *)at)->rst_flag_known; }
static bool no_mini(const void *at)
{
	const struct obs *o = at;

	return o->kind < OBS_MINI_BORN || o->kind > OBS_MINI_PEEK;
}
static bool no_request(const void *at) { return ((const struct obs *)at)->kind != OBS_REQUEST_GONE; }

EMIT(emit_rst_flag) { json_boolean(j, ((const struct obs *)at)->rst_flag); }
PART_OF(part_task) { return i ? NULL : &((const struct obs *)at)->task; }
PART_OF(part_sock) { return i ? NULL : &((const struct obs *)at)->sock; }
PART_OF(part_mini) { return i ? NULL : &((const struct obs *)at)->mini; }

PART_OF(part_request) { return i ? NULL : &((const struct obs *)at)->request; }

TYPE(RST_FLAG, "boolean", emit_rst_flag, .absent = no_rst_flag, .left_out = true);
OBJECT(TASK, task, part_task, .absent = no_task, .left_out = true);
OBJECT(SOCK, sock, part_sock, .absent = no_sock, .left_out = true);
OBJECT(MINI, mini, part_mini, .absent = no_mini, .left_out = true);
OBJECT(REQUEST, request, part_request, .absent = no_request, .left_out = true);

#include "sink/fields_report.h"

/* clang-format on */

/* The tables. */

#define FIELD(shape, key, type, member, doc)
#define PART(shape, key, type, doc)
#define RECORD(kind, type, shape, more, doc)
#define SHAPE(id, from, doc) typedef from from_##id;
#define END(shape)
#include "core/verdict.def"
#undef SHAPE
#undef END
#undef FIELD
#undef PART

#define SHAPE(id, from, doc) static const struct field fields_##id[] = {
#define FIELD(shape, key, type, member, doc)                                                       \
	{ key, JSON_KEY(key), &type_##type, offsetof(from_##shape, member),                        \
	  sizeof(((from_##shape *)0)->member), doc },
#define PART(shape, key, type, doc) { key, JSON_KEY(key), &type_##type, 0, 0, doc },
#define END(shape) { 0 } };
#include "core/verdict.def"
#undef SHAPE
#undef FIELD
#undef PART
#undef END

static const struct shape shapes[SHAPE_MAX];

#include "sink/fields_code.h"

#define FIELD(shape, key, type, member, doc)
#define PART(shape, key, type, doc)
#define END(shape)
#define SHAPE(id, from, doc) [SHAPE_##id] = { #id, doc, fields_##id, write_##id, hold_##id, fill_##id },
static const struct shape shapes[SHAPE_MAX] = {
#include "core/verdict.def"
};
#undef SHAPE
#undef RECORD

#define SHAPE(id, from, doc)
#define RECORD(kind, type, shape, more, doc) [REC_##kind] = { type, doc, SHAPE_##shape, SHAPE_##more },
static const struct record_row records[REC_KIND_MAX] = {
#include "core/verdict.def"
};

const struct shape *shape_row(enum shape_id id)
{
	return &shapes[id];
}

const struct record_row *record_row(enum record_kind kind)
{
	return &records[kind];
}

bool shape_is_nested(enum shape_id id)
{
	for (unsigned other = SHAPE_none + 1; other < SHAPE_MAX; other++)
		for (const struct field *field = shapes[other].fields; field->key; field++)
			if (field->type->shape == id)
				return true;
	return false;
}

void shape_write(struct json *j, enum shape_id id, const void *from)
{
	shapes[id].write(j, from);
}

void shape_hold(struct form_key *key, enum shape_id id, const void *from)
{
	const char *end = key->bytes + sizeof(key->bytes);
	char *at = shapes[id].hold(key->bytes + key->n, end, from);

	key->n = (size_t)((at ? at : end) - key->bytes);
}

void shape_fill(struct json *j, enum shape_id id, const void *from)
{
	shapes[id].fill(j, from);
}
