// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Records that are cut, foreign, damaged, or never were any. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "core/flow.h"
#include "records.h"

/* --- sizes --------------------------------------------------------------------------- */

static void a_record_shorter_than_its_head_is_none(void **state)
{
	union any w = record(WIRE_STATE, WIRE_LEAN);
	struct obs o;

	(void)state;
	for (size_t size = 0; size < sizeof(w.ev); size++)
		assert_int_equal(decode_bytes(&decoder, &w, size, &o), -EBADMSG);
}

static void a_record_that_says_it_is_longer_than_it_is_is_none(void **state)
{
	struct obs o;

	(void)state;
	for (int layout = WIRE_LEAN; layout < N_LAYOUTS; layout++) {
		union any w = record(WIRE_STATE, (enum wire_layout)layout);

		for (size_t size = sizeof(w.ev); size < w.ev.size; size++)
			assert_int_equal(decode_bytes(&decoder, &w, size, &o), -EBADMSG);
		w.ev.size = UINT16_MAX;
		assert_int_equal(decode_bytes(&decoder, &w, sizeof(w), &o), -EBADMSG);
	}
}

static void a_record_that_says_it_is_shorter_than_its_head_is_none(void **state)
{
	union any w = record(WIRE_STATE, WIRE_LEAN);
	struct obs o;

	(void)state;
	for (unsigned size = 0; size < sizeof(w.ev); size++) {
		w.ev.size = (__u16)size;
		assert_int_equal(decode_bytes(&decoder, &w, sizeof(w), &o), -EBADMSG);
	}
}

static void what_lies_behind_the_record_is_not_read(void **state)
{
	struct obs with, without;

	(void)state;
	for (int layout = WIRE_LEAN; layout < N_LAYOUTS; layout++) {
		union any w = full_of_ones(WIRE_STATE, (enum wire_layout)layout);

		/* the ring rounds up to 8 bytes, an iterator's buffer goes on with the next one */
		assert_int_equal(decode_bytes(&decoder, &w, sizeof(w), &with), 0);
		assert_int_equal(decode_bytes(&decoder, &w, layout_sizes[layout], &without), 0);
		assert_memory_equal(&with, &without, sizeof(with));
	}
}

static void what_a_later_sensor_sends_more_is_passed_over(void **state)
{
	struct obs now, later;

	(void)state;
	for (int layout = WIRE_LEAN; layout < N_LAYOUTS; layout++) {
		union any w = full_of_ones(WIRE_STATE, (enum wire_layout)layout);

		assert_int_equal(decode_record(&w, &now), 0);
		w.ev.size = sizeof(w);
		assert_int_equal(decode_record(&w, &later), 0);
		assert_memory_equal(&now, &later, sizeof(now));
	}
}

static void what_an_earlier_sensor_did_not_send_reads_as_zero(void **state)
{
	union any w = full_of_ones(WIRE_STATE, WIRE_FULL);
	size_t until = offsetof(struct wire_full, sock.snd_wnd);
	struct obs o;

	(void)state;
	w.ev.size = (__u16)until;
	for (int round = 0; round < 2; round++) {
		/* cut off, and then with something else behind it */
		assert_int_equal(decode_bytes(&decoder, &w, round ? sizeof(w) : until, &o), 0);
		assert_true(o.has_sock);
		assert_true(o.sock.unacked == UINT32_MAX);
		assert_int_equal(o.sock.snd_wnd, 0);
		assert_int_equal(o.sock.linger2, 0);
		assert_int_equal(o.sock.state, 0);
		assert_int_equal(o.sock.probes_out, 0);
	}
}

static void every_size_between_head_and_end_is_read_as_far_as_it_goes(void **state)
{
	struct obs o;

	(void)state;
	for (int layout = WIRE_LEAN; layout < N_LAYOUTS; layout++) {
		union any w = full_of_ones(WIRE_STATE, (enum wire_layout)layout);

		for (size_t size = sizeof(w.ev); size <= layout_sizes[layout]; size++) {
			w.ev.size = (__u16)size;
			assert_int_equal(decode_record(&w, &o), 0);
		}
	}
}

/* --- what this version does not know -------------------------------------------------- */

static void another_version_is_said_to_be_one(void **state)
{
	union any w = record(WIRE_STATE, WIRE_LEAN);
	struct obs o;

	(void)state;
	for (int version = 0; version < 256; version++) {
		w.ev.version = (__u8)version;
		assert_int_equal(decode_record(&w, &o), version == WIRE_VERSION ? 0 : -EPROTO);
	}
}

static void an_unknown_kind_is_to_be_passed_over(void **state)
{
	union any w = record(WIRE_STATE, WIRE_LEAN);
	struct obs o;

	(void)state;
	for (int kind = 0; kind < 256; kind++) {
		w.ev.kind = (__u8)kind;
		assert_int_equal(decode_record(&w, &o), kind && kind < WIRE_KIND_MAX ? 0 : -ENOMSG);
	}
}

/* A ring aligns its records; a file of them need not. */
static void a_record_may_lie_anywhere(void **state)
{
	union any w = full_of_ones(WIRE_STATE, WIRE_FULL);
	unsigned char bytes[sizeof(w) + 8];
	struct obs straight, crooked;

	(void)state;
	assert_int_equal(decode_record(&w, &straight), 0);
	for (size_t off = 0; off < 8; off++) {
		memcpy(bytes + off, &w, w.ev.size);
		assert_int_equal(decode(&decoder, bytes + off, w.ev.size, &crooked), 0);
		assert_memory_equal(&straight, &crooked, sizeof(straight));
	}
}

static void an_unknown_layout_is_to_be_passed_over(void **state)
{
	union any w = record(WIRE_STATE, WIRE_FULL);
	struct obs o;

	(void)state;
	for (int layout = 0; layout < 256; layout++) {
		w.ev.layout = (__u8)layout;
		assert_int_equal(decode_record(&w, &o), layout && layout < N_LAYOUTS ? 0 : -ENOMSG);
	}
}

/* --- noise ---------------------------------------------------------------------------- */

/* xorshift64*: the same numbers in every run */
static uint64_t rnd(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static void check_sane(const struct obs *o, uint8_t layout)
{
	assert_in_range(o->kind, OBS_STATE, OBS_KIND_MAX - 1);
	if (o->tuple.family != 0 && o->tuple.family != 4)
		assert_int_equal(o->tuple.family, 6);
	assert_int_equal(o->tuple.family == 0, layout == WIRE_LEAN || layout == WIRE_TASK);
	assert_non_null(memchr(o->task.comm, '\0', sizeof(o->task.comm)));
	if (o->rst_reason)
		assert_true(o->rst_reason == decoder.reasons[0] || o->rst_reason == decoder.reasons[2]);
	assert_int_equal(o->has_sock, layout == WIRE_FULL || layout == WIRE_SOCK || layout == WIRE_HELD ||
					      layout == WIRE_SPOT_SUMS || layout == WIRE_SPOT_ALL);
	assert_true(!o->has_task || layout == WIRE_BRIEF || layout == WIRE_FULL || layout == WIRE_TASK ||
		    layout == WIRE_HELD || layout == WIRE_SPOT_WHO || layout == WIRE_SPOT_ALL);
	assert_true(layout == WIRE_MINI || layout == WIRE_SPOT_MINI ? !o->sk : !o->mini.addr);
}

/* Noise under a head that is mostly right: else next to nothing would get past it. */
static size_t noise(uint64_t *seed, union any *w)
{
	uint64_t luck = rnd(seed);

	for (size_t i = 0; i < sizeof(w->bytes); i += 8) {
		uint64_t r = rnd(seed);

		memcpy(w->bytes + i, &r, 8);
	}
	if (luck & 7)
		w->ev.version = WIRE_VERSION;
	if (luck & 0x38)
		w->ev.kind = (__u8)(luck >> 8) % (WIRE_KIND_MAX + 1);
	if (luck & 0x1c0)
		w->ev.layout = (__u8)(luck >> 16) % (N_LAYOUTS + 1);
	if (luck & 0xe00)
		w->ev.size = (__u16)(luck >> 24) % (sizeof(*w) + 16);
	if (luck & 0x7000)
		w->ev.reason = (__u32)(luck >> 40) % 6;
	return luck >> 48 & 1 ? (size_t)(luck >> 49) % (sizeof(*w) + 1) :
	       w->ev.size < sizeof(*w) ? w->ev.size : sizeof(*w);
}

static void no_noise_is_taken_for_more_than_it_is(void **state)
{
	uint64_t seed = 20;
	unsigned accepted = 0;

	(void)state;
	for (int round = 0; round < 1000000; round++) {
		union any w;
		size_t size = noise(&seed, &w);
		struct obs o;
		int r = decode_bytes(&decoder, &w, size, &o);

		if (!r) {
			check_sane(&o, w.ev.layout);
			accepted++;
			continue;
		}
		assert_true(r == -EBADMSG || r == -EPROTO || r == -ENOMSG);
		if (r == -EPROTO)
			assert_int_not_equal(w.ev.version, WIRE_VERSION);
	}
	/* or this would test nothing */
	assert_true(accepted > 200000);
}

static bool count_verdict(void *ctx, const struct verdict *v)
{
	assert_in_range(v->cause, 0, CAUSE_MAX - 1);
	assert_in_range(v->how, 0, HOW_MAX - 1);
	assert_in_range(v->n_path, 0, PATH_MAX_STEPS);
	++*(uint64_t *)ctx;
	return true;
}

/* Few sockets, few states: so that noise meets noise. */
static void make_likely(uint64_t *seed, union any *w)
{
	uint64_t luck = rnd(seed);

	w->ev.sk = luck & 15;
	w->ev.old_state = (__u8)(luck >> 8) % 14;
	w->ev.new_state = (__u8)(luck >> 16) % 14;
	w->ev.netns_ino = 1;
	if (w->ev.layout == WIRE_MINI) {
		memset(&w->mini.tuple, 0, sizeof(w->mini.tuple));
		w->mini.tuple.local_port = (__u16)(luck >> 24 & 3);
	}
	if (w->ev.layout == WIRE_BRIEF) {
		memset(&w->brief.tuple, 0, sizeof(w->brief.tuple));
		w->brief.tuple.local_port = (__u16)(luck >> 24 & 3);
	}
	if (w->ev.layout == WIRE_FULL) {
		memset(&w->full.sock.tuple, 0, sizeof(w->full.sock.tuple));
		w->full.sock.tuple.local_port = (__u16)(luck >> 24 & 3);
		w->full.sock.state = (__u8)(luck >> 32) % 14;
	}
}

/* A damaged tape must not be able to do more than spoil its own verdicts. */
static void noise_that_was_accepted_is_folded_and_judged_without_harm(void **state)
{
	uint64_t seed = 4, verdicts = 0, now = 1000;
	struct flow_config config = { .max_flows = 12, .max_minis = 6, .covered = UINT32_MAX,
				      .closed = count_verdict, .ctx = &verdicts };
	struct flow_table *table;
	struct flow_peek peeks[4];

	(void)state;
	assert_int_equal(flow_table_new(&config, &table), 0);
	for (int round = 0; round < 300000; round++) {
		union any w;
		size_t size = noise(&seed, &w);
		struct obs o;

		make_likely(&seed, &w);
		if (decode(&decoder, &w, size, &o))
			continue;
		now += o.mono_ns % 5000000;
		o.mono_ns = o.mono_ns % 16 ? now : o.mono_ns;
		/* half of all noise would say so, and little would be left to judge */
		o.others = o.others && round % 16 == 0;
		flow_take(table, &o, NULL);
		flow_tick(table, now);
		if (round % 64 == 0)
			flow_peeks(table, peeks, 4);
		if (round % 1024 == 0)
			flow_gap(table, now);
	}
	flow_finish(table, now + 1);
	flow_table_free(table);
	assert_true(verdicts > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_shorter_than_its_head_is_none),
		cmocka_unit_test(a_record_that_says_it_is_longer_than_it_is_is_none),
		cmocka_unit_test(a_record_that_says_it_is_shorter_than_its_head_is_none),
		cmocka_unit_test(what_lies_behind_the_record_is_not_read),
		cmocka_unit_test(what_a_later_sensor_sends_more_is_passed_over),
		cmocka_unit_test(what_an_earlier_sensor_did_not_send_reads_as_zero),
		cmocka_unit_test(every_size_between_head_and_end_is_read_as_far_as_it_goes),
		cmocka_unit_test(another_version_is_said_to_be_one),
		cmocka_unit_test(an_unknown_kind_is_to_be_passed_over),
		cmocka_unit_test(a_record_may_lie_anywhere),
		cmocka_unit_test(an_unknown_layout_is_to_be_passed_over),
		cmocka_unit_test(no_noise_is_taken_for_more_than_it_is),
		cmocka_unit_test(noise_that_was_accepted_is_folded_and_judged_without_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
