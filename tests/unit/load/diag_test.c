/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <linux/types.h>

#include "load/diag.h"
#include "wire.h"

static int take(void *ctx, const void *record, size_t size)
{
	(void)ctx;
	(void)record;
	(void)size;
	return 0;
}

static void a_namespace_that_cannot_be_asked_is_passed_over(void **state)
{
	struct wire_filter filter = { 0 };
	struct look look = { .take = take };
	struct rlimit before, none;
	int first_free = dup(0), r;

	(void)state;
	assert_true(first_free >= 0);
	assert_return_code(getrlimit(RLIMIT_NOFILE, &before), errno);
	close(first_free);
	none = before;
	none.rlim_cur = (rlim_t)first_free;
	assert_return_code(setrlimit(RLIMIT_NOFILE, &none), errno);
	r = diag_minis(&look, &filter, 250);
	assert_return_code(setrlimit(RLIMIT_NOFILE, &before), errno);
	assert_int_equal(r, 0);
	assert_int_equal(look.passed_over, -EMFILE);
}

static void whose_mini_sockets_cannot_be_known_are_not_asked_for(void **state)
{
	struct wire_filter filter = { .n_pids = 1 };
	struct look look = { .take = take };

	(void)state;
	assert_int_equal(diag_minis(&look, &filter, 250), 0);
	assert_int_equal(look.passed_over, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_namespace_that_cannot_be_asked_is_passed_over),
		cmocka_unit_test(whose_mini_sockets_cannot_be_known_are_not_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
