// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A tick that flow_is_due() calls needless may be left out: a tape leaves it out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "tests/unit/core/feed.h"

#define SAID_MAX 65536

/* Who was said to have ended, how and when, in order. */
struct said {
	size_t n;
	uint64_t words[SAID_MAX];
};

static struct said all, needed;

static void say(struct said *said, uint64_t word)
{
	assert_true(said->n < SAID_MAX);
	said->words[said->n++] = word;
}

static bool on_closed(void *ctx, const struct verdict *v)
{
	say(ctx, v->conn);
	say(ctx, v->cause);
	say(ctx, v->mono_ns);
	say(ctx, v->evidence);
	return v->conn % 7;
}

static void on_mini(void *ctx, const struct minisocket *m)
{
	say(ctx, m->conn);
	say(ctx, m->end);
	say(ctx, m->mono_ns);
}

static struct flow_table *table(struct said *said)
{
	struct flow_config config = {.max_flows = 64,
				     .max_minis = 64,
				     .covered = UINT32_MAX >> 8,
				     .closed = on_closed,
				     .mini_ended = on_mini,
				     .ctx = said};
	struct flow_table *t = NULL;

	assert_int_equal(flow_table_new(&config, &t), 0);
	return t;
}

static uint64_t rnd_state = 1;

static uint64_t rnd(uint64_t below)
{
	rnd_state = rnd_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (rnd_state >> 33) % below;
}

/* Anything at all, of a few sockets and mini-sockets. */
static struct obs anything(uint64_t now)
{
	static const enum obs_kind kinds[] = {
		OBS_STATE,        OBS_STATE,     OBS_STATE,      OBS_RST_ACTIVE, OBS_RST_RECEIVED,
		OBS_DESTROY,      OBS_RELEASE,   OBS_SNAPSHOT,   OBS_MINI_BORN,  OBS_MINI_CANCEL,
		OBS_MINI_EXPIRED, OBS_MINI_PEEK, OBS_MINI_KILLED};
	enum obs_kind kind = kinds[rnd(sizeof(kinds) / sizeof(kinds[0]))];
	uint16_t who = (uint16_t)(1 + rnd(12));
	struct obs o = feed_state(now, who, who, (uint8_t)(1 + rnd(11)), (uint8_t)(1 + rnd(11)));

	if (kind >= OBS_MINI_BORN && kind <= OBS_MINI_PEEK)
		return feed_mini(kind, now, who, rnd(2) ? ST_FIN_WAIT2 : ST_TIME_WAIT);
	o.kind = kind;
	if (rnd(3) == 0)
		feed_by_server(&o);
	return o;
}

static void a_tick_that_is_not_due_changes_nothing(void **state)
{
	struct flow_table *ticked = table(&all), *spared = table(&needed);
	uint64_t now = MS(1), due = 0, not_due = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		now += rnd(4) ? US(rnd(3000)) : MS(rnd(300));
		if (rnd(2)) {
			struct obs o = anything(now);

			flow_take(ticked, &o, NULL);
			flow_take(spared, &o, NULL);
		}
		flow_tick(ticked, now);
		if (flow_is_due(spared, now)) {
			flow_tick(spared, now);
			due++;
		} else {
			not_due++;
		}
		assert_int_equal(all.n, needed.n);
	}
	flow_finish(ticked, now);
	flow_finish(spared, now);
	assert_int_equal(all.n, needed.n);
	assert_memory_equal(all.words, needed.words, all.n * sizeof(all.words[0]));
	/* and that was tried */
	assert_true(due > 1000 && not_due > 1000 && all.n > 1000);
	flow_table_free(ticked);
	flow_table_free(spared);
}

static void nothing_is_due_where_nothing_ended(void **state)
{
	struct flow_table *t = table(&all);

	(void)state;
	assert_false(flow_is_due(t, MS(1)));
	feed_born(t, MS(1), 1, 1);
	assert_false(flow_is_due(t, UINT64_MAX));
	flow_table_free(t);
}

static void a_verdict_is_due_when_it_has_settled(void **state)
{
	struct flow_table *t = table(&all);

	(void)state;
	feed_born(t, MS(1), 1, 1);
	feed_aborted(t, MS(2), 1, 1);
	assert_false(flow_is_due(t, MS(2)));
	assert_false(flow_is_due(t, MS(2) + FLOW_SETTLE_NS - 1));
	assert_true(flow_is_due(t, MS(2) + FLOW_SETTLE_NS));
	flow_tick(t, MS(2) + FLOW_SETTLE_NS);
	assert_false(flow_is_due(t, UINT64_MAX));
	flow_table_free(t);
}

static void what_waits_for_its_rest_is_pending(void **state)
{
	struct flow_table *t = table(&all);
	uint64_t now = MS(2) + FLOW_SETTLE_NS;
	uint32_t netns = feed_sock(OBS_STATE, 0, 1, 1).sock.netns_ino;
	struct obs o = feed_state(MS(2), 1, 1, ST_ESTABLISHED, ST_CLOSE);

	(void)state;
	feed_born(t, MS(1), 1, 1);
	feed_by_server(&o);
	o.sock.shutdown = 3;
	o.sock.linger = true;
	flow_take(t, &o, NULL);
	assert_true(flow_pending_in(t, netns));
	flow_tick(t, now);
	assert_int_equal(flow_counts(t).pending, 1);
	assert_true(flow_pending_in(t, netns));
	flow_tick(t, now + FLOW_REST_WAIT_NS);
	assert_false(flow_pending_in(t, netns));
	flow_table_free(t);
}

/* Hostile, not late: no clock of a kernel says so. */
static void a_tick_at_the_end_of_time_ends(void **state)
{
	struct flow_table *t = table(&all);
	struct obs o = feed_mini(OBS_MINI_BORN, MS(1), 1, ST_TIME_WAIT);

	(void)state;
	feed_born(t, MS(1), 1, 1);
	flow_take(t, &o, NULL);
	flow_tick(t, UINT64_MAX);
	flow_tick(t, UINT64_MAX - 1);
	flow_finish(t, UINT64_MAX);
	flow_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_tick_that_is_not_due_changes_nothing, feed_setup,
						feed_teardown),
		cmocka_unit_test_setup_teardown(nothing_is_due_where_nothing_ended, feed_setup,
						feed_teardown),
		cmocka_unit_test_setup_teardown(a_verdict_is_due_when_it_has_settled, feed_setup,
						feed_teardown),
		cmocka_unit_test_setup_teardown(what_waits_for_its_rest_is_pending, feed_setup, feed_teardown),
		cmocka_unit_test_setup_teardown(a_tick_at_the_end_of_time_ends, feed_setup, feed_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
