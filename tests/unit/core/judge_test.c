// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/judge.h"

#define EACH_PROOF(p)                                               \
	for (size_t n_, i_ = 0; i_ < (judge_proofs(&n_), n_); i_++) \
		for (const struct proof *p = &judge_proofs(&n_)[i_]; p; p = NULL)
#define EACH_BIT(bit, set)                                                 \
	for (evidence_set bit = 1, end_ = EV_MAX; end_; bit <<= 1, end_--) \
		if ((set)&bit)

/* xorshift64*: the same numbers in every run */
static uint64_t rnd(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static evidence_set rnd_set(uint64_t *state)
{
	evidence_set high = rnd(state);

	return high << 64 | rnd(state);
}

static const char *name(enum cause c)
{
	return cause_row(c)->slug;
}

/* Coarser than `cause`, and still true. */
static bool is_coarser(enum cause cause, enum cause got)
{
	/* closed while the SYN was out: that linger was 0 changed nothing on the wire */
	return got == CAUSE_UNKNOWN || got == cause ||
	       (cause == CAUSE_LINGER_ZERO && got == CAUSE_CONNECT_CANCELLED);
}

static void the_needs_of_each_proof_select_that_proof(void **state)
{
	(void)state;
	EACH_PROOF(p)
	{
		size_t got = SIZE_MAX;

		assert_string_equal(name(judge(p->needs, 0, &got)), name(p->cause));
		assert_int_equal(got, i_);
	}
}

static void every_cause_but_unknown_has_a_proof(void **state)
{
	bool proved[CAUSE_MAX] = {[CAUSE_UNKNOWN] = true};

	(void)state;
	EACH_PROOF(p)
	proved[p->cause] = true;
	for (int c = 0; c < CAUSE_MAX; c++) {
		if (!proved[c])
			fail_msg("%s has no proof", name((enum cause)c));
	}
}

static void no_proof_is_for_unknown_or_needs_nothing_or_bars_what_it_needs(void **state)
{
	(void)state;
	EACH_PROOF(p)
	{
		assert_int_not_equal(p->cause, CAUSE_UNKNOWN);
		assert_true(p->needs != 0);
		assert_true((p->needs & p->bars) == 0);
	}
}

static void a_proof_without_one_of_its_needs_does_not_fit(void **state)
{
	(void)state;
	EACH_PROOF(p)
	{
		EACH_BIT(bit, p->needs)
		{
			size_t got = SIZE_MAX;

			judge(p->needs & ~bit, 0, &got);
			assert_int_not_equal(got, i_);
		}
	}
}

static void a_bar_that_was_seen_stops_its_proof(void **state)
{
	(void)state;
	EACH_PROOF(p)
	{
		EACH_BIT(bit, p->bars)
		{
			size_t got = SIZE_MAX;

			judge(p->needs | bit, 0, &got);
			assert_int_not_equal(got, i_);
		}
	}
}

static void
a_bar_that_was_invisible_stops_its_proof_and_leaves_nothing_that_is_not_true(void **state)
{
	(void)state;
	EACH_PROOF(p)
	{
		EACH_BIT(bit, p->bars)
		{
			size_t got = SIZE_MAX;
			enum cause c = judge(p->needs, bit, &got);

			assert_int_not_equal(got, i_);
			if (!is_coarser(p->cause, c))
				fail_msg("%s became %s", name(p->cause), name(c));
		}
	}
}

static void a_need_that_was_invisible_leaves_nothing_that_is_not_true(void **state)
{
	(void)state;
	EACH_PROOF(p)
	{
		EACH_BIT(bit, p->needs)
		{
			enum cause c = judge(p->needs & ~bit, bit, NULL);

			if (!is_coarser(p->cause, c))
				fail_msg("%s became %s", name(p->cause), name(c));
		}
	}
}

/* A kernel or a way does not lose one piece of evidence, but all that hangs on one vantage. */
static void a_vantage_that_is_not_covered_leaves_nothing_that_is_not_true(void **state)
{
	(void)state;
	EACH_PROOF(p)
	{
		for (int vantage = VANTAGE_STATE + 1; vantage < VANTAGE_MAX; vantage++) {
			evidence_set blind = evidence_blind(~(UINT32_C(1) << vantage));
			enum cause c = judge(p->needs & ~blind, blind, NULL);

			if (!is_coarser(p->cause, c))
				fail_msg("%s became %s without %s", name(p->cause), name(c),
					 vantage_slug((enum vantage)vantage));
		}
	}
}

/* Blindness may make a verdict coarser; it must never make it say what open eyes would deny. */
static void whatever_is_judged_half_blind_is_also_proved_with_open_eyes(void **state)
{
	uint64_t seed = 20;

	(void)state;
	for (int round = 0; round < 500000; round++) {
		const struct proof *p;
		size_t n, got = SIZE_MAX;
		/* few bits at a time: a random word would set off every bar */
		evidence_set truth = rnd_set(&seed) & rnd_set(&seed) & rnd_set(&seed),
			     blind = rnd_set(&seed) & rnd_set(&seed);

		p = judge_proofs(&n);
		truth |= p[rnd(&seed) % n].needs;
		if (judge(truth & ~blind, blind, &got) == CAUSE_UNKNOWN)
			continue;
		assert_true((truth & p[got].needs) == p[got].needs);
		assert_true((truth & p[got].bars) == 0);
	}
}

/* Few sets of evidence, of which each comes again, and more than can be remembered. */
static void what_was_judged_before_is_judged_as_before(void **state)
{
	struct judged judged = { 0 };
	uint64_t seed = 5;

	(void)state;
	for (unsigned round = 0; round < 100; round++)
		EACH_PROOF(p)
		{
			evidence_set seen = round % 2 ? p->needs : p->needs | (rnd_set(&seed) & rnd_set(&seed) & rnd_set(&seed));
			evidence_set blind = round % 3 ? 0 : rnd_set(&seed) & rnd_set(&seed) & p->bars;

			assert_int_equal(judge_again(&judged, seen, blind), judge(seen, blind, NULL));
			assert_int_equal(judge_again(&judged, seen, blind), judge(seen, blind, NULL));
			assert_int_equal(judge_again(NULL, seen, blind), judge(seen, blind, NULL));
		}
	judged = (struct judged){ 0 };
	assert_int_equal(judge_again(&judged, 0, 0), CAUSE_UNKNOWN);
}

static void nothing_seen_is_unknown_and_names_no_proof(void **state)
{
	size_t got = 77;

	(void)state;
	assert_int_equal(judge(0, 0, &got), CAUSE_UNKNOWN);
	assert_int_equal(judge(0, ~(evidence_set)0, &got), CAUSE_UNKNOWN);
	assert_int_equal(got, 77);
}

static void evidence_that_no_proof_asks_for_changes_nothing(void **state)
{
	evidence_set asked = 0;

	(void)state;
	EACH_PROOF(p)
	asked |= p->needs | p->bars;
	EACH_PROOF(p)
	{
		size_t got = SIZE_MAX;

		judge(p->needs | ~asked, ~asked, &got);
		assert_int_equal(got, i_);
	}
}

static struct verdict judged(evidence_set seen, evidence_set blind, uint32_t sent,
			     uint32_t received)
{
	struct verdict v = {.evidence = seen, .rst_sent = sent, .rst_received = received};

	judge_verdict(NULL, &v, blind);
	return v;
}

static void each_cause_ends_in_its_own_way_once_its_reset_was_counted(void **state)
{
	(void)state;
	EACH_PROOF(p)
	{
		bool in = p->needs & (EV(RST_IN) | EV(MINI_RST_IN));
		bool rst = cause_row(p->cause)->how == HOW_RST;
		evidence_set sent = rst && !in ? EV(RST_ACTIVE) : 0;
		struct verdict v = judged(p->needs | sent, 0, rst && !in, rst && in);

		assert_int_equal(v.cause, p->cause);
		assert_int_equal(v.how, cause_row(p->cause)->how);
	}
}

static void an_abort_without_an_rst_is_silent_where_every_rst_would_have_been_seen(void **state)
{
	evidence_set linger_zero = EV(BY_CALL) | EV(LINGER_ZERO);

	(void)state;
	assert_int_equal(judged(linger_zero, 0, 0, 0).how, HOW_SILENT);
	assert_int_equal(judged(linger_zero | EV(RST_ACTIVE), 0, 1, 0).how, HOW_RST);
	assert_int_equal(judged(linger_zero, EV(RST_ACTIVE), 0, 0).how, HOW_RST);
	/* an answer of a mini-socket: where there was none, there was no answer */
	assert_int_equal(judged(linger_zero, EV(MINI_REPLY), 0, 0).how, HOW_SILENT);
}

static void a_reset_that_ended_the_minisocket_is_no_silent_end(void **state)
{
	(void)state;
	assert_int_equal(judged(EV(FIN_FIRST) | EV(MINI_FIN_WAIT2) | EV(MINI_RST_IN), 0, 0, 0).how,
			 HOW_RST);
}

static void the_first_closer_is_whose_fin_or_rst_came_first(void **state)
{
	(void)state;
	assert_int_equal(judged(EV(FIN_FIRST), 0, 0, 0).first_closer, CLOSER_LOCAL);
	assert_int_equal(judged(EV(PEER_FIN_FIRST) | EV(FIN_AFTER), 0, 0, 0).first_closer,
			 CLOSER_PEER);
	assert_int_equal(judged(EV(FIN_FIRST) | EV(FINS_CROSSED), 0, 0, 0).first_closer,
			 CLOSER_BOTH);
	assert_int_equal(judged(EV(RST_IN), 0, 0, 1).first_closer, CLOSER_PEER);
	assert_int_equal(judged(EV(RST_ACTIVE), 0, 1, 0).first_closer, CLOSER_LOCAL);
	/* a FIN, and an RST afterwards */
	assert_int_equal(judged(EV(FIN_FIRST) | EV(RST_IN), 0, 0, 1).first_closer, CLOSER_LOCAL);
	assert_int_equal(judged(EV(PEER_FIN_FIRST) | EV(RST_ACTIVE), 0, 1, 0).first_closer,
			 CLOSER_PEER);
	assert_int_equal(judged(EV(ERR_TIMEOUT) | EV(IN_SYN_SENT), 0, 0, 0).first_closer,
			 CLOSER_NONE);
}

static void an_unknown_cause_ends_as_it_was_seen_to_end(void **state)
{
	(void)state;
	assert_int_equal(judged(0, 0, 0, 0).how, HOW_SILENT);
	assert_int_equal(judged(EV(RST_ACTIVE), 0, 1, 0).how, HOW_RST);
	assert_int_equal(judged(EV(MINI_RST_IN), 0, 0, 1).how, HOW_RST);
	assert_int_equal(judged(EV(ERR_TIMEOUT), 0, 0, 0).how, HOW_TIMEOUT);
	assert_int_equal(judged(EV(FIN_FIRST), 0, 0, 0).how, HOW_FIN);
}

/* A bad ACK in SYN_SENT is answered by an RST, and the connection goes on. */
static void an_rst_that_ended_nothing_is_neither_the_end_nor_the_first_to_close(void **state)
{
	struct verdict v = judged(EV(IN_SYN_SENT) | EV(ERR_TIMEOUT), 0, 1, 0);

	(void)state;
	assert_int_equal(v.how, HOW_TIMEOUT);
	assert_int_equal(v.first_closer, CLOSER_NONE);
	assert_int_equal(judged(EV(BY_CALL) | EV(LINGER_ZERO) | EV(IN_SYN_SENT), 0, 1, 0).how,
			 HOW_SILENT);
}

static void what_was_seen_is_not_called_blind(void **state)
{
	struct verdict v = judged(EV(RST_ACTIVE), EV(RST_ACTIVE) | EV(RST_REPLY), 1, 0);

	(void)state;
	assert_true(v.blind == EV(RST_REPLY));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_needs_of_each_proof_select_that_proof),
		cmocka_unit_test(every_cause_but_unknown_has_a_proof),
		cmocka_unit_test(no_proof_is_for_unknown_or_needs_nothing_or_bars_what_it_needs),
		cmocka_unit_test(a_proof_without_one_of_its_needs_does_not_fit),
		cmocka_unit_test(a_bar_that_was_seen_stops_its_proof),
		cmocka_unit_test(
			a_bar_that_was_invisible_stops_its_proof_and_leaves_nothing_that_is_not_true),
		cmocka_unit_test(a_need_that_was_invisible_leaves_nothing_that_is_not_true),
		cmocka_unit_test(a_vantage_that_is_not_covered_leaves_nothing_that_is_not_true),
		cmocka_unit_test(whatever_is_judged_half_blind_is_also_proved_with_open_eyes),
		cmocka_unit_test(what_was_judged_before_is_judged_as_before),
		cmocka_unit_test(nothing_seen_is_unknown_and_names_no_proof),
		cmocka_unit_test(evidence_that_no_proof_asks_for_changes_nothing),
		cmocka_unit_test(each_cause_ends_in_its_own_way_once_its_reset_was_counted),
		cmocka_unit_test(
			an_abort_without_an_rst_is_silent_where_every_rst_would_have_been_seen),
		cmocka_unit_test(a_reset_that_ended_the_minisocket_is_no_silent_end),
		cmocka_unit_test(the_first_closer_is_whose_fin_or_rst_came_first),
		cmocka_unit_test(an_unknown_cause_ends_as_it_was_seen_to_end),
		cmocka_unit_test(
			an_rst_that_ended_nothing_is_neither_the_end_nor_the_first_to_close),
		cmocka_unit_test(what_was_seen_is_not_called_blind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
