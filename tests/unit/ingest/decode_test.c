// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "records.h"

/* --- kinds and layouts ------------------------------------------------------------- */

static void every_kind_of_the_wire_becomes_its_kind_of_observation(void **state)
{
	static const enum obs_kind wanted[WIRE_KIND_MAX] = {
		[WIRE_STATE] = OBS_STATE,
		[WIRE_RST_ACTIVE] = OBS_RST_ACTIVE,
		[WIRE_RST_REPLY] = OBS_RST_REPLY,
		[WIRE_RST_RECEIVED] = OBS_RST_RECEIVED,
		[WIRE_MINI_BORN] = OBS_MINI_BORN,
		[WIRE_MINI_EXPIRED] = OBS_MINI_EXPIRED,
		[WIRE_MINI_CANCEL] = OBS_MINI_CANCEL,
		[WIRE_MINI_KILLED] = OBS_MINI_KILLED,
		[WIRE_MINI_FOUND] = OBS_MINI_FOUND,
		[WIRE_MINI_ARMED] = OBS_MINI_ARMED,
		[WIRE_OVERFLOW] = OBS_OVERFLOW,
		[WIRE_REQUEST_GONE] = OBS_REQUEST_GONE,
		[WIRE_DESTROY] = OBS_DESTROY,
		[WIRE_RELEASE] = OBS_RELEASE,
		[WIRE_SNAPSHOT] = OBS_SNAPSHOT,
		[WIRE_RST_STRAY] = OBS_RST_STRAY,
	};
	struct obs o;

	(void)state;
	for (int kind = 1; kind < WIRE_KIND_MAX; kind++) {
		union any w = record((enum wire_kind)kind, WIRE_LEAN);

		assert_int_not_equal(wanted[kind], 0);
		assert_int_equal(decode_record(&w, &o), 0);
		assert_int_equal(o.kind, wanted[kind]);
	}
}

/* What a layout has of task, tuple and socket is where it says, and nothing else is there. */
static void every_layout_has_its_parts(void **state)
{
	static const struct { enum wire_layout layout; bool task, tuple, sock; } parts[] = {
		{ WIRE_LEAN, false, false, false }, { WIRE_TASK, true, false, false },
		{ WIRE_PLACE, false, true, false }, { WIRE_BRIEF, true, true, false },
		{ WIRE_SOCK, false, true, true },   { WIRE_FULL, true, true, true },
	};
	struct obs o;

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		union any w = record(WIRE_STATE, parts[i].layout);

		/* only the last part's last word and the task's first: an offset that is wrong shows */
		if (parts[i].task)
			w.by_task.task.pid = 77;
		if (parts[i].layout == WIRE_PLACE)
			w.place.tuple.peer_port = 443;
		if (parts[i].layout == WIRE_BRIEF)
			w.brief.tuple.peer_port = 443;
		if (parts[i].layout == WIRE_SOCK)
			w.alone.sock.tuple.peer_port = 443, w.alone.sock.probes_out = 9;
		if (parts[i].layout == WIRE_FULL)
			w.full.sock.tuple.peer_port = 443, w.full.sock.probes_out = 9;
		assert_int_equal(decode_record(&w, &o), 0);
		assert_int_equal(o.has_task, parts[i].task);
		assert_int_equal(o.task.pid, parts[i].task ? 77 : 0);
		assert_int_equal(o.tuple.family, parts[i].tuple ? 4 : 0);
		assert_int_equal(o.tuple.peer.port, parts[i].tuple ? 443 : 0);
		assert_int_equal(o.has_sock, parts[i].sock);
		assert_int_equal(o.sock.probes_out, parts[i].sock ? 9 : 0);
	}
}

static void a_stray_reset_has_a_tuple_and_what_answered_and_no_socket(void **state)
{
	union any w = record(WIRE_RST_STRAY, WIRE_STRAY);
	struct obs o;

	(void)state;
	w.ev.old_state = 10;
	w.ev.reason = 2;
	w.ev.netns_ino = 7;
	w.stray.tuple.family = 4;
	w.stray.tuple.local_port = 80;
	w.stray.tuple.peer_port = 40000;
	w.stray.tuple.local[0] = 127;
	assert_int_equal(decode_record(&w, &o), 0);
	assert_int_equal(o.kind, OBS_RST_STRAY);
	assert_int_equal(o.old_state, 10);
	assert_int_equal(o.sock.netns_ino, 7);
	assert_int_equal(o.tuple.local.port, 80);
	assert_int_equal(o.tuple.peer.port, 40000);
	assert_int_equal(o.tuple.local.addr[0], 127);
	assert_string_equal(o.rst_reason, "TCP_ABORT_ON_CLOSE");
	assert_false(o.has_sock || o.has_task);
	assert_true(!o.sk && !o.mini.addr);
}

static void the_head_is_in_every_layout(void **state)
{
	struct obs o;

	(void)state;
	for (int layout = WIRE_LEAN; layout < WIRE_SPOT; layout++) {
		union any w = record(WIRE_STATE, (enum wire_layout)layout);

		w.ev.cpu = 7;
		w.ev.mono_ns = UINT64_C(0x1122334455667788);
		w.ev.old_state = 1;
		w.ev.new_state = 4;
		w.ev.shutdown = 2;
		w.ev.netns_ino = 4026531840U;
		w.ev.reason = 2;
		assert_int_equal(decode_record(&w, &o), 0);
		assert_int_equal(o.cpu, 7);
		assert_true(o.mono_ns == UINT64_C(0x1122334455667788));
		assert_int_equal(o.old_state, 1);
		assert_int_equal(o.new_state, 4);
		assert_int_equal(o.sock.shutdown, 2);
		assert_true(o.sock.netns_ino == 4026531840U);
		assert_string_equal(o.rst_reason, "TCP_ABORT_ON_CLOSE");
	}
}

static void each_flag_is_its_own_boolean_and_no_other(void **state)
{
	static const struct {
		uint16_t flag;
		size_t at;
	} flags[] = {
		{ WIRE_OWNED, offsetof(struct obs, sock.owned) },
		{ WIRE_DEAD, offsetof(struct obs, sock.dead) },
		{ WIRE_DONE, offsetof(struct obs, sock.done) },
		{ WIRE_HAS_SOCKET, offsetof(struct obs, sock.has_socket) },
		{ WIRE_LINGER, offsetof(struct obs, sock.linger) },
		{ WIRE_KEEPALIVE, offsetof(struct obs, sock.keepalive) },
		{ WIRE_REPAIR, offsetof(struct obs, sock.repair) },
		{ WIRE_MPTCP, offsetof(struct obs, sock.mptcp) },
		{ WIRE_UNDERSTUDY, offsetof(struct obs, understudy) },
		{ WIRE_RESET, offsetof(struct obs, reset_called) },
		{ WIRE_RST_FLAG, offsetof(struct obs, rst_flag) },
		{ WIRE_RST_FLAG_KNOWN, offsetof(struct obs, rst_flag_known) },
	};
	size_t n = sizeof(flags) / sizeof(flags[0]);
	struct obs o;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		union any w = record(WIRE_STATE, WIRE_LEAN);

		w.ev.flags = flags[i].flag;
		assert_int_equal(decode_record(&w, &o), 0);
		for (size_t j = 0; j < n; j++)
			assert_int_equal(*((bool *)&o + flags[j].at), i == j);
	}
}

static void a_mini_sockets_record_says_whether_there_were_timestamps(void **state)
{
	union any w = record(WIRE_MINI_BORN, WIRE_MINI);
	struct obs o;

	(void)state;
	assert_int_equal(decode_record(&w, &o), 0);
	assert_false(o.mini.ts_known || o.mini.ts);
	w.mini.flags = WIRE_MINI_TS_KNOWN;
	assert_int_equal(decode_record(&w, &o), 0);
	assert_true(o.mini.ts_known && !o.mini.ts);
	w.mini.flags |= WIRE_MINI_TS;
	assert_int_equal(decode_record(&w, &o), 0);
	assert_true(o.mini.ts_known && o.mini.ts);
}

static void a_held_record_says_by_which_descriptor_and_since_when(void **state)
{
	union any w = record(WIRE_SNAPSHOT, WIRE_HELD);
	struct obs o;

	(void)state;
	w.held.task = (struct wire_task){ .pid = 10, .flags = WIRE_TASK_HAS_FD, .fd = 7 };
	w.held.sock.state = 8;
	w.held.ack_age_jiffies = 500;
	assert_int_equal(decode_record(&w, &o), 0);
	assert_true(o.has_sock && o.has_task && o.task.has_fd);
	assert_int_equal(o.task.fd, 7);
	assert_int_equal(o.sock.state, 8);
	assert_int_equal(o.sock.ack_age_ns, UINT64_C(2000000000));
}

static void a_lean_record_has_neither_task_nor_socket_nor_tuple(void **state)
{
	union any w = full_of_ones(WIRE_STATE, WIRE_LEAN);
	struct obs o;

	(void)state;
	assert_int_equal(decode_bytes(&decoder, &w, sizeof(w), &o), 0);
	assert_false(o.has_task);
	assert_false(o.has_sock);
	assert_int_equal(o.tuple.family, 0);
	assert_int_equal(o.task.pid, 0);
	assert_true(o.mini.addr == 0);
	assert_true(o.sk == UINT64_MAX);
}

static void a_brief_record_says_who_and_where(void **state)
{
	union any w = record(WIRE_RELEASE, WIRE_BRIEF);
	struct obs o;

	(void)state;
	w.brief.task = (struct wire_task){ .pid = 10, .tid = 11, .uid = 12, .exit_code = -1, .fd = 9,
					   .flags = WIRE_TASK_HAS_FD | WIRE_TASK_MEANT | WIRE_TASK_EXITING, .comm = "curl" };
	w.brief.tuple = (struct wire_tuple){ .local = { 10, 0, 0, 1 }, .peer = { 10, 0, 0, 2 },
					     .local_port = 4000, .peer_port = 80, .family = 4 };
	assert_int_equal(decode_record(&w, &o), 0);
	assert_true(o.has_task);
	assert_false(o.has_sock);
	assert_int_equal(o.task.pid, 10);
	assert_int_equal(o.task.tid, 11);
	assert_int_equal(o.task.uid, 12);
	assert_int_equal(o.task.exit_code, -1);
	assert_true(o.task.meant && o.task.exiting && !o.task.kthread);
	assert_true(o.task.has_fd && o.task.fd == 9);
	assert_string_equal(o.task.comm, "curl");
	assert_int_equal(o.tuple.family, 4);
	assert_memory_equal(o.tuple.local.addr, w.brief.tuple.local, 16);
	assert_memory_equal(o.tuple.peer.addr, w.brief.tuple.peer, 16);
	assert_int_equal(o.tuple.local.port, 4000);
	assert_int_equal(o.tuple.peer.port, 80);
}

static void a_full_record_says_all_of_the_socket(void **state)
{
	union any w = record(WIRE_STATE, WIRE_FULL);
	struct wire_sock *s = &w.full.sock;
	struct obs o;

	(void)state;
	*s = (struct wire_sock){
		.tuple = { .local_port = 1, .peer_port = 2, .family = 6 },
		.cgroup_id = 4, .bytes_sent = 5, .bytes_acked = 6,
		.bytes_received = 7, .linger_jiffies = 250, .uid = 9, .err = 10, .err_soft = 11,
		.unread = 12, .unsent = 13, .unacked = 14, .snd_wnd = 15, .user_timeout_ms = 16,
		.total_retrans = 17, .linger2 = -1, .state = 19, .retransmits = 20, .probes_out = 21,
	};
	assert_int_equal(decode_record(&w, &o), 0);
	assert_true(o.has_sock);
	assert_int_equal(o.tuple.family, 6);
	assert_true(tuple_equal(&o.tuple, &o.sock.tuple));
	assert_int_equal(o.sock.cgroup_id, 4);
	assert_int_equal(o.sock.bytes_sent, 5);
	assert_int_equal(o.sock.bytes_acked, 6);
	assert_int_equal(o.sock.bytes_received, 7);
	assert_int_equal(o.sock.linger_ms, 1000);
	assert_int_equal(o.sock.uid, 9);
	assert_int_equal(o.sock.err, 10);
	assert_int_equal(o.sock.err_soft, 11);
	assert_int_equal(o.sock.unread, 12);
	assert_int_equal(o.sock.unsent, 13);
	assert_int_equal(o.sock.unacked, 14);
	assert_int_equal(o.sock.snd_wnd, 15);
	assert_int_equal(o.sock.user_timeout_ms, 16);
	assert_int_equal(o.sock.total_retrans, 17);
	assert_int_equal(o.sock.linger2, -1);
	assert_int_equal(o.sock.state, 19);
	assert_int_equal(o.sock.retransmits, 20);
	assert_int_equal(o.sock.probes_out, 21);
}

static void a_minisocket_has_an_address_of_its_own_and_no_socket(void **state)
{
	union any w = record(WIRE_MINI_BORN, WIRE_MINI);
	struct obs o;

	(void)state;
	w.ev.sk = UINT64_C(0xffff888012345678);
	w.ev.new_state = ST_FIN_WAIT2;
	w.mini.tuple = (struct wire_tuple){ .local_port = 80, .peer_port = 4000, .family = 6 };
	assert_int_equal(decode_record(&w, &o), 0);
	assert_true(o.sk == 0);
	assert_true(o.mini.addr == UINT64_C(0xffff888012345678));
	assert_int_equal(o.mini.substate, ST_FIN_WAIT2);
	assert_int_equal(o.tuple.family, 6);
	assert_int_equal(o.tuple.local.port, 80);
	assert_false(o.has_sock);
	assert_false(o.has_task);
}

static void whoever_is_not_ipv6_is_ipv4(void **state)
{
	union any w = record(WIRE_DESTROY, WIRE_BRIEF);
	struct obs o;

	(void)state;
	for (int family = 0; family < 256; family++) {
		w.brief.tuple.family = (__u8)family;
		assert_int_equal(decode_record(&w, &o), 0);
		assert_int_equal(o.tuple.family, family == 6 ? 6 : 4);
	}
}

static void the_idle_task_is_no_task(void **state)
{
	union any w = record(WIRE_STATE, WIRE_BRIEF);
	struct obs o;

	(void)state;
	memcpy(w.brief.task.comm, "swapper/0", 10);
	assert_int_equal(decode_record(&w, &o), 0);
	assert_false(o.has_task);
	w.brief.task.flags = WIRE_TASK_KTHREAD;
	assert_int_equal(decode_record(&w, &o), 0);
	assert_true(o.has_task && o.task.kthread && !o.task.meant);
}

static void a_comm_without_an_end_is_ended(void **state)
{
	union any w = record(WIRE_STATE, WIRE_BRIEF);
	struct obs o;

	(void)state;
	memset(w.brief.task.comm, 'x', sizeof(w.brief.task.comm));
	assert_int_equal(decode_record(&w, &o), 0);
	assert_string_equal(o.task.comm, "xxxxxxxxxxxxxxx");
}

/* --- reasons and times ------------------------------------------------------------------- */

static const char *reason_of(const struct decoder *d, uint32_t reason)
{
	union any w = record(WIRE_RST_ACTIVE, WIRE_LEAN);
	struct obs o;

	w.ev.reason = reason;
	assert_int_equal(decode_bytes(d, &w, w.ev.size, &o), 0);
	return o.rst_reason;
}

static void a_reason_is_named_by_this_kernels_number(void **state)
{
	(void)state;
	assert_ptr_equal(reason_of(&decoder, 0), decoder.reasons[0]);
	assert_ptr_equal(reason_of(&decoder, 2), decoder.reasons[2]);
}

static void a_reason_without_a_name_has_none(void **state)
{
	struct decoder none = { .hz = 100 };

	(void)state;
	assert_null(reason_of(&decoder, 1));
	assert_null(reason_of(&decoder, 3));
	assert_null(reason_of(&decoder, INT32_MAX));
	assert_null(reason_of(&decoder, WIRE_NO_REASON));
	assert_null(reason_of(&none, 0));
}

static uint32_t linger_ms(uint32_t hz, uint32_t jiffies)
{
	struct decoder d = { .hz = hz };
	union any w = record(WIRE_STATE, WIRE_FULL);
	struct obs o;

	w.full.sock.linger_jiffies = jiffies;
	assert_int_equal(decode_bytes(&d, &w, w.ev.size, &o), 0);
	return o.sock.linger_ms;
}

static void a_lingering_time_is_told_in_milliseconds(void **state)
{
	static const uint32_t known[] = { 24, 100, 128, 250, 300, 1000, 1024, 1200 };

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		assert_int_equal(linger_ms(known[i], 0), 0);
		assert_int_equal(linger_ms(known[i], 5 * known[i]), 5000);
	}
	assert_int_equal(linger_ms(100, 1), 10);
	assert_int_equal(linger_ms(250, 1), 4);
	assert_int_equal(linger_ms(1000, 1), 1);
	assert_int_equal(linger_ms(300, 1), 3);
}

static void a_lingering_time_that_was_set_is_never_zero_whatever_a_jiffy_is(void **state)
{
	static const uint32_t odd[] = { 0, 1, 1024, 1200, 100000, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		assert_true(linger_ms(odd[i], 1) > 0);
		assert_true(linger_ms(odd[i], UINT32_MAX) > 0);
		assert_int_equal(linger_ms(odd[i], 0), 0);
	}
	assert_int_equal(linger_ms(0, 1000), 1);
}

static void a_lingering_time_beyond_all_is_the_longest(void **state)
{
	(void)state;
	assert_true(linger_ms(100, UINT32_MAX) == UINT32_MAX);
	assert_true(linger_ms(1, UINT32_MAX) == UINT32_MAX);
	assert_true(linger_ms(1000, UINT32_MAX) == UINT32_MAX);
	assert_true(linger_ms(2000, UINT32_MAX) == UINT32_MAX / 2);
}

static uint64_t timeout_ns(uint32_t hz, const union any *w)
{
	struct decoder d = { .hz = hz };
	struct obs o;

	assert_int_equal(decode_bytes(&d, w, w->ev.size, &o), 0);
	return o.mini.timeout_ns;
}

static void when_a_minisocket_expires_is_told_in_nanoseconds_or_not_at_all(void **state)
{
	union any w = record(WIRE_MINI_BORN, WIRE_MINI);

	(void)state;
	assert_true(timeout_ns(250, &w) == 0);
	w.mini.timeout_jiffies = 15000;
	assert_true(timeout_ns(250, &w) == UINT64_C(60000000000));
	assert_true(timeout_ns(0, &w) == 0);
	w.mini.timeout_jiffies = UINT32_MAX;
	assert_true(timeout_ns(1, &w) == UINT32_MAX * UINT64_C(1000000000));
	/* a sensor that did not say so yet */
	w.ev.size = offsetof(struct wire_mini, timeout_jiffies);
	assert_true(timeout_ns(250, &w) == 0);
}

/* Numbers on the wire are for ever; one of a later sensor says nothing to us. */
static void what_ended_a_minisocket_is_told_where_it_is_known(void **state)
{
	static const enum mini_caller wanted[] = {
		[WIRE_BY_UNKNOWN] = MINI_BY_UNKNOWN, [WIRE_BY_REARM] = MINI_BY_REARM,
		[WIRE_BY_RST] = MINI_BY_RST,	     [WIRE_BY_SEGMENT] = MINI_BY_SEGMENT,
		[WIRE_BY_CONNECT] = MINI_BY_CONNECT, [WIRE_BY_ABORT] = MINI_BY_ABORT,
		[WIRE_BY_PURGE] = MINI_BY_PURGE,     [WIRE_BY_MAX] = MINI_BY_UNKNOWN,
		[255] = MINI_BY_UNKNOWN,
	};
	union any w = record(WIRE_MINI_CANCEL, WIRE_MINI);
	struct obs o;

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		w.mini.caller = (uint8_t)i;
		assert_int_equal(decode_record(&w, &o), 0);
		assert_int_equal(o.mini.caller, wanted[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_ended_a_minisocket_is_told_where_it_is_known),
		cmocka_unit_test(every_kind_of_the_wire_becomes_its_kind_of_observation),
		cmocka_unit_test(every_layout_has_its_parts),
		cmocka_unit_test(a_stray_reset_has_a_tuple_and_what_answered_and_no_socket),
		cmocka_unit_test(the_head_is_in_every_layout),
		cmocka_unit_test(each_flag_is_its_own_boolean_and_no_other),
		cmocka_unit_test(a_mini_sockets_record_says_whether_there_were_timestamps),
		cmocka_unit_test(a_held_record_says_by_which_descriptor_and_since_when),
		cmocka_unit_test(a_lean_record_has_neither_task_nor_socket_nor_tuple),
		cmocka_unit_test(a_brief_record_says_who_and_where),
		cmocka_unit_test(a_full_record_says_all_of_the_socket),
		cmocka_unit_test(a_minisocket_has_an_address_of_its_own_and_no_socket),
		cmocka_unit_test(whoever_is_not_ipv6_is_ipv4),
		cmocka_unit_test(the_idle_task_is_no_task),
		cmocka_unit_test(a_comm_without_an_end_is_ended),
		cmocka_unit_test(a_reason_is_named_by_this_kernels_number),
		cmocka_unit_test(a_reason_without_a_name_has_none),
		cmocka_unit_test(a_lingering_time_is_told_in_milliseconds),
		cmocka_unit_test(a_lingering_time_that_was_set_is_never_zero_whatever_a_jiffy_is),
		cmocka_unit_test(a_lingering_time_beyond_all_is_the_longest),
		cmocka_unit_test(when_a_minisocket_expires_is_told_in_nanoseconds_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
