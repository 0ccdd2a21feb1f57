// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/evidence.h"
#include "core/verdict.h"
#include "echo_script.h"
#include "endings.h"
#include "raw_peer.h"

#define FOR_EACH(row)                                                                              \
	for (size_t n_, i_ = 0; row = endings(&n_) + i_, i_ < n_; i_++)

static bool is_slug(const char *s)
{
	return *s && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(s);
}

static void rows_stand_at_their_id_and_are_found_by_slug(void **state)
{
	const struct ending *row;

	(void)state;
	FOR_EACH (row) {
		assert_true(is_slug(row->slug));
		assert_int_equal(row->id, i_);
		assert_ptr_equal(ending_by_slug(row->slug), row);
	}
	assert_null(ending_by_slug("no-such-ending"));
	assert_null(ending_by_slug(""));
}

static void titles_are_words_for_one_line(void **state)
{
	const struct ending *row;

	(void)state;
	FOR_EACH (row) {
		assert_in_range(strlen(row->title), 10, 110);
		assert_null(strchr(row->title, '\n'));
	}
}

static void every_cause_and_proof_is_one_that_the_core_has(void **state)
{
	const struct ending *row;
	enum cause cause;

	(void)state;
	FOR_EACH (row) {
		bool known = !*row->proof;

		assert_int_equal(cause_by_slug(row->cause, &cause), 0);
		if (*row->other)
			assert_int_equal(cause_by_slug(row->other, &cause), 0);
		for (enum evidence ev = 0; ev < EV_MAX && !known; ev++)
			known = !strcmp(evidence_row(ev)->slug, row->proof);
		if (!known)
			fail_msg("%s: no evidence is called %s", row->slug, row->proof);
	}
}

/* Some other test proves the rest, and docs/ADDING.md says which. */
static void every_cause_has_an_ending_but_for_two(void **state)
{
	const struct ending *row;

	(void)state;
	for (enum cause cause = 0; cause < CAUSE_MAX; cause++) {
		bool found = cause == CAUSE_UNKNOWN || cause == CAUSE_ORPHAN_LIMIT;

		FOR_EACH (row)
			found |= !strcmp(row->cause, cause_row(cause)->slug) || !strcmp(row->other, cause_row(cause)->slug);
		if (!found)
			fail_msg("no ending earns %s", cause_row(cause)->slug);
	}
}

static void default_closer_is_one_of_those_that_can(void **state)
{
	const struct ending *row;

	(void)state;
	FOR_EACH (row) {
		assert_true(ending_can_close(row, row->closer));
		assert_int_equal(row->closers & ~(1u << SIDE_SERVER | 1u << SIDE_CLIENT), 0);
	}
}

static void causes_follow_the_closer_to_the_other_side(void **state)
{
	const struct ending *zero = ending_by_slug("linger-zero");

	(void)state;
	assert_string_equal(ending_cause(zero, SIDE_SERVER, SIDE_SERVER), "linger-zero");
	assert_string_equal(ending_cause(zero, SIDE_SERVER, SIDE_CLIENT), "peer-reset");
	assert_string_equal(ending_cause(zero, SIDE_CLIENT, SIDE_SERVER), "peer-reset");
	assert_string_equal(ending_cause(zero, SIDE_CLIENT, SIDE_CLIENT), "linger-zero");
}

static void every_ending_has_a_script_for_all_that_its_row_allows(void **state)
{
	const struct ending *row;

	(void)state;
	FOR_EACH (row) {
		const struct script *script = script_of(row->id);

		/* A scripted peer has no script of ours, but one of its own. */
		if (ending_is_raw(row)) {
			assert_int_equal(!!script->closer + !!script->call + !!script->serve, 1);
			assert_null(script->other);
			assert_non_null(raw_sysctls(row->id));
			continue;
		}
		assert_null(raw_sysctls(row->id));
		/* Either both talk and then one of them ends it, or each does all of it by itself. */
		assert_true(!script->serve == !script->call);
		assert_true(!script->closer == !script->other);
		assert_true(!script->serve == !!script->closer);
		if (row->closers != (1u << SIDE_SERVER | 1u << SIDE_CLIENT))
			assert_true(script->serve || script->again);
	}
}

static void an_end_without_a_verdict_is_the_servers_or_a_scripted_peers(void **state)
{
	const struct ending *row;

	(void)state;
	FOR_EACH (row) {
		/* The pair stops such a server itself. */
		if (!*row->other && !ending_is_raw(row))
			assert_int_equal(row->closers, 1u << SIDE_CLIENT);
		if (ending_is_raw(row))
			assert_string_equal(row->other, "");
		assert_true(!strcmp(row->ready, "listen") || !strcmp(row->ready, "bind"));
	}
}

static void a_mini_socket_ends_as_the_core_calls_it(void **state)
{
	const struct ending *row;
	bool known;

	(void)state;
	FOR_EACH (row)
		for (enum side closer = 0; closer < SIDE_MAX; closer++) {
			known = !*ending_mini(row, closer);
			for (enum mini_end end = 0; end < MINI_END_MAX && !known; end++)
				known = !strcmp(mini_end_slug(end), ending_mini(row, closer));
			if (!known)
				fail_msg("%s: no mini-socket ends as %s", row->slug, ending_mini(row, closer));
		}
	assert_string_equal(ending_mini(ending_by_slug("tw-reuse"), SIDE_CLIENT), "reused");
	assert_string_equal(ending_mini(ending_by_slug("tw-reuse"), SIDE_SERVER), "new-syn");
	assert_string_equal(ending_mini(ending_by_slug("default"), SIDE_SERVER), "");
}

/* Where the pair runs in somebody's namespace that cannot go. */
static void a_namespace_that_goes_away_is_a_scripted_peers(void **state)
{
	const struct ending *row;

	(void)state;
	FOR_EACH (row)
		for (enum side closer = 0; closer < SIDE_MAX; closer++)
			if (!strcmp(ending_mini(row, closer), mini_end_slug(MINI_NAMESPACE_GONE)))
				assert_true(ending_is_raw(row));
	assert_string_equal(ending_mini(ending_by_slug("namespace-gone"), SIDE_SERVER), "namespace-gone");
}

static void who_comes_again_has_two_verdicts(void **state)
{
	const struct ending *row;

	(void)state;
	FOR_EACH (row) {
		for (enum side side = 0; side < SIDE_MAX && script_of(row->id)->again; side++)
			assert_int_equal(ending_verdicts(row, row->closer, side), 2);
		if (row->traits & TRAIT_TWICE)
			assert_non_null(script_of(row->id)->again);
	}
}

static void a_peer_that_is_done_first_is_scripted_and_its_server_has_no_connection(void **state)
{
	const struct ending *row;

	(void)state;
	FOR_EACH (row) {
		if (!(row->traits & TRAIT_PEER_FIRST))
			continue;
		assert_true(ending_is_raw(row));
		assert_int_equal(row->closers, 1u << SIDE_SERVER);
		assert_string_equal(row->other, "");
	}
}

static void sides_have_their_names(void **state)
{
	enum side side = SIDE_MAX;

	(void)state;
	assert_int_equal(side_by_slug("client", &side), 0);
	assert_int_equal(side, SIDE_CLIENT);
	assert_string_equal(side_slug(SIDE_SERVER), "server");
	assert_true(side_by_slug("both", &side) < 0);
	assert_int_equal(side, SIDE_CLIENT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_stand_at_their_id_and_are_found_by_slug),
		cmocka_unit_test(titles_are_words_for_one_line),
		cmocka_unit_test(every_cause_and_proof_is_one_that_the_core_has),
		cmocka_unit_test(every_cause_has_an_ending_but_for_two),
		cmocka_unit_test(default_closer_is_one_of_those_that_can),
		cmocka_unit_test(causes_follow_the_closer_to_the_other_side),
		cmocka_unit_test(every_ending_has_a_script_for_all_that_its_row_allows),
		cmocka_unit_test(an_end_without_a_verdict_is_the_servers_or_a_scripted_peers),
		cmocka_unit_test(a_mini_socket_ends_as_the_core_calls_it),
		cmocka_unit_test(a_namespace_that_goes_away_is_a_scripted_peers),
		cmocka_unit_test(who_comes_again_has_two_verdicts),
		cmocka_unit_test(a_peer_that_is_done_first_is_scripted_and_its_server_has_no_connection),
		cmocka_unit_test(sides_have_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
