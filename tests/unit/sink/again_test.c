/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What is copied from a former line is what would have been written. */
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
	X(error, 104)                                                                              \
	X(age_ns, 27)                                                                              \
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

static void write_line(struct buf *out, struct memo *memo, const struct verdict *v)
{
	struct json j;

	buf_reset(out);
	json_begin(&j, out);
	j.memo = memo;
	json_object_begin(&j);
	shape_emit(&j, SHAPE_close, v);
	json_object_end(&j);
	assert_int_equal(json_end(&j), 0);
}

static void assert_alike(struct memo *memo, const struct verdict *v)
{
	struct buf with = BUF_INIT, without = BUF_INIT;

	write_line(&with, memo, v);
	write_line(&without, NULL, v);
	assert_string_equal(buf_string(&with), buf_string(&without));
	buf_free(&with);
	buf_free(&without);
}

/* After each other in every order, so that each is once the line before each. */
static void a_line_says_what_it_says_whichever_came_before(void **state)
{
	static struct memo memo;
	struct verdict base = plain_verdict(), a, b;

	(void)state;
	change(&base, SIZE_MAX);
	for (size_t i = 0; i < n_changes; i++)
		for (size_t k = 0; k < n_changes; k++) {
			a = b = base;
			change(&a, i);
			change(&b, k);
			assert_alike(&memo, &a);
			assert_alike(&memo, &b);
		}
}

static void two_changes_at_once_are_two(void **state)
{
	static struct memo memo;
	struct verdict base = plain_verdict(), v;

	(void)state;
	change(&base, SIZE_MAX);
	for (size_t i = 0; i < n_changes; i++)
		for (size_t k = 0; k < n_changes; k++) {
			v = base;
			change(&v, i);
			change(&v, k);
			assert_alike(&memo, &v);
		}
}

static void a_text_too_long_or_a_key_too_long_is_not_remembered(void **state)
{
	static struct memo memo;
	static const char text[MEMO_TEXT + 1];
	struct memo_key key;

	(void)state;
	memo_key_begin(&key, text);
	memo_key_word(&key, 1);
	memo_put(&memo, &key, text, sizeof(text));
	assert_null(memo_find(&memo, &key));
	memo_put(&memo, &key, text, MEMO_TEXT);
	assert_non_null(memo_find(&memo, &key));
	while (key.n <= MEMO_WORDS)
		memo_key_word(&key, 1);
	memo_put(&memo, &key, text, 1);
	assert_null(memo_find(&memo, &key));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_says_what_it_says_whichever_came_before),
		cmocka_unit_test(two_changes_at_once_are_two),
		cmocka_unit_test(a_text_too_long_or_a_key_too_long_is_not_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
