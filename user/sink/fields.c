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

EMIT(emit_u64) { json_u64(j, *(const uint64_t *)at); }
EMIT(emit_u32) { json_u64(j, *(const uint32_t *)at); }
EMIT(emit_u16) { json_u64(j, *(const uint16_t *)at); }
EMIT(emit_u8) { json_u64(j, *(const uint8_t *)at); }
EMIT(emit_i64) { json_i64(j, *(const int64_t *)at); }
EMIT(emit_i32) { json_i64(j, *(const int32_t *)at); }
EMIT(emit_flag) { json_boolean(j, *(const bool *)at); }
/* Milliseconds as seconds. */
EMIT(emit_seconds) { json_decimal(j, *(const uint32_t *)at, 3); }

static bool zero_u64(const void *at) { return !*(const uint64_t *)at; }
static bool zero_u32(const void *at) { return !*(const uint32_t *)at; }
static bool zero_u16(const void *at) { return !*(const uint16_t *)at; }
static bool zero_u8(const void *at) { return !*(const uint8_t *)at; }

TYPE(U64, "integer", emit_u64, .size = 8);
TYPE(U32, "integer", emit_u32, .size = 4);
TYPE(U16, "integer", emit_u16, .size = 2);
TYPE(I64, "integer", emit_i64, .size = 8, .is_signed = true);
TYPE(I32, "integer", emit_i32, .size = 4, .is_signed = true);
TYPE(ID_OR_NULL, "integer", emit_u64, .size = 8, .absent = zero_u64);
TYPE(U64_OR_NULL, "integer", emit_u64, .size = 8, .absent = zero_u64);
TYPE(PORT, "integer", emit_u16, .size = 2, .absent = zero_u16);
TYPE(FAMILY, "integer", emit_u8, .size = 1, .absent = zero_u8);
TYPE(FLAG, "boolean", emit_flag, .size = 1, .steady = true);
TYPE(SECONDS, "number", emit_seconds, .size = 4);

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
TYPE(MINI_CALLER_OR_LEFT_OUT, "string", emit_mini_caller, .size = 1, .words = "what ends a mini-socket", .word = word_mini_caller, .absent = zero_u8, .left_out = true);
TYPE(REQUEST_CALLER_OR_NULL, "string", emit_request_caller, .size = 1, .words = "what ends a half-open connection", .word = word_request_caller, .absent = zero_u8);
TYPE(SOURCE, "string", emit_source, .size = sizeof(enum owner_source), .words = "source", .word = word_source);
TYPE(KIND, "string", emit_kind, .size = sizeof(enum obs_kind), .words = "kind of event", .word = word_kind);
TYPE(STATE, "string", emit_state, .size = 1, .words = "state", .word = word_state);
TYPE(STATE_OR_NULL, "string", emit_state, .size = 1, .words = "state", .word = word_state, .absent = zero_u8, .steady = true);
TYPE(STATE_OR_LEFT_OUT, "string", emit_state, .size = 1, .words = "state", .word = word_state, .absent = zero_u8, .left_out = true);
TYPE(SHUTDOWN, "string", emit_shutdown, .size = 1, .words = "direction", .word = word_shutdown);
TYPE(EVIDENCE, "array", emit_evidence, .size = sizeof(evidence_set), .words = "evidence", .word = word_evidence, .steady = true);

/* Objects. */

static void emit_object(struct json *j, enum shape_id shape, const void *from)
{
	json_object_begin(j);
	shape_emit(j, shape, from);
	json_object_end(j);
}

/* The object of the type's own shape, from the same place. */
EMIT(emit_shape) { emit_object(j, field->type->shape, at); }

static void emit_end(struct json *j, uint8_t family, const struct endpoint *endpoint)
{
	struct end end = { family, *endpoint };

	emit_object(j, SHAPE_endpoint, &end);
}

EMIT(emit_local) { const struct tuple *t = at; emit_end(j, t->family, &t->local); }
EMIT(emit_peer) { const struct tuple *t = at; emit_end(j, t->family, &t->peer); }
EMIT(emit_from) { const struct segment *s = at; emit_end(j, s->family, &s->from); }
EMIT(emit_to) { const struct segment *s = at; emit_end(j, s->family, &s->to); }
EMIT(emit_address)
{
	const struct end *end = at;
	char address[ENDPOINT_STRLEN];

	json_string(j, endpoint_address(end->family, &end->endpoint, address));
}

static bool no_address(const void *at) { return !((const struct end *)at)->family; }

TYPE(LOCAL, "object", emit_local, .size = sizeof(struct tuple), .shape = SHAPE_endpoint);
TYPE(PEER, "object", emit_peer, .size = sizeof(struct tuple), .shape = SHAPE_endpoint);
TYPE(FROM, "object", emit_from, .shape = SHAPE_endpoint);
TYPE(TO, "object", emit_to, .shape = SHAPE_endpoint);
TYPE(ADDRESS, "string", emit_address, .absent = no_address);

static bool no_owner(const void *at) { return ((const struct owner *)at)->source == OWNER_UNKNOWN; }

#define DEPENDS(name) static void name(struct memo_key *key, const void *at)
DEPENDS(rst_depends)
{
	const struct verdict *v = at;

	memo_key_word(key, (uint64_t)v->rst_sent << 32 | v->rst_received);
	memo_key_word(key, (uintptr_t)v->rst_reason);
}
DEPENDS(linger_depends)
{
	const struct verdict *v = at;

	memo_key_word(key, (uint64_t)v->linger_ms << 32 | v->linger_on);
	memo_key_word(key, v->linger_wait_ns);
}
DEPENDS(bytes_depends)
{
	const struct verdict *v = at;

	memo_key_word(key, v->sent_bytes);
	memo_key_word(key, v->received_bytes);
}
DEPENDS(exit_depends)
{
	const struct verdict *v = at;

	memo_key_word(key, (uint32_t)v->exit_code);
	memo_key_word(key, v->evidence & (EV(EXITING) | EV(KILLED)));
}
DEPENDS(lost_depends)
{
	const struct verdict *v = at;

	memo_key_word(key, (uint64_t)v->unread_bytes << 32 | v->unsent_bytes);
	memo_key_word(key, (uint64_t)v->unacked_bytes << 32 | v->peer_left_bytes);
	memo_key_word(key, v->peer_left_known);
}
#undef DEPENDS

TYPE(OWNER, "object", emit_shape, .size = sizeof(struct owner), .shape = SHAPE_owner, .absent = no_owner, .steady = true);
TYPE(RST, "object", emit_shape, .shape = SHAPE_rst, .depends = rst_depends);
TYPE(LINGER, "object", emit_shape, .shape = SHAPE_linger, .depends = linger_depends);
EMIT(emit_peer_left) { json_u64(j, ((const struct verdict *)at)->peer_left_bytes); }
static bool no_peer_left(const void *at) { return !((const struct verdict *)at)->peer_left_known; }

TYPE(PEER_LEFT, "integer", emit_peer_left, .absent = no_peer_left);
TYPE(LOST, "object", emit_shape, .shape = SHAPE_lost, .depends = lost_depends);
TYPE(BYTES, "object", emit_shape, .shape = SHAPE_bytes, .depends = bytes_depends);
TYPE(EXPECTED, "object", emit_shape, .shape = SHAPE_expected);

/* As the kernel keeps it in task->exit_code: (status << 8) | signal, and 0x80 for a core dump. */
EMIT(emit_exit_status) { json_u64(j, (uint32_t)((const struct verdict *)at)->exit_code >> 8 & 0xff); }
EMIT(emit_exit_signal) { json_u64(j, (uint32_t)((const struct verdict *)at)->exit_code & 0x7f); }
static bool no_exit(const void *at) { return !(((const struct verdict *)at)->evidence & (EV(EXITING) | EV(KILLED))); }

TYPE(EXIT_STATUS, "integer", emit_exit_status);
TYPE(EXIT_SIGNAL, "integer", emit_exit_signal);
TYPE(EXIT, "object", emit_shape, .shape = SHAPE_exit, .absent = no_exit, .depends = exit_depends);

EMIT(emit_path)
{
	const struct verdict *v = at;

	json_array_begin(j);
	for (unsigned i = 0; i < v->n_path && i < PATH_MAX_STEPS; i++) {
		struct step step = { v->path[i].state, v->path[i].at_ns };

		emit_object(j, SHAPE_step, &step);
	}
	json_array_end(j);
}

TYPE(PATH, "array", emit_path, .shape = SHAPE_step);

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
EMIT(emit_task) { emit_object(j, SHAPE_task, &((const struct obs *)at)->task); }
EMIT(emit_sock) { emit_object(j, SHAPE_sock, &((const struct obs *)at)->sock); }
EMIT(emit_mini) { emit_object(j, SHAPE_mini, &((const struct obs *)at)->mini); }

EMIT(emit_request) { emit_object(j, SHAPE_request, &((const struct obs *)at)->request); }

TYPE(RST_FLAG, "boolean", emit_rst_flag, .absent = no_rst_flag, .left_out = true);
TYPE(TASK, "object", emit_task, .shape = SHAPE_task, .absent = no_task, .left_out = true);
TYPE(SOCK, "object", emit_sock, .shape = SHAPE_sock, .absent = no_sock, .left_out = true);
TYPE(MINI, "object", emit_mini, .shape = SHAPE_mini, .absent = no_mini, .left_out = true);
TYPE(REQUEST, "object", emit_request, .shape = SHAPE_request, .absent = no_request, .left_out = true);

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

#define FIELD(shape, key, type, member, doc)
#define PART(shape, key, type, doc)
#define END(shape)
#define SHAPE(id, from, doc) [SHAPE_##id] = { #id, doc, fields_##id },
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

static inline void field_emit(struct json *j, const struct field *field, const void *from)
{
	const void *at = (const char *)from + field->offset;
	bool absent = field->type->absent && field->type->absent(at);

	if (absent && field->type->left_out)
		return;
	json_key_word(j, &field->word);
	if (absent)
		json_null(j);
	else
		field->type->emit(j, field, at);
}

static bool is_steady(const struct field *field)
{
	return field->key && (field->type->steady || field->type->depends);
}

/* Those that are steady, from this one on: what they all depend on. Returns the one after them. */
static const struct field *steady_run(const struct field *field, const void *from, struct memo_key *key)
{
	memo_key_begin(key, field);
	for (; is_steady(field); field++) {
		const void *at = (const char *)from + field->offset;

		if (field->type->depends)
			field->type->depends(key, at);
		else if (field->size == sizeof(uint32_t))
			memo_key_word(key, *(const uint32_t *)at);
		else
			memo_key_add(key, at, field->size);
	}
	return field;
}

static void run_emit(struct json *j, const struct field *first, const struct field *end,
		     const void *from, const struct memo_key *key)
{
	size_t mark;

	if (json_again(j, key))
		return;
	mark = json_mark(j);
	for (; first != end; first++)
		field_emit(j, first, from);
	json_keep(j, key, mark);
}

void shape_emit(struct json *j, enum shape_id id, const void *from)
{
	const struct field *field = shapes[id].fields;

	while (field->key) {
		const struct field *end = field + 1;
		struct memo_key key;

		/* a word alone is not worth the look */
		if (j->memo && is_steady(field) && (is_steady(end) || field->type->shape)) {
			end = steady_run(field, from, &key);
			run_emit(j, field, end, from, &key);
		} else {
			field_emit(j, field, from);
		}
		field = end;
	}
}
