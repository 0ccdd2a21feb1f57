/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A part of fields.c, which alone includes it: types of fields of resets, of the self-test and of audits. */

/* clang-format off: a table, whose rows happen to be functions */

/* Resets of no connection. */

static const char *word_reset_by(unsigned i) { return i < RESET_BY_MAX ? reset_by_slug(i) : NULL; }
static bool no_earlier(const void *at) { return !((const struct reset *)at)->of; }

EMIT(emit_reset_by) { json_string(j, reset_by_slug(*(const enum reset_by *)at)); }
EMIT(emit_reset_cause) { emit_cause(j, field, &((const struct reset *)at)->cause); }
EMIT(emit_reset_after) { json_u64(j, ((const struct reset *)at)->after_ns); }

TYPE(RESET_BY, "string", emit_reset_by, .size = sizeof(enum reset_by), .words = "what answered", .word = word_reset_by);
TYPE(RESET_CAUSE, "string", emit_reset_cause, .words = "cause", .word = word_cause, .absent = no_earlier);
TYPE(RESET_AFTER, "integer", emit_reset_after, .absent = no_earlier);

/* The self-test and the audit. */

static const char *word_counter(unsigned i) { return i < COUNTER_MAX ? counter_row(i)->names : NULL; }
static const char *word_audit_result(unsigned i) { return i < AUDIT_RESULT_MAX ? audit_result_slug(i) : NULL; }
static const char *word_trial_outcome(unsigned i) { return i < TRIAL_OUTCOME_MAX ? trial_outcome_slug(i) : NULL; }

EMIT(emit_counter) { json_string(j, counter_row(*(const enum counter *)at)->names); }
EMIT(emit_audit_result) { json_string(j, audit_result_slug(*(const enum audit_result *)at)); }
EMIT(emit_trial_outcome) { json_string(j, trial_outcome_slug(*(const enum trial_outcome *)at)); }
EMIT(emit_trial_server) { emit_cause(j, field, &((const struct trial *)at)->expect[0]); }
EMIT(emit_trial_client) { emit_cause(j, field, &((const struct trial *)at)->expect[1]); }
EMIT(emit_seen_server) { emit_cause(j, field, &((const struct trial *)at)->seen[0]); }
EMIT(emit_seen_client) { emit_cause(j, field, &((const struct trial *)at)->seen[1]); }

static bool no_expect_server(const void *at) { return !((const struct trial *)at)->has_expect[0]; }
static bool no_expect_client(const void *at) { return !((const struct trial *)at)->has_expect[1]; }
static bool no_seen_server(const void *at) { return !((const struct trial *)at)->has_seen[0]; }
static bool no_seen_client(const void *at) { return !((const struct trial *)at)->has_seen[1]; }

TYPE(COUNTER, "string", emit_counter, .size = sizeof(enum counter), .words = "counter name", .word = word_counter);
TYPE(AUDIT_RESULT, "string", emit_audit_result, .size = sizeof(enum audit_result), .words = "result", .word = word_audit_result);
TYPE(TRIAL_OUTCOME, "string", emit_trial_outcome, .size = sizeof(enum trial_outcome), .words = "outcome", .word = word_trial_outcome);
TYPE(TRIAL_SERVER, "string", emit_trial_server, .words = "cause", .word = word_cause, .absent = no_expect_server);
TYPE(TRIAL_CLIENT, "string", emit_trial_client, .words = "cause", .word = word_cause, .absent = no_expect_client);
TYPE(SEEN_SERVER, "string", emit_seen_server, .words = "cause", .word = word_cause, .absent = no_seen_server);
TYPE(SEEN_CLIENT, "string", emit_seen_client, .words = "cause", .word = word_cause, .absent = no_seen_client);
OBJECT(SIDES, sides, part_same);
OBJECT(SEEN, seen, part_same);
OBJECT(SAW, saw, part_same);
OBJECT(SEGMENTS, segments, part_same);

EMIT(emit_trial_why)
{
	const struct trial *t = at;

	json_array_begin(j);
	for (unsigned i = 0; i < t->n_why && i < TRIAL_WHY_MAX; i++)
		json_string(j, t->why[i]);
	json_array_end(j);
}

EMIT(emit_audit_fits) { json_boolean(j, !*(const bool *)at); }

static bool no_audit(const void *at) { return !((const struct audit_sum *)at)->made; }

TYPE(AUDIT_FITS, "boolean", emit_audit_fits, .size = 1);
OBJECT(AUDITED, audited, part_same, .size = sizeof(struct audit_sum), .absent = no_audit);

EMIT(emit_counters)
{
	const struct trial *t = at;

	json_array_begin(j);
	for (unsigned i = 0; i < COUNTER_MAX; i++)
		emit_object(j, SHAPE_counter, &t->counts[i]);
	json_array_end(j);
}

TYPE(TRIAL_WHY, "array", emit_trial_why);
TYPE(COUNTERS, "array", emit_counters, .shape = SHAPE_counter);
