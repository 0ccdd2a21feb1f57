/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "demo/listed.h"
#include "demo/repeat.h"

#define PORT 4242 /* 0x1092 */

/* As the kernel prints it: a listener, two TIME_WAITs of ours, one of another port, one FIN_WAIT2. */
static const char table[] =
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	"   0: 0100007F:1092 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7 1 00\n"
	"   1: 0100007F:9C40 0100007F:1092 06 00000000:00000000 03:00001766 00000000     0        0 0 3 00\n"
	"   2: 0100007F:1092 0100007F:9C41 06 00000000:00000000 03:00001766 00000000     0        0 0 3 00\n"
	"   3: 0100007F:9C42 0100007F:1093 06 00000000:00000000 03:00001766 00000000     0        0 0 3 00\n"
	"   4: 0100007F:9C43 0100007F:1092 05 00000000:00000000 03:00001766 00000000     0        0 0 3 00\n";

static const char table6[] =
	"   1: 00000000000000000000000001000000:9C40 00000000000000000000000001000000:1092 06 00000000:0 0 0\n";

static void parse(const char *text, struct listed *list)
{
	FILE *file = fmemopen((char *)text, strlen(text), "r");

	assert_non_null(file);
	assert_int_equal(listed_parse(file, PORT, list), 0);
	fclose(file);
}

static void only_what_has_the_port_and_does_not_listen(void **state)
{
	struct listed list = { 0 };

	(void)state;
	parse(table, &list);
	assert_int_equal(list.n, 3);
	assert_int_equal(list.sockets[0].local_port, 40000);
	assert_int_equal(list.sockets[0].state, 6);
	assert_int_equal(list.sockets[1].peer_port, 40001);
	assert_int_equal(list.sockets[2].state, 5);
	parse(table6, &list);
	assert_int_equal(list.n, 4);
	assert_int_equal(list.sockets[3].local_port, 40000);
	listed_free(&list);
}

static void what_was_there_before_is_taken_out(void **state)
{
	struct listed before = { 0 }, now = { 0 };

	(void)state;
	parse(table6, &before);
	parse(table, &now);
	listed_subtract(&now, &before);
	assert_int_equal(now.n, 2);
	assert_int_equal(now.sockets[0].peer_port, 40001);
	before.n = 0;
	listed_subtract(&now, &before);
	assert_int_equal(now.n, 2);
	listed_free(&before);
	listed_free(&now);
}

static void runs_and_their_price_add_up(void **state)
{
	struct verdict v = { .rst_sent = 2, .unread_bytes = 3, .unsent_bytes = 4, .unacked_bytes = 5 };
	struct story story = { .as_expected = true };
	struct record close = { .kind = REC_CLOSE, .close = &v };
	struct record end = { .kind = REC_STORY, .story = &story };
	struct repeat r = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		repeat_take(&r, &close);
		story.begin = true;
		repeat_take(&r, &end);
		story.begin = false;
		story.as_expected = i != 1;
		repeat_take(&r, &end);
	}
	assert_int_equal(r.left.runs, 3);
	assert_int_equal(r.left.as_expected, 2);
	assert_int_equal(r.left.rst_sent, 6);
	assert_int_equal(r.left.lost_bytes, 36);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_has_the_port_and_does_not_listen),
		cmocka_unit_test(what_was_there_before_is_taken_out),
		cmocka_unit_test(runs_and_their_price_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
