// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "records.h"

/* Tapes outlive programs: a struct may only grow at its end, and this test by a line. */
static void the_wire_of_version_1_is_laid_out_as_it_was(void **state)
{
	(void)state;
	assert_int_equal(WIRE_VERSION, 1);
	assert_int_equal(sizeof(struct wire_event), 48);
	assert_int_equal(offsetof(struct wire_event, mono_ns), 8);
	assert_int_equal(offsetof(struct wire_event, sk), 16);
	assert_int_equal(offsetof(struct wire_event, unused), 24);
	assert_int_equal(offsetof(struct wire_event, flags), 32);
	assert_int_equal(offsetof(struct wire_event, reason), 40);
	assert_int_equal(sizeof(struct wire_tuple), 40);
	assert_int_equal(offsetof(struct wire_tuple, family), 36);
	assert_int_equal(sizeof(struct wire_task), 40);
	assert_int_equal(offsetof(struct wire_task, comm), 20);
	assert_int_equal(offsetof(struct wire_task, fd), 36);
	assert_int_equal(offsetof(struct wire_brief, task), 48);
	assert_int_equal(offsetof(struct wire_brief, tuple), 88);
	assert_int_equal(offsetof(struct wire_full, sock), 88);
	assert_int_equal(offsetof(struct wire_sock, unused), 40);
	assert_int_equal(offsetof(struct wire_sock, linger_jiffies), 80);
	assert_int_equal(offsetof(struct wire_sock, state), 124);
	assert_int_equal(offsetof(struct wire_held, sock), 88);
	assert_int_equal(offsetof(struct wire_held, ack_age_jiffies), 216);
	assert_int_equal(offsetof(struct wire_mini, tuple), 48);
	assert_int_equal(offsetof(struct wire_mini, timeout_jiffies), 88);
	assert_int_equal(offsetof(struct wire_mini, flags), 93);
	assert_int_equal(offsetof(struct wire_stray, tuple), 48);
	assert_int_equal(offsetof(struct wire_request, tuple), 48);
	assert_int_equal(offsetof(struct wire_request, listener), 88);
	assert_int_equal(offsetof(struct wire_request, age_ns), 96);
	assert_int_equal(offsetof(struct wire_request, flags), 104);
	assert_int_equal(offsetof(struct wire_request, caller), 106);
	assert_int_equal(sizeof(struct wire_spot), 48);
	assert_int_equal(offsetof(struct wire_spot, mono_ns), 8);
	assert_int_equal(offsetof(struct wire_spot, sk), 16);
	assert_int_equal(offsetof(struct wire_spot, netns_ino), 28);
	assert_int_equal(offsetof(struct wire_spot, peer_port), 42);
	assert_int_equal(offsetof(struct wire_spot, shutdown), 46);
	assert_int_equal(sizeof(struct wire_who), 32);
	assert_int_equal(offsetof(struct wire_who, comm), 16);
	assert_int_equal(sizeof(struct wire_sums), 56);
	assert_int_equal(offsetof(struct wire_sums, linger2), 44);
	assert_int_equal(offsetof(struct wire_sums, probes_out), 53);
	assert_int_equal(offsetof(struct wire_spot_who, who), 48);
	assert_int_equal(offsetof(struct wire_spot_sums, sums), 48);
	assert_int_equal(offsetof(struct wire_spot_all, sums), 80);
	assert_int_equal(offsetof(struct wire_spot_mini, timeout_jiffies), 48);
	assert_int_equal(offsetof(struct wire_spot_mini, flags), 53);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_wire_of_version_1_is_laid_out_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
