// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <string.h>

#include "base/cleanup.h"
#include "load/cgroup.h"
#include "load/facts.h"

/* A kernel's BTF, written by hand; `integer` is the type of whatever needs one. */
struct kernel {
	struct btf *btf;
	int integer;
};

static int open_kernel(void **state)
{
	static struct kernel k;

	k.btf = btf__new_empty();
	if (!k.btf)
		return -1;
	k.integer = btf__add_int(k.btf, "int", 4, BTF_INT_SIGNED);
	*state = &k;
	return k.integer < 0;
}

static int close_kernel(void **state)
{
	btf__free(((struct kernel *)*state)->btf);
	return 0;
}

static int add_proto(struct kernel *k, const char *const *params)
{
	int id = btf__add_func_proto(k->btf, k->integer);

	assert_true(id > 0);
	for (; *params; params++)
		assert_int_equal(btf__add_func_param(k->btf, *params, k->integer), 0);
	return id;
}

#define PARAMS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void add_func(struct kernel *k, const char *name, const char *const *params)
{
	assert_true(btf__add_func(k->btf, name, BTF_FUNC_STATIC, add_proto(k, params)) > 0);
}

static void add_tracepoint(struct kernel *k, const char *name, const char *const *params)
{
	int pointer = btf__add_ptr(k->btf, add_proto(k, params));

	assert_true(btf__add_typedef(k->btf, name, pointer) > 0);
}

static struct facts found(const struct kernel *k)
{
	struct facts facts;

	memset(&facts, 0x5a, sizeof(facts));
	facts_find(k->btf, &facts);
	return facts;
}

/* --- what the tables ask -------------------------------------------------------------- */

static void of_an_empty_kernel_only_what_is_always_so_holds(void **state)
{
	struct facts facts = found(*state);

	for (int i = 0; i < FACT_MAX; i++) {
		enum fact_ask ask = fact_row((enum fact)i)->ask;

		if (ask == ASK_NOTHING)
			assert_true(facts_hold(&facts, (enum fact)i));
		else if (ask != ASK_KSYM && ask != ASK_CGROUP_ROOT) /* these do not ask BTF */
			assert_false(facts_hold(&facts, (enum fact)i));
	}
}

static void a_function_is_found_by_its_whole_name(void **state)
{
	struct kernel *k = *state;
	struct facts facts;

	add_func(k, "inet_twsk_hashdance_schedule", PARAMS("tw", "sk"));
	facts = found(k);
	assert_true(facts_hold(&facts, FACT_HASHDANCE_SCHEDULE));
	assert_false(facts_hold(&facts, FACT_HASHDANCE));
	add_func(k, "inet_twsk_hashdance", PARAMS("tw"));
	facts = found(k);
	assert_true(facts_hold(&facts, FACT_HASHDANCE));
}

static void what_is_called_like_a_function_and_is_none_does_not_count(void **state)
{
	struct kernel *k = *state;
	struct facts facts;

	assert_true(btf__add_struct(k->btf, "inet_twsk_hashdance", 4) > 0);
	assert_true(btf__add_typedef(k->btf, "tcp_v6_send_reset", k->integer) > 0);
	assert_true(btf__add_struct(k->btf, "btf_trace_tcp_send_reset", 4) > 0);
	facts = found(k);
	assert_false(facts_hold(&facts, FACT_HASHDANCE));
	assert_false(facts_hold(&facts, FACT_IPV6));
	assert_false(facts_hold(&facts, FACT_REASON_TP));
}

static void a_parameters_value_is_its_place(void **state)
{
	struct kernel *k = *state;
	struct facts facts;

	add_func(k, "tcp_send_active_reset", PARAMS("sk", "priority", "reason"));
	add_func(k, "tcp_v4_send_reset", PARAMS("sk", "skb", "reason"));
	add_func(k, "tcp_reset", PARAMS("sk", "skb"));
	facts = found(k);
	assert_true(facts_hold(&facts, FACT_REASON_ACTIVE));
	assert_int_equal(facts.value[FACT_REASON_ACTIVE], 2);
	assert_true(facts_hold(&facts, FACT_REASON_REPLY));
	assert_int_equal(facts.value[FACT_REASON_REPLY], 2);
	assert_true(facts_hold(&facts, FACT_RESET_SKB));
	assert_int_equal(facts.value[FACT_RESET_SKB], 1);
}

static void a_function_without_the_parameter_is_an_older_one(void **state)
{
	struct kernel *k = *state;
	struct facts facts;

	add_func(k, "tcp_send_active_reset", PARAMS("sk", "priority"));
	add_func(k, "tcp_v4_send_reset", PARAMS("sk", "skb", "reasons"));
	add_func(k, "tcp_reset", PARAMS("sk"));
	facts = found(k);
	assert_false(facts_hold(&facts, FACT_REASON_ACTIVE));
	assert_false(facts_hold(&facts, FACT_REASON_REPLY));
	assert_false(facts_hold(&facts, FACT_RESET_SKB));
	assert_int_equal(facts.value[FACT_REASON_ACTIVE], 0);
}

static void a_parameter_without_a_name_is_passed_over(void **state)
{
	struct kernel *k = *state;
	struct facts facts;

	add_func(k, "tcp_reset", PARAMS("", "", "skb"));
	facts = found(k);
	assert_int_equal(facts.value[FACT_RESET_SKB], 2);
}

/* The first parameter of btf_trace_NAME is the probe's own and no argument of the event. */
static void a_tracepoints_arguments_are_counted_without_the_probes_own(void **state)
{
	struct kernel *k = *state;
	struct facts facts;

	add_tracepoint(k, "btf_trace_tcp_send_reset", PARAMS("__data", "sk", "skb", "reason"));
	facts = found(k);
	assert_true(facts_hold(&facts, FACT_REASON_TP));
	assert_int_equal(facts.value[FACT_REASON_TP], 2);
}

static void a_tracepoint_with_fewer_arguments_is_an_older_one(void **state)
{
	struct kernel *k = *state;
	struct facts facts;

	add_tracepoint(k, "btf_trace_tcp_send_reset", PARAMS("__data", "sk", "skb"));
	facts = found(k);
	assert_false(facts_hold(&facts, FACT_REASON_TP));
	assert_int_equal(facts.value[FACT_REASON_TP], 0);
}

static void a_tracepoint_that_is_no_pointer_to_a_function_does_not_count(void **state)
{
	struct kernel *k = *state;
	struct facts facts;

	assert_true(btf__add_typedef(k->btf, "btf_trace_tcp_send_reset", btf__add_ptr(k->btf, k->integer)) > 0);
	facts = found(k);
	assert_false(facts_hold(&facts, FACT_REASON_TP));
}

/* --- reset reasons ----------------------------------------------------------------------- */

static void add_reason(struct kernel *k, const char *name, int64_t value)
{
	assert_int_equal(btf__add_enum_value(k->btf, name, value), 0);
}

static void a_kernel_without_reasons_has_no_names_for_them(void **state)
{
	struct kernel *k = *state;
	size_t n = 99;

	assert_null(facts_reasons(k->btf, &n));
	assert_int_equal(n, 0);
	facts_free_reasons(NULL, 0);
}

static void reasons_are_named_by_number_without_their_prefix(void **state)
{
	struct kernel *k = *state;
	const char **names;
	size_t n;

	assert_true(btf__add_enum(k->btf, "sk_rst_reason", 4) > 0);
	add_reason(k, "SK_RST_REASON_NOT_SPECIFIED", 0);
	add_reason(k, "SK_RST_REASON_TCP_ABORT_ON_CLOSE", 5);
	add_reason(k, "SK_RST_REASON_NO_SOCKET", 2);
	names = facts_reasons(k->btf, &n);
	assert_non_null(names);
	assert_int_equal(n, 6);
	assert_string_equal(names[0], "NOT_SPECIFIED");
	assert_null(names[1]);
	assert_string_equal(names[2], "NO_SOCKET");
	assert_null(names[3]);
	assert_null(names[4]);
	assert_string_equal(names[5], "TCP_ABORT_ON_CLOSE");
	facts_free_reasons(names, n);
}

static void a_reason_without_the_prefix_keeps_its_name(void **state)
{
	struct kernel *k = *state;
	const char **names;
	size_t n;

	assert_true(btf__add_enum(k->btf, "sk_rst_reason", 4) > 0);
	add_reason(k, "RST_FOR_FUN", 1);
	names = facts_reasons(k->btf, &n);
	assert_int_equal(n, 2);
	assert_null(names[0]);
	assert_string_equal(names[1], "RST_FOR_FUN");
	facts_free_reasons(names, n);
}

static void of_two_names_for_one_reason_one_stays(void **state)
{
	struct kernel *k = *state;
	const char **names;
	size_t n;

	assert_true(btf__add_enum(k->btf, "sk_rst_reason", 4) > 0);
	add_reason(k, "SK_RST_REASON_A", 1);
	add_reason(k, "SK_RST_REASON_B", 1);
	names = facts_reasons(k->btf, &n);
	assert_int_equal(n, 2);
	assert_string_equal(names[1], "B");
	facts_free_reasons(names, n);
}

static void numbers_that_no_table_should_hold_are_left_out(void **state)
{
	struct kernel *k = *state;
	const char **names;
	size_t n;

	assert_true(btf__add_enum(k->btf, "sk_rst_reason", 4) > 0);
	add_reason(k, "SK_RST_REASON_NEGATIVE", -1);
	add_reason(k, "SK_RST_REASON_LAST", 255);
	add_reason(k, "SK_RST_REASON_FAR", 256);
	add_reason(k, "SK_RST_REASON_FARTHER", INT32_MAX);
	names = facts_reasons(k->btf, &n);
	assert_int_equal(n, 256);
	assert_string_equal(names[255], "LAST");
	for (size_t i = 0; i < 255; i++)
		assert_null(names[i]);
	facts_free_reasons(names, n);
}

static void an_enum_of_nothing_names_nothing(void **state)
{
	struct kernel *k = *state;
	const char **names;
	size_t n = 99;

	assert_true(btf__add_enum(k->btf, "sk_rst_reason", 4) > 0);
	names = facts_reasons(k->btf, &n);
	assert_int_equal(n, 0);
	facts_free_reasons(names, n);
}

/* --- the running kernel ------------------------------------------------------------------ */

static int open_running(void **state)
{
	*state = btf__load_vmlinux_btf();
	return 0;
}

static int close_running(void **state)
{
	btf__free(*state);
	return 0;
}

static void need_btf(void **state)
{
	if (*state)
		return;
	print_message("# no BTF of the running kernel (/sys/kernel/btf/vmlinux)\n");
	skip();
}

static void the_running_kernel_hands_time_wait_over_by_one_name_or_the_other(void **state)
{
	struct facts facts;

	need_btf(state);
	facts_find(*state, &facts);
	assert_true(facts_hold(&facts, FACT_ALWAYS));
	assert_int_not_equal(facts_hold(&facts, FACT_HASHDANCE), facts_hold(&facts, FACT_HASHDANCE_SCHEDULE));
}

/* What a sensor reads as an argument it must have been given; the socket is argument 0. */
static void the_running_kernels_arguments_are_within_reach(void **state)
{
	struct facts facts;

	need_btf(state);
	facts_find(*state, &facts);
	for (int i = 0; i < FACT_MAX; i++) {
		const struct fact_row *row = fact_row((enum fact)i);

		if (row->ask == ASK_PARAM && facts_hold(&facts, (enum fact)i))
			assert_in_range(facts.value[i], 1, 3);
	}
}

static void the_running_kernel_names_the_reasons_that_it_gives(void **state)
{
	struct facts facts;
	const char **names;
	size_t n, named = 0;

	need_btf(state);
	facts_find(*state, &facts);
	names = facts_reasons(*state, &n);
	if (facts_hold(&facts, FACT_REASON_TP))
		assert_non_null(names);
	for (size_t i = 0; i < n; i++) {
		if (!names[i])
			continue;
		named++;
		assert_true(*names[i]);
		assert_int_not_equal(strncmp(names[i], "SK_RST_", 7), 0);
	}
	assert_int_equal(named > 0, names != NULL);
	facts_free_reasons(names, n);
}

static void what_is_not_asked_of_btf_is_true_of_this_machine(void **state)
{
	CLEANUP(close) int root = cgroup_open_root();
	struct facts facts;

	need_btf(state);
	facts_find(*state, &facts);
	assert_int_equal(facts_hold(&facts, FACT_TW_TIMER_ADDRESS), facts.value[FACT_TW_TIMER_ADDRESS] != 0);
	assert_int_equal(facts_hold(&facts, FACT_CGROUP2), root >= 0);
}

static void every_fact_says_where_it_comes_from_and_a_slug_of_its_own(void **state)
{
	(void)state;
	for (int i = FACT_ALWAYS + 1; i < FACT_MAX; i++) {
		assert_true(*fact_row((enum fact)i)->commit);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(fact_row((enum fact)i)->slug, fact_row((enum fact)j)->slug);
	}
}

#define BY_HAND(test) cmocka_unit_test_setup_teardown(test, open_kernel, close_kernel)
#define RUNNING(test) cmocka_unit_test_setup_teardown(test, open_running, close_running)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BY_HAND(of_an_empty_kernel_only_what_is_always_so_holds),
		BY_HAND(a_function_is_found_by_its_whole_name),
		BY_HAND(what_is_called_like_a_function_and_is_none_does_not_count),
		BY_HAND(a_parameters_value_is_its_place),
		BY_HAND(a_function_without_the_parameter_is_an_older_one),
		BY_HAND(a_parameter_without_a_name_is_passed_over),
		BY_HAND(a_tracepoints_arguments_are_counted_without_the_probes_own),
		BY_HAND(a_tracepoint_with_fewer_arguments_is_an_older_one),
		BY_HAND(a_tracepoint_that_is_no_pointer_to_a_function_does_not_count),
		BY_HAND(a_kernel_without_reasons_has_no_names_for_them),
		BY_HAND(reasons_are_named_by_number_without_their_prefix),
		BY_HAND(a_reason_without_the_prefix_keeps_its_name),
		BY_HAND(of_two_names_for_one_reason_one_stays),
		BY_HAND(numbers_that_no_table_should_hold_are_left_out),
		BY_HAND(an_enum_of_nothing_names_nothing),
		RUNNING(the_running_kernel_hands_time_wait_over_by_one_name_or_the_other),
		RUNNING(the_running_kernels_arguments_are_within_reach),
		RUNNING(the_running_kernel_names_the_reasons_that_it_gives),
		RUNNING(what_is_not_asked_of_btf_is_true_of_this_machine),
		cmocka_unit_test(every_fact_says_where_it_comes_from_and_a_slug_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
