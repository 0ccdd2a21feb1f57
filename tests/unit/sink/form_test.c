/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What is written by the form of a former line is what would have been written without one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "capture.h"
#include "sink/fields.h"

/* Everything that a line of a verdict is made of, one change each. */
#define CHANGES(X)                                                                                 \
	X(conn, 7)                                                                                 \
	X(pair, 8)                                                                                 \
	X(netns, 9)                                                                                \
	X(cgroup_id, 10)                                                                           \
	X(owner.pid, 11)                                                                           \
	X(owner.tid, 12)                                                                           \
	X(owner.uid, 13)                                                                           \
	X(owner.comm[0], 'x')                                                                      \
	X(owner.comm[14], 'y')                                                                     \
	X(owner.source, OWNER_HOLDS)                                                               \
	X(closer.source, OWNER_CLOSE)                                                              \
	X(closer.pid, 14)                                                                          \
	X(cause, CAUSE_UNREAD_DATA)                                                                \
	X(how, HOW_TIMEOUT)                                                                        \
	X(first_closer, CLOSER_BOTH)                                                               \
	X(exit_code, 9)                                                                            \
	X(rst_sent, 3)                                                                             \
	X(rst_received, 4)                                                                         \
	X(rst_reason, "TCP_STATE")                                                                 \
	X(linger_on, true)                                                                         \
	X(linger_ms, 1500)                                                                         \
	X(linger_wait_ns, 77)                                                                      \
	X(unread_bytes, 21)                                                                        \
	X(unsent_bytes, 22)                                                                        \
	X(unacked_bytes, 23)                                                                       \
	X(peer_left_known, true)                                                                   \
	X(peer_left_bytes, 24)                                                                     \
	X(sent_bytes, 25)                                                                          \
	X(received_bytes, 26)                                                                      \
	X(retransmits, 28)                                                                         \
	X(fin_wait2_at_most, true)                                                                 \
	X(error, 104)                                                                              \
	X(age_ns, 27)                                                                              \
	X(n_path, 1)                                                                               \
	X(path[0], ((struct path_step){ .state = ST_SYN_SENT }))                                   \
	X(path[1].at_ns, 1234)                                                                     \
	X(tuple.local.port, 0)                                                                     \
	X(tuple.family, 0)                                                                         \
	X(tuple.family, 6)                                                                         \
	X(tuple.peer.addr[3], 99)                                                                  \
	X(minisocket, ST_FIN_WAIT2)                                                                \
	X(evidence, EV(KILLED) | EV(FIN_FIRST))                                                    \
	X(evidence, EV(EXITING))                                                                   \
	X(blind, EV(RST_IN))                                                                       \
	X(complete, false)                                                                         \
	X(complete, true)

static size_t n_changes;

/* The verdict that differs in the i-th thing. */
static void change(struct verdict *v, size_t i)
{
	size_t n = 0;

#define X(member, value)                                                                           \
	if (n++ == i)                                                                              \
		v->member = value;
	CHANGES(X)
#undef X
	n_changes = n;
}

#define LINES 8
#define VALUES 8

struct memory {
	struct forms forms, values;
};

static void remember(struct memory *memory)
{
	assert_int_equal(forms_init(&memory->forms, LINES, 1536), 0);
	assert_int_equal(forms_init(&memory->values, VALUES, 160), 0);
}

static void forget(struct memory *memory)
{
	forms_destroy(&memory->forms);
	forms_destroy(&memory->values);
}

/* Returns whether there was a form. */
static bool write_line(struct buf *out, struct memory *memory, const struct verdict *v)
{
	struct form_key key = { 0 };
	bool again = false;
	struct json j;

	buf_reset(out);
	json_begin(&j, out);
	if (memory) {
		j.values = &memory->values;
		shape_hold(&key, SHAPE_close, v);
		form_key_end(&key);
		again = json_form_begin(&j, &memory->forms, &key);
	}
	if (again) {
		shape_fill(&j, SHAPE_close, v);
	} else {
		json_object_begin(&j);
		shape_write(&j, SHAPE_close, v);
		json_object_end(&j);
	}
	json_form_end(&j, &key);
	assert_int_equal(json_end(&j), 0);
	return again;
}

static void assert_alike(struct memory *memory, const struct verdict *v)
{
	struct buf with = BUF_INIT, without = BUF_INIT;

	write_line(&with, memory, v);
	write_line(&without, NULL, v);
	assert_string_equal(buf_string(&with), buf_string(&without));
	buf_free(&with);
	buf_free(&without);
}

/* After each other in every order, so that each is once the line before each. */
static void a_line_says_what_it_says_whichever_came_before(void **state)
{
	struct memory memory;
	struct verdict base = plain_verdict(), a, b;

	(void)state;
	remember(&memory);
	base.n_path = 2;
	change(&base, SIZE_MAX);
	for (size_t i = 0; i < n_changes; i++)
		for (size_t k = 0; k < n_changes; k++) {
			a = b = base;
			change(&a, i);
			change(&b, k);
			assert_alike(&memory, &a);
			assert_alike(&memory, &b);
		}
	forget(&memory);
}

static void two_changes_at_once_are_two(void **state)
{
	struct memory memory;
	struct verdict base = plain_verdict(), v;

	(void)state;
	remember(&memory);
	base.n_path = 2;
	change(&base, SIZE_MAX);
	for (size_t i = 0; i < n_changes; i++)
		for (size_t k = 0; k < n_changes; k++) {
			v = base;
			change(&v, i);
			change(&v, k);
			assert_alike(&memory, &v);
		}
	forget(&memory);
}

static void numbers_and_owners_that_differ_have_one_form(void **state)
{
	struct verdict v = plain_verdict();
	struct buf b = BUF_INIT;
	struct memory memory;

	(void)state;
	remember(&memory);
	v.n_path = 2;
	v.path[0].state = ST_ESTABLISHED;
	v.path[1] = (struct path_step){ .state = ST_CLOSE, .at_ns = 100 };
	v.sent_bytes = 1;
	assert_false(write_line(&b, &memory, &v));
	for (unsigned i = 1; i < 50; i++) {
		v.conn += i;
		v.age_ns *= 3;
		v.owner.pid = i;
		v.sent_bytes += i;
		v.tuple.local.port += 1;
		v.path[v.n_path - 1].at_ns += i;
		assert_true(write_line(&b, &memory, &v));
	}
	v.path[v.n_path - 1].state = ST_CLOSING;
	assert_false(write_line(&b, &memory, &v));
	buf_free(&b);
	forget(&memory);
}

/* With every number of bytes that the key has already. */
static void a_key_too_long_is_not_written_past_its_end(void **state)
{
	struct verdict v = plain_verdict();
	struct {
		struct form_key key;
		char guard[64];
	} it;

	(void)state;
	for (size_t used = 0; used <= sizeof(it.key.bytes); used++) {
		memset(it.guard, 'g', sizeof(it.guard));
		it.key.n = used;
		shape_hold(&it.key, SHAPE_close, &v);
		form_key_end(&it.key);
		assert_true(it.key.n <= sizeof(it.key.bytes));
		for (size_t i = 0; i < sizeof(it.guard); i++)
			assert_int_equal(it.guard[i], 'g');
	}
	assert_int_equal(it.key.n, sizeof(it.key.bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_says_what_it_says_whichever_came_before),
		cmocka_unit_test(two_changes_at_once_are_two),
		cmocka_unit_test(numbers_and_owners_that_differ_have_one_form),
		cmocka_unit_test(a_key_too_long_is_not_written_past_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
