// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The small records: whatever they have, they say what the large ones say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "records.h"

static const unsigned char local[4] = { 10, 0, 0, 1 }, peer[4] = { 10, 0, 0, 2 };

static void put_small_head(struct wire_spot *w)
{
	w->cpu = 7;
	w->mono_ns = UINT64_C(0x1122334455667788);
	w->sk = UINT64_C(0xffff888012345678);
	w->flags = WIRE_OWNED | WIRE_LINGER;
	w->old_state = ST_ESTABLISHED;
	w->new_state = ST_FIN_WAIT1;
	w->netns_ino = 4026531840U;
	memcpy(&w->local, local, 4);
	memcpy(&w->peer, peer, 4);
	w->local_port = 4000;
	w->peer_port = 80;
	w->reason = 2;
	w->shutdown = 3;
}

static void put_large_head(struct wire_event *w)
{
	w->cpu = 7;
	w->mono_ns = UINT64_C(0x1122334455667788);
	w->sk = UINT64_C(0xffff888012345678);
	w->flags = WIRE_OWNED | WIRE_LINGER;
	w->old_state = ST_ESTABLISHED;
	w->new_state = ST_FIN_WAIT1;
	w->netns_ino = 4026531840U;
	w->reason = 2;
	w->shutdown = 3;
}

static struct wire_tuple large_tuple(void)
{
	struct wire_tuple tuple = { .local_port = 4000, .peer_port = 80, .family = 4 };

	memcpy(tuple.local, local, 4);
	memcpy(tuple.peer, peer, 4);
	return tuple;
}

static const struct wire_who who = { .pid = 10, .tid = 11, .uid = 12, .exit_code = 0x8b,
				     .flags = WIRE_TASK_MEANT | WIRE_TASK_EXITING, .comm = "curl" };
static const struct wire_task task = { .pid = 10, .tid = 11, .uid = 12, .exit_code = 0x8b,
				       .flags = WIRE_TASK_MEANT | WIRE_TASK_EXITING, .comm = "curl" };
static const struct wire_sums sums = {
	.cgroup_id = 4, .bytes_sent = 5, .bytes_received = 7, .linger_jiffies = 250, .err = 10,
	.err_soft = 11, .unread = 12, .unsent = 13, .unacked = 14, .snd_wnd = 15, .user_timeout_ms = 16,
	.total_retrans = 17, .linger2 = -1, .retransmits = 20, .probes_out = 21,
};

static struct wire_sock large_sock(void)
{
	return (struct wire_sock){
		.tuple = large_tuple(), .cgroup_id = 4, .bytes_sent = 5, .bytes_received = 7,
		.linger_jiffies = 250, .err = 10, .err_soft = 11, .unread = 12, .unsent = 13,
		.unacked = 14, .snd_wnd = 15, .user_timeout_ms = 16, .total_retrans = 17,
		.linger2 = -1, .state = ST_ESTABLISHED, .retransmits = 20, .probes_out = 21,
	};
}

static void assert_same(const union any *small, const union any *large)
{
	struct obs a, b;

	assert_int_equal(decode_record(small, &a), 0);
	assert_int_equal(decode_record(large, &b), 0);
	assert_memory_equal(&a, &b, sizeof(a));
}

static void a_spot_says_what_a_place_says(void **state)
{
	union any small = record(WIRE_STATE, WIRE_SPOT), large = record(WIRE_STATE, WIRE_PLACE);

	(void)state;
	put_small_head(&small.spot);
	put_large_head(&large.ev);
	large.place.tuple = large_tuple();
	assert_same(&small, &large);
}

static void with_a_task_it_says_what_a_brief_record_says(void **state)
{
	union any small = record(WIRE_STATE, WIRE_SPOT_WHO), large = record(WIRE_STATE, WIRE_BRIEF);

	(void)state;
	put_small_head(&small.spot);
	small.spot_who.who = who;
	put_large_head(&large.ev);
	large.brief.task = task;
	large.brief.tuple = large_tuple();
	assert_same(&small, &large);
}

static void with_the_sums_it_says_what_a_record_of_the_socket_says(void **state)
{
	union any small = record(WIRE_STATE, WIRE_SPOT_SUMS), large = record(WIRE_STATE, WIRE_SOCK);

	(void)state;
	put_small_head(&small.spot);
	small.spot_sums.sums = sums;
	put_large_head(&large.ev);
	large.alone.sock = large_sock();
	assert_same(&small, &large);
}

static void with_both_it_says_what_a_full_record_says(void **state)
{
	union any small = record(WIRE_STATE, WIRE_SPOT_ALL), large = record(WIRE_STATE, WIRE_FULL);

	(void)state;
	put_small_head(&small.spot);
	small.spot_all.who = who;
	small.spot_all.sums = sums;
	put_large_head(&large.ev);
	large.full.task = task;
	large.full.sock = large_sock();
	assert_same(&small, &large);
}

static void of_a_minisocket_it_says_what_its_own_record_says(void **state)
{
	union any small = record(WIRE_MINI_BORN, WIRE_SPOT_MINI), large = record(WIRE_MINI_BORN, WIRE_MINI);

	(void)state;
	put_small_head(&small.spot);
	small.spot_mini.timeout_jiffies = large.mini.timeout_jiffies = 15000;
	small.spot_mini.caller = large.mini.caller = WIRE_BY_SEGMENT;
	small.spot_mini.flags = large.mini.flags = WIRE_MINI_TS_KNOWN;
	put_large_head(&large.ev);
	large.mini.tuple = large_tuple();
	assert_same(&small, &large);
}

static void no_reason_is_none_however_many_the_kernel_has(void **state)
{
	union any w = record(WIRE_RST_ACTIVE, WIRE_SPOT);
	static const char *names[WIRE_SPOT_NO_REASON] = { "NOT_SPECIFIED" };
	struct decoder d = { .reasons = names, .n_reasons = WIRE_SPOT_NO_REASON };
	struct obs o;

	(void)state;
	assert_int_equal(decode_bytes(&d, &w, w.spot.size, &o), 0);
	assert_null(o.rst_reason);
	w.spot.reason = 0;
	assert_int_equal(decode_bytes(&d, &w, w.spot.size, &o), 0);
	assert_string_equal(o.rst_reason, "NOT_SPECIFIED");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_spot_says_what_a_place_says),
		cmocka_unit_test(with_a_task_it_says_what_a_brief_record_says),
		cmocka_unit_test(with_the_sums_it_says_what_a_record_of_the_socket_says),
		cmocka_unit_test(with_both_it_says_what_a_full_record_says),
		cmocka_unit_test(of_a_minisocket_it_says_what_its_own_record_says),
		cmocka_unit_test(no_reason_is_none_however_many_the_kernel_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
