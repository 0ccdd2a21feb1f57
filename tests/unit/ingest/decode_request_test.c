// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "records.h"

static void a_request_has_a_tuple_and_what_ended_it_and_no_socket(void **state)
{
	static const struct {
		enum wire_caller wire;
		enum request_caller caller;
	} callers[] = {
		{ WIRE_BY_TIMER, REQUEST_BY_TIMER },	 { WIRE_BY_CHECK, REQUEST_BY_SEGMENT },
		{ WIRE_BY_ICMP, REQUEST_BY_ICMP },	 { WIRE_BY_ABORT, REQUEST_BY_ABORT },
		{ WIRE_BY_NO_LISTENER, REQUEST_BY_NO_LISTENER },
		{ WIRE_BY_RST, REQUEST_BY_UNKNOWN },	 { WIRE_BY_MAX, REQUEST_BY_UNKNOWN },
	};
	union any w = record(WIRE_REQUEST_GONE, WIRE_REQUEST);
	struct obs o;

	(void)state;
	w.request.tuple.family = 4;
	w.request.tuple.peer_port = 40000;
	w.request.listener = 77;
	w.request.age_ns = 5;
	for (size_t i = 0; i < sizeof(callers) / sizeof(callers[0]); i++) {
		w.request.caller = (__u8)callers[i].wire;
		assert_int_equal(decode_record(&w, &o), 0);
		assert_int_equal(o.request.caller, callers[i].caller);
	}
	assert_int_equal(o.tuple.peer.port, 40000);
	assert_true(o.request.listener == 77 && o.request.age_ns == 5);
	assert_false(o.has_sock || o.has_task);
	assert_true(!o.sk && !o.mini.addr);
}

static void each_flag_of_a_request_is_its_own(void **state)
{
	static const struct {
		uint16_t flag;
		size_t at;
	} flags[] = {
		{ WIRE_REQUEST_ACKED, offsetof(struct obs_request, acked) },
		{ WIRE_REQUEST_LISTENING, offsetof(struct obs_request, listening) },
		{ WIRE_REQUEST_DEFERRED, offsetof(struct obs_request, deferred) },
		{ WIRE_REQUEST_QUEUE_FULL, offsetof(struct obs_request, queue_full) },
		{ WIRE_REQUEST_ANSWERED, offsetof(struct obs_request, answered) },
		{ WIRE_REQUEST_OVERFLOW, offsetof(struct obs_request, overflow) },
	};
	union any w = record(WIRE_REQUEST_GONE, WIRE_REQUEST);
	struct obs o;

	(void)state;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		w.request.flags = flags[i].flag;
		assert_int_equal(decode_record(&w, &o), 0);
		for (size_t j = 0; j < sizeof(flags) / sizeof(flags[0]); j++)
			assert_int_equal(*((const bool *)((const char *)&o.request + flags[j].at)), i == j);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_has_a_tuple_and_what_ended_it_and_no_socket),
		cmocka_unit_test(each_flag_of_a_request_is_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
