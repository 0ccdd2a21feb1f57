/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bpf/btf.h>

#include "load/preempted.h"

static struct btf *kernel_of(bool preemption)
{
	struct btf *btf = btf__new_empty();
	int proto;

	assert_non_null(btf);
	assert_true(btf__add_int(btf, "int", 4, BTF_INT_SIGNED) > 0);
	proto = btf__add_func_proto(btf, 0);
	assert_true(btf__add_func(btf, "tcp_set_state", BTF_FUNC_STATIC, proto) > 0);
	if (preemption)
		assert_true(btf__add_func(btf, "preempt_schedule", BTF_FUNC_STATIC, proto) > 0);
	return btf;
}

static void without_preemption_nothing_is_tried(void **state)
{
	struct btf *btf = kernel_of(false);

	(void)state;
	assert_true(btf__add_var(btf, "__preempt_count", BTF_VAR_GLOBAL_ALLOCATED, 1) > 0);
	assert_false(preempted_in(btf, "tcp_set_state"));
	btf__free(btf);
}

/* The running kernel knows none of these by such numbers: it refuses, and that is no. */
static void what_cannot_be_tried_is_not_so(void **state)
{
	struct btf *btf = kernel_of(true);
	int inner;

	(void)state;
	assert_false(preempted_in(btf, "tcp_set_state"));
	inner = btf__add_struct(btf, "", 8);
	assert_false(btf__add_field(btf, "preempt_count", 1, 32, 0));
	assert_true(btf__add_struct(btf, "thread_info", 16) > 0);
	assert_false(btf__add_field(btf, "", inner, 64, 0));
	assert_true(btf__add_struct(btf, "task_struct", 32) > 0);
	assert_false(btf__add_field(btf, "thread_info", inner + 1, 0, 0));
	assert_false(preempted_in(btf, "tcp_set_state"));
	assert_false(preempted_in(btf, "btf_trace_inet_sock_set_state"));
	btf__free(btf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_preemption_nothing_is_tried),
		cmocka_unit_test(what_cannot_be_tried_is_not_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
