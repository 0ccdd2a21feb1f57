// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "load/plan.h"

#define BIT(n) (UINT64_C(1) << (n))
#define SEEN(vantage) (UINT32_C(1) << VANTAGE_##vantage)

/* A kernel, as far as the plan asks about it. */
struct kernel {
	struct facts facts;
	struct ways ways;
	uint64_t missing; /* bits by number of cell: what it has not */
};

static size_t number_of(const struct cell *cell)
{
	size_t n, number = (size_t)(cell - plan_cells(&n));

	assert_true(number < 64);
	return number;
}

static bool kernel_has(const void *ctx, const struct cell *cell)
{
	const struct kernel *k = ctx;

	return !(k->missing & BIT(number_of(cell)));
}

static struct kernel all_of_it(void)
{
	struct kernel k = { .facts.holds = BIT(FACT_MAX) - 1 };

	for (int way = WAY_TP_BTF; way < WAY_MAX; way++)
		k.ways.usable[way] = true;
	return k;
}

static void lacks(struct kernel *k, const char *target)
{
	const struct cell *cells;
	bool known = false;
	size_t n;

	cells = plan_cells(&n);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(cells[i].target, target))
			continue;
		k->missing |= BIT(i);
		known = true;
	}
	assert_true(known);
}

static void refuses(struct kernel *k, enum way way)
{
	k->ways.usable[way] = false;
	strcpy(k->ways.why[way], "refused at load: Operation not permitted");
}

static struct plan planned(const struct kernel *k, enum way forced)
{
	struct plan plan;

	assert_int_equal(plan_make(&k->facts, &k->ways, forced, kernel_has, k, &plan), 0);
	return plan;
}

static enum way chosen(const struct kernel *k, enum way forced, enum hook hook)
{
	return planned(k, forced).chosen[hook];
}

static const struct cell *cell_of(const char *program)
{
	const struct cell *cells;
	size_t n;

	cells = plan_cells(&n);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(cells[i].program, program))
			return &cells[i];
	fail_msg("no cell has a program %s", program);
	return NULL;
}

static bool takes(const struct kernel *k, const struct plan *plan, const char *program)
{
	return plan_takes(plan, &k->facts, cell_of(program), kernel_has, k);
}

/* --- which way ----------------------------------------------------------------------- */

static void where_everything_works_each_hook_takes_the_way_that_stands_first(void **state)
{
	static const enum way wanted[HOOK_MAX] = {
		[HOOK_STATE] = WAY_TP_BTF,	  [HOOK_RST_SENT] = WAY_TP_BTF,
		[HOOK_RST_RECEIVED] = WAY_TP_BTF, [HOOK_MINI_BORN] = WAY_FENTRY,
		[HOOK_MINI_ARMED] = WAY_FENTRY,	  [HOOK_MINI_EXPIRED] = WAY_FENTRY,
		[HOOK_MINI_KILLED] = WAY_FENTRY,  [HOOK_DESTROY] = WAY_TP_BTF,
		[HOOK_RELEASE] = WAY_CGROUP,	  [HOOK_REQUEST] = WAY_FENTRY,
	};
	struct kernel k = all_of_it();
	struct plan plan = planned(&k, WAY_AUTO);

	(void)state;
	for (int hook = 0; hook < HOOK_MAX; hook++)
		assert_int_equal(plan.chosen[hook], wanted[hook]);
	assert_int_equal(plan.covered, (UINT32_C(1) << VANTAGE_MAX) - 1);
}

static void a_way_that_is_refused_leaves_its_hooks_to_the_next_one(void **state)
{
	struct kernel k = all_of_it();

	(void)state;
	refuses(&k, WAY_FENTRY);
	assert_int_equal(chosen(&k, WAY_AUTO, HOOK_STATE), WAY_TP_BTF);
	assert_int_equal(chosen(&k, WAY_AUTO, HOOK_MINI_BORN), WAY_TP_BTF);
	assert_int_equal(chosen(&k, WAY_AUTO, HOOK_MINI_EXPIRED), WAY_TP_BTF);
	refuses(&k, WAY_TP_BTF);
	for (int hook = 0; hook < HOOK_RELEASE; hook++)
		assert_int_equal(chosen(&k, WAY_AUTO, (enum hook)hook), WAY_KPROBE);
}

static void a_hook_that_the_kernel_has_not_one_way_takes_the_next(void **state)
{
	struct kernel k = all_of_it();

	(void)state;
	lacks(&k, "tcp_send_reset");
	lacks(&k, "inet_twsk_kill");
	assert_int_equal(chosen(&k, WAY_AUTO, HOOK_RST_SENT), WAY_FENTRY);
	assert_int_equal(chosen(&k, WAY_AUTO, HOOK_MINI_KILLED), WAY_TP_BTF);
	assert_int_equal(chosen(&k, WAY_AUTO, HOOK_STATE), WAY_TP_BTF);
}

static void a_forced_way_is_the_only_one(void **state)
{
	struct kernel k = all_of_it();

	(void)state;
	for (int way = WAY_TP_BTF; way <= WAY_KPROBE; way++)
		for (int hook = 0; hook < HOOK_RELEASE; hook++)
			if (hook != HOOK_MINI_ARMED || way != WAY_TP_BTF) /* timer_start shows both */
				assert_int_equal(chosen(&k, (enum way)way, (enum hook)hook), way);
}

static void a_forced_way_never_gives_room_to_another(void **state)
{
	struct kernel k = all_of_it();
	struct plan plan;

	(void)state;
	lacks(&k, "tcp_receive_reset");
	k.facts.holds &= ~BIT(FACT_TW_TIMER_ADDRESS);
	plan = planned(&k, WAY_TP_BTF);
	assert_int_equal(plan.chosen[HOOK_RST_RECEIVED], WAY_AUTO);
	assert_int_equal(plan.chosen[HOOK_MINI_BORN], WAY_AUTO);
	assert_false(plan.covered & SEEN(RST_RECEIVED));
	assert_false(plan.covered & SEEN(MINI_BORN));
}

static void the_cgroup_hook_has_one_way_whatever_is_forced(void **state)
{
	struct kernel k = all_of_it();

	(void)state;
	for (int way = WAY_AUTO; way <= WAY_KPROBE; way++)
		assert_int_equal(chosen(&k, (enum way)way, HOOK_RELEASE), WAY_CGROUP);
	k.facts.holds &= ~BIT(FACT_CGROUP2);
	for (int way = WAY_AUTO; way <= WAY_KPROBE; way++)
		assert_int_equal(chosen(&k, (enum way)way, HOOK_RELEASE), WAY_AUTO);
}

/* --- ways that show less --------------------------------------------------------------- */

static void a_way_that_shows_less_is_the_last_choice(void **state)
{
	struct kernel k = all_of_it();

	(void)state;
	k.facts.holds &= ~BIT(FACT_REASON_TP);
	assert_int_equal(chosen(&k, WAY_AUTO, HOOK_RST_SENT), WAY_FENTRY);
	refuses(&k, WAY_FENTRY);
	assert_int_equal(chosen(&k, WAY_AUTO, HOOK_RST_SENT), WAY_KPROBE);
	refuses(&k, WAY_KPROBE);
	assert_int_equal(chosen(&k, WAY_AUTO, HOOK_RST_SENT), WAY_TP_BTF);
}

static void what_a_way_does_not_show_is_not_covered(void **state)
{
	const uint32_t sent = SEEN(RST_ACTIVE) | SEEN(RST_REPLY);
	struct kernel k = all_of_it();

	(void)state;
	k.facts.holds &= ~BIT(FACT_REASON_TP);
	assert_true((planned(&k, WAY_AUTO).covered & SEEN(MINI_REPLY)) != 0);
	assert_true((planned(&k, WAY_TP_BTF).covered & SEEN(MINI_REPLY)) == 0);
	assert_int_equal(planned(&k, WAY_TP_BTF).covered & sent, sent);
	k.facts.holds |= BIT(FACT_REASON_TP);
	assert_true((planned(&k, WAY_TP_BTF).covered & SEEN(MINI_REPLY)) != 0);
}

/* --- pairs ------------------------------------------------------------------------------- */

static void half_of_a_pair_is_not_taken(void **state)
{
	static const char *const halves[] = { "tcp_v4_send_reset", "tcp_v6_send_reset", "tcp_send_active_reset" };

	(void)state;
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		struct kernel k = all_of_it();
		struct plan plan;

		lacks(&k, halves[i]);
		assert_int_equal(chosen(&k, WAY_AUTO, HOOK_RST_SENT), WAY_TP_BTF);
		for (int way = WAY_FENTRY; way <= WAY_KPROBE; way++) {
			plan = planned(&k, (enum way)way);
			assert_int_equal(plan.chosen[HOOK_RST_SENT], WAY_AUTO);
			assert_false(takes(&k, &plan, "fentry__tcp_v4_send_reset"));
			assert_false(takes(&k, &plan, "kprobe__tcp_v4_send_reset"));
		}
	}
}

static void a_kernel_without_ipv6_needs_no_ipv6_half(void **state)
{
	struct kernel k = all_of_it();
	struct plan plan;

	(void)state;
	lacks(&k, "tcp_v6_send_reset");
	k.facts.holds &= ~BIT(FACT_IPV6);
	plan = planned(&k, WAY_FENTRY);
	assert_int_equal(plan.chosen[HOOK_RST_SENT], WAY_FENTRY);
	assert_true(takes(&k, &plan, "fentry__tcp_send_active_reset"));
	assert_true(takes(&k, &plan, "fentry__tcp_v4_send_reset"));
	assert_false(takes(&k, &plan, "fentry__tcp_v6_send_reset"));
}

static void of_two_names_for_one_place_the_one_that_is_there_is_taken(void **state)
{
	struct kernel k = all_of_it();
	struct plan plan;

	(void)state;
	k.facts.holds &= ~BIT(FACT_HASHDANCE);
	lacks(&k, "inet_twsk_hashdance");
	plan = planned(&k, WAY_FENTRY);
	assert_int_equal(plan.chosen[HOOK_MINI_BORN], WAY_FENTRY);
	assert_true(takes(&k, &plan, "fentry__inet_twsk_hashdance_schedule"));
	assert_false(takes(&k, &plan, "fentry__inet_twsk_hashdance"));
	k.facts.holds &= ~BIT(FACT_HASHDANCE_SCHEDULE);
	assert_int_equal(chosen(&k, WAY_FENTRY, HOOK_MINI_BORN), WAY_AUTO);
}

/* --- what is required ------------------------------------------------------------------ */

static void without_state_changes_there_is_no_trace_but_still_a_plan(void **state)
{
	struct kernel k = all_of_it();
	struct plan plan;

	(void)state;
	lacks(&k, "inet_sock_set_state");
	lacks(&k, "tcp_set_state");
	memset(&plan, 0x5a, sizeof(plan));
	assert_int_equal(plan_make(&k.facts, &k.ways, WAY_AUTO, kernel_has, &k, &plan), -ENOENT);
	assert_int_equal(plan.chosen[HOOK_STATE], WAY_AUTO);
	assert_int_equal(plan.chosen[HOOK_DESTROY], WAY_TP_BTF);
	assert_int_equal(plan.covered, ((UINT32_C(1) << VANTAGE_MAX) - 1) & ~SEEN(STATE));
}

static void only_state_changes_are_required(void **state)
{
	struct kernel k = all_of_it();
	const struct cell *cells;
	struct plan plan;
	size_t n;

	(void)state;
	cells = plan_cells(&n);
	for (size_t i = 0; i < n; i++)
		if (cells[i].hook != HOOK_STATE)
			k.missing |= BIT(i);
	plan = planned(&k, WAY_AUTO);
	assert_int_equal(plan.covered, SEEN(STATE));
	for (int hook = 0; hook < HOOK_MAX; hook++)
		assert_int_equal(hook_row((enum hook)hook)->required, hook == HOOK_STATE);
}

/* --- for every kernel that could be ------------------------------------------------------ */

/* xorshift64*: the same numbers in every run */
static uint64_t rnd(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static struct kernel some_kernel(uint64_t *seed)
{
	struct kernel k = all_of_it();
	uint64_t luck = rnd(seed);

	k.facts.holds &= rnd(seed) | rnd(seed) | BIT(FACT_ALWAYS);
	k.missing = rnd(seed) & rnd(seed) & rnd(seed);
	for (int way = WAY_TP_BTF; way < WAY_MAX; way++, luck >>= 2)
		if (!(luck & 3))
			refuses(&k, (enum way)way);
	return k;
}

/* All of them are asked for in every way. */
static void each_plan(void (*check)(const struct kernel *k, enum way forced, const struct plan *plan))
{
	uint64_t seed = 20;

	for (int round = 0; round < 5000; round++) {
		struct kernel k = some_kernel(&seed);

		for (int forced = WAY_AUTO; forced <= WAY_KPROBE; forced++) {
			struct plan plan;
			int r = plan_make(&k.facts, &k.ways, (enum way)forced, kernel_has, &k, &plan);

			assert_int_equal(r, plan.chosen[HOOK_STATE] == WAY_AUTO ? -ENOENT : 0);
			check(&k, (enum way)forced, &plan);
		}
	}
}

static void check_covered(const struct kernel *k, enum way forced, const struct plan *plan)
{
	uint32_t shown = 0;

	(void)forced;
	for (int hook = 0; hook < HOOK_MAX; hook++)
		if (plan->chosen[hook] != WAY_AUTO)
			shown |= hook_row((enum hook)hook)->vantages;
	if (plan->chosen[HOOK_RST_SENT] == WAY_TP_BTF && !facts_hold(&k->facts, FACT_REASON_TP))
		shown &= ~(SEEN(MINI_REPLY) | SEEN(RST_STRAY));
	shown &= facts_hold(&k->facts, FACT_CODE_ADDRESSES) ? ~0U : ~(SEEN(MINI_CALLER) | SEEN(REQUEST_CALLER));
	assert_int_equal(plan->covered, shown);
}

static void nothing_is_covered_that_no_chosen_hook_shows(void **state)
{
	(void)state;
	each_plan(check_covered);
}

static void check_ways(const struct kernel *k, enum way forced, const struct plan *plan)
{
	for (int hook = 0; hook < HOOK_MAX; hook++) {
		enum way way = plan->chosen[hook];

		if (way == WAY_AUTO)
			continue;
		assert_true(k->ways.usable[way]);
		if (forced != WAY_AUTO && way != WAY_CGROUP)
			assert_int_equal(way, forced);
	}
}

static void no_way_is_chosen_that_is_refused_or_was_not_asked_for(void **state)
{
	(void)state;
	each_plan(check_ways);
}

static void check_programs(const struct kernel *k, enum way forced, const struct plan *plan)
{
	bool served[HOOK_MAX] = { false };
	const struct cell *cells;
	size_t n;

	(void)forced;
	cells = plan_cells(&n);
	for (size_t i = 0; i < n; i++) {
		if (!plan_takes(plan, &k->facts, &cells[i], kernel_has, k))
			continue;
		assert_int_equal(cells[i].way, plan->chosen[cells[i].hook]);
		assert_true(facts_hold(&k->facts, cells[i].fact));
		assert_true(kernel_has(k, &cells[i]));
		if (!cells[i].understudy)
			served[cells[i].hook] = true;
	}
	for (int hook = 0; hook < HOOK_MAX; hook++)
		assert_int_equal(served[hook], plan->chosen[hook] != WAY_AUTO);
}

static void a_program_or_an_understudy_is_on_with_the_way_of_its_hook_only(void **state)
{
	(void)state;
	each_plan(check_programs);
}

static const char *why_not(const struct kernel *k, enum hook hook, enum way way)
{
	return plan_why_not(&k->facts, &k->ways, hook, way, kernel_has, k);
}

static void check_words(const struct kernel *k, enum way forced, const struct plan *plan)
{
	(void)forced;
	(void)plan;
	for (int hook = 0; hook < HOOK_MAX; hook++) {
		for (int way = WAY_TP_BTF; way < WAY_MAX; way++) {
			const char *why = why_not(k, (enum hook)hook, (enum way)way);

			assert_non_null(why);
			assert_true(strlen(why) > 3);
			assert_null(strchr(why, '\n'));
		}
	}
}

static void for_every_hook_and_way_there_is_a_word_why_not(void **state)
{
	(void)state;
	each_plan(check_words);
}

static void why_not_names_what_is_missing(void **state)
{
	struct kernel k = all_of_it();

	(void)state;
	assert_string_equal(why_not(&k, HOOK_STATE, WAY_CGROUP), "that way does not exist for it");
	assert_string_equal(why_not(&k, HOOK_STATE, WAY_KPROBE), "not needed");
	lacks(&k, "tcp_set_state");
	assert_string_equal(why_not(&k, HOOK_STATE, WAY_FENTRY), "this kernel has no tcp_set_state");
	k.facts.holds &= ~BIT(FACT_TW_TIMER_ADDRESS);
	assert_non_null(strstr(why_not(&k, HOOK_MINI_BORN, WAY_TP_BTF), "tw-timer-address"));
	/* the half that is missing, not the one that is there */
	lacks(&k, "tcp_v6_send_reset");
	assert_string_equal(why_not(&k, HOOK_RST_SENT, WAY_FENTRY), "this kernel has no tcp_v6_send_reset");
	refuses(&k, WAY_KPROBE);
	assert_string_equal(why_not(&k, HOOK_STATE, WAY_KPROBE), k.ways.why[WAY_KPROBE]);
	assert_string_equal(why_not(&k, HOOK_RELEASE, WAY_KPROBE), "that way does not exist for it");
}

/* --- names ------------------------------------------------------------------------------- */

static void a_way_is_found_by_its_slug_and_by_nothing_else(void **state)
{
	enum way way = WAY_MAX;

	(void)state;
	for (int i = WAY_AUTO; i <= WAY_KPROBE; i++) {
		assert_int_equal(way_by_slug(way_slug((enum way)i), &way), 0);
		assert_int_equal(way, i);
	}
	way = WAY_MAX;
	assert_int_equal(way_by_slug("cgroup", &way), -ENOENT);
	assert_int_equal(way_by_slug("", &way), -ENOENT);
	assert_int_equal(way_by_slug("fentr", &way), -ENOENT);
	assert_int_equal(way_by_slug("fentry ", &way), -ENOENT);
	assert_int_equal(way, WAY_MAX);
	assert_string_equal(way_slug(WAY_CGROUP), "cgroup");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_everything_works_each_hook_takes_the_way_that_stands_first),
		cmocka_unit_test(a_way_that_is_refused_leaves_its_hooks_to_the_next_one),
		cmocka_unit_test(a_hook_that_the_kernel_has_not_one_way_takes_the_next),
		cmocka_unit_test(a_forced_way_is_the_only_one),
		cmocka_unit_test(a_forced_way_never_gives_room_to_another),
		cmocka_unit_test(the_cgroup_hook_has_one_way_whatever_is_forced),
		cmocka_unit_test(a_way_that_shows_less_is_the_last_choice),
		cmocka_unit_test(what_a_way_does_not_show_is_not_covered),
		cmocka_unit_test(half_of_a_pair_is_not_taken),
		cmocka_unit_test(a_kernel_without_ipv6_needs_no_ipv6_half),
		cmocka_unit_test(of_two_names_for_one_place_the_one_that_is_there_is_taken),
		cmocka_unit_test(without_state_changes_there_is_no_trace_but_still_a_plan),
		cmocka_unit_test(only_state_changes_are_required),
		cmocka_unit_test(nothing_is_covered_that_no_chosen_hook_shows),
		cmocka_unit_test(no_way_is_chosen_that_is_refused_or_was_not_asked_for),
		cmocka_unit_test(a_program_or_an_understudy_is_on_with_the_way_of_its_hook_only),
		cmocka_unit_test(for_every_hook_and_way_there_is_a_word_why_not),
		cmocka_unit_test(why_not_names_what_is_missing),
		cmocka_unit_test(a_way_is_found_by_its_slug_and_by_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
