/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "sink/words.h"

static void flags_are_tcpdumps_letters_in_its_order(void **state)
{
	char buf[TCP_FLAGS_STRLEN];

	(void)state;
	assert_string_equal(tcp_flags_format(0x02, buf), "S");
	assert_string_equal(tcp_flags_format(0x12, buf), "S.");
	assert_string_equal(tcp_flags_format(0x18, buf), "P.");
	assert_string_equal(tcp_flags_format(0x10, buf), ".");
	assert_string_equal(tcp_flags_format(0x11, buf), "F.");
	assert_string_equal(tcp_flags_format(0x19, buf), "FP.");
	assert_string_equal(tcp_flags_format(0x04, buf), "R");
	assert_string_equal(tcp_flags_format(0x14, buf), "R.");
	assert_string_equal(tcp_flags_format(0xff, buf), "FSRP.UEW");
	assert_string_equal(tcp_flags_format(0, buf), "none");
}

static void every_kind_of_event_has_a_slug(void **state)
{
	(void)state;
	for (unsigned kind = OBS_STATE; kind < OBS_KIND_MAX; kind++)
		assert_non_null(obs_kind_slug(kind));
	assert_null(obs_kind_slug(0));
	assert_null(obs_kind_slug(OBS_KIND_MAX));
}

static void a_process_is_its_name_and_its_pid(void **state)
{
	CLEANUP(buf) struct buf b = BUF_INIT;

	(void)state;
	assert_int_equal(process_put(&b, "nginx", 812, TEXT_ANY, false), 9);
	assert_string_equal(buf_string(&b), "nginx:812");
}

static void of_a_process_only_the_name_is_cut(void **state)
{
	CLEANUP(buf) struct buf b = BUF_INIT;

	(void)state;
	assert_int_equal(process_put(&b, "redis-server", 4194304, 11, false), 11);
	assert_string_equal(buf_string(&b), "re~:4194304");
	buf_reset(&b);
	assert_int_equal(process_put(&b, "redis-server", 4194304, 3, false), 8);
	assert_string_equal(buf_string(&b), ":4194304");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_are_tcpdumps_letters_in_its_order),
		cmocka_unit_test(every_kind_of_event_has_a_slug),
		cmocka_unit_test(a_process_is_its_name_and_its_pid),
		cmocka_unit_test(of_a_process_only_the_name_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
