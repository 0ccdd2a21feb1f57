// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "sink/ledger.h"

static void assert_says(void (*say)(struct buf *, const struct verdict *), const struct verdict *v,
			const char *words)
{
	CLEANUP(buf) struct buf b = BUF_INIT;

	say(&b, v);
	assert_string_equal(buf_string(&b), words);
}

static void nothing_lost_is_nothing_said(void **state)
{
	struct verdict v = {.sent_bytes = 100, .left_bytes = 3, .peer_left_known = true};

	(void)state;
	assert_says(ledger_lost, &v, "");
	assert_says(ledger_linger, &v, "");
}

static void each_byte_is_said_where_it_was_lost(void **state)
{
	struct verdict v = {.unread_bytes = 37, .unsent_bytes = 20, .unacked_bytes = 1448};

	(void)state;
	assert_says(ledger_lost, &v,
		    "37 B received and never read, 20 B never left this host, "
		    "1,448 B sent and never acknowledged");
}

static void what_the_other_end_had_not_read_is_said_when_it_is_known(void **state)
{
	struct verdict v = {.peer_left_bytes = 11};

	(void)state;
	assert_says(ledger_lost, &v, "");
	v.peer_left_known = true;
	assert_says(ledger_lost, &v,
		    "the peer's program had still to read 11 B of what it had been sent");
}

static void lingering_says_how_long_and_what_came_of_it(void **state)
{
	struct verdict v = {.how = HOW_FIN, .linger_wait_ns = 2000000, .evidence = EV(LINGER_SET)};

	(void)state;
	assert_says(ledger_linger, &v,
		    "close() waited 2.0 ms for SO_LINGER: all of it was acknowledged");
	v.evidence |= EV(LINGER_EXPIRED);
	assert_says(ledger_linger, &v,
		    "close() waited up to 2.0 ms for SO_LINGER in vain; the kernel went on, and all of it arrived later");
	v.unsent_bytes = 1;
	v.how = HOW_TIMEOUT;
	assert_says(ledger_linger, &v,
		    "close() waited up to 2.0 ms for SO_LINGER in vain; the kernel went on, and what was left is lost");
	v.evidence = EV(LINGER_SET);
	assert_says(ledger_linger, &v,
		    "close() waited 2.0 ms for SO_LINGER, until the connection broke");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_lost_is_nothing_said),
		cmocka_unit_test(each_byte_is_said_where_it_was_lost),
		cmocka_unit_test(what_the_other_end_had_not_read_is_said_when_it_is_known),
		cmocka_unit_test(lingering_says_how_long_and_what_came_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
