/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The types of fields of the reports: the bill and stuck sockets. A part of fields.c, and of nothing else. */

#include "report/bill.h"
#include "report/stuck.h"

EMIT(emit_milli) { json_decimal(j, *(const uint64_t *)at, 3); }

TYPE(ID_OR_NULL_32, "integer", emit_number, .number = u32, .size = 4, .absent = zero_u32);
TYPE(MILLI, "number", emit_milli, .size = 8);
TYPE(MILLI_32, "number", emit_seconds, .size = 4);

static void emit_groups(struct json *j, const struct field *field, const void *at)
{
	const struct bill_groups *groups = at;

	json_array_begin(j);
	for (size_t i = 0; i < groups->n; i++)
		emit_object(j, field->type->shape, groups->items[i]);
	json_array_end(j);
}

TYPE(GROUPS_OWNER, "array", emit_groups, .size = sizeof(struct bill_groups), .shape = SHAPE_bill_owner);
TYPE(GROUPS_LOCAL, "array", emit_groups, .size = sizeof(struct bill_groups), .shape = SHAPE_bill_local);
TYPE(GROUPS_PEER, "array", emit_groups, .size = sizeof(struct bill_groups), .shape = SHAPE_bill_peer);
TYPE(GROUPS_CAME, "array", emit_groups, .size = sizeof(struct bill_groups), .shape = SHAPE_bill_came);
TYPE(GROUPS_DESTINATION, "array", emit_groups, .size = sizeof(struct bill_groups), .shape = SHAPE_destination);
OBJECT(MINI_COUNT, mini_count, part_same);

#define KEY(at) (&((const struct bill_group *)(at))->key)

static void emit_group_end(struct json *j, const struct bill_key *key, const uint8_t *addr, uint16_t port)
{
	struct endpoint endpoint = { .port = port };

	memcpy(endpoint.addr, addr, sizeof(endpoint.addr));
	emit_end(j, key->family, &endpoint);
}

EMIT(emit_group_local) { emit_group_end(j, KEY(at), KEY(at)->local_addr, KEY(at)->local_port); }
EMIT(emit_group_peer) { emit_group_end(j, KEY(at), KEY(at)->peer_addr, KEY(at)->peer_port); }
EMIT(emit_group_netns) { json_u64(j, KEY(at)->netns); }
EMIT(emit_group_comm) { json_string_n(j, KEY(at)->comm, strnlen(KEY(at)->comm, sizeof(KEY(at)->comm))); }
EMIT(emit_group_role) { json_string(j, bill_role_slug(KEY(at)->role)); }
EMIT(emit_group_came) { json_string(j, bill_came_slug(KEY(at))); }
static bool no_comm(const void *at) { return !KEY(at)->owned; }
static bool no_role(const void *at) { return !bill_role_slug(KEY(at)->role); }
static const char *word_role(unsigned i) { return i + 1 < BILL_ROLE_MAX ? bill_role_slug(i + 1) : NULL; }
static const char *word_came(unsigned i)
{
	static const char *const others[] = { "pending", "older", NULL };

	return i < CAUSE_MAX ? cause_row(i)->slug : others[i - CAUSE_MAX];
}

TYPE(GROUP_LOCAL, "object", emit_group_local, .shape = SHAPE_endpoint);
TYPE(GROUP_PEER, "object", emit_group_peer, .shape = SHAPE_endpoint);
TYPE(GROUP_NETNS, "integer", emit_group_netns);
TYPE(GROUP_COMM, "string", emit_group_comm, .absent = no_comm);
TYPE(GROUP_ROLE, "string", emit_group_role, .words = "role", .word = word_role, .absent = no_role);
TYPE(GROUP_CAME, "string", emit_group_came, .words = "how it came to be", .word = word_came);

EMIT(emit_lifetimes)
{
	const struct bill_report *r = at;

	json_array_begin(j);
	for (size_t i = 0; i < r->n_lifetimes; i++)
		emit_object(j, SHAPE_lifetime, &r->lifetimes[i]);
	json_array_end(j);
}

EMIT(emit_advices)
{
	const struct bill_report *r = at;

	json_array_begin(j);
	for (size_t i = 0; i < r->n_advice; i++)
		emit_object(j, SHAPE_advice, &r->advice[i]);
	json_array_end(j);
}

EMIT(emit_rules)
{
	const struct bill_report *r = at;

	json_array_begin(j);
	for (size_t i = 0; i < r->n_rules; i++)
		emit_object(j, SHAPE_tcp_rules, r->rules[i]);
	json_array_end(j);
}

EMIT(emit_rules_count) { json_u64(j, ((const struct bill_rules *)at)->kernel_tw); }
EMIT(emit_report_count) { json_u64(j, ((const struct bill_report *)at)->kernel_tw); }
static bool no_rules_count(const void *at) { return !((const struct bill_rules *)at)->counted; }
static bool no_report_count(const void *at) { return !((const struct bill_report *)at)->kernel_counted; }

TYPE(LIFETIMES, "array", emit_lifetimes, .shape = SHAPE_lifetime);
TYPE(ADVICES, "array", emit_advices, .shape = SHAPE_advice);
TYPE(ADVICE, "string", emit_name, .size = sizeof(char *), .words = "which advice", .word = bill_advice_slug);
TYPE(RULES, "array", emit_rules, .shape = SHAPE_tcp_rules);
TYPE(RULES_COUNT, "integer", emit_rules_count, .absent = no_rules_count);
TYPE(REPORT_COUNT, "integer", emit_report_count, .absent = no_report_count);

EMIT(emit_holders)
{
	const struct stuck_sock *s = at;

	json_array_begin(j);
	for (size_t i = 0; i < s->n_holders && i < STUCK_HOLDERS_MAX; i++)
		emit_object(j, SHAPE_holder, &s->holders[i]);
	json_array_end(j);
}

EMIT(emit_stuck)
{
	const struct stuck_report *r = at;

	json_array_begin(j);
	for (size_t i = 0; i < r->n; i++)
		emit_object(j, SHAPE_stuck_socket, r->items[i]);
	json_array_end(j);
}

EMIT(emit_waits_for) { json_string(j, stuck_wait_slug(*(const enum stuck_wait *)at)); }
EMIT(emit_stuck_unread) { json_u64(j, ((const struct stuck_sock *)at)->unread_bytes); }
EMIT(emit_stuck_unsent) { json_u64(j, ((const struct stuck_sock *)at)->unsent_bytes); }
EMIT(emit_stuck_unacked) { json_u64(j, ((const struct stuck_sock *)at)->unacked_bytes); }
static bool not_seen(const void *at) { return !((const struct stuck_sock *)at)->seen; }

TYPE(HOLDERS, "array", emit_holders, .shape = SHAPE_holder);
TYPE(STUCK_SOCKETS, "array", emit_stuck, .shape = SHAPE_stuck_socket);
TYPE(WAITS_FOR, "string", emit_waits_for, .size = sizeof(enum stuck_wait), .words = "what it waits for", .word = stuck_wait_slug);
TYPE(STUCK_UNREAD, "integer", emit_stuck_unread, .absent = not_seen);
TYPE(STUCK_UNSENT, "integer", emit_stuck_unsent, .absent = not_seen);
TYPE(STUCK_UNACKED, "integer", emit_stuck_unacked, .absent = not_seen);
