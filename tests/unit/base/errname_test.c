/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/errname.h"

static void the_ends_of_connections_have_their_names(void **state)
{
	(void)state;
	assert_string_equal(errname(ECONNRESET), "ECONNRESET");
	assert_string_equal(errname(EPIPE), "EPIPE");
	assert_string_equal(errname(ETIMEDOUT), "ETIMEDOUT");
	assert_string_equal(errname(ECONNABORTED), "ECONNABORTED");
	assert_string_equal(errname(EAGAIN), "EAGAIN");
}

static void no_number_is_without_a_name(void **state)
{
	static const int none[] = { 0, -1, INT_MIN, 41, 58, 134, 512, INT_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_string_equal(errname(none[i]), "E?");
}

#ifdef __GLIBC__
static void all_names_are_those_of_the_c_library(void **state)
{
	(void)state;
	for (int err = 1; err < 600; err++) {
		const char *known = strerrorname_np(err);

		assert_string_equal(errname(err), known ? known : "E?");
	}
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ends_of_connections_have_their_names),
		cmocka_unit_test(no_number_is_without_a_name),
#ifdef __GLIBC__
		cmocka_unit_test(all_names_are_those_of_the_c_library),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
