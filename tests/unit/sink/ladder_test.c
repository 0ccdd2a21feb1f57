/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "base/utf8.h"
#include "sink/ladder.h"

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

static void times_have_four_digits(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} rows[] = {
		{0, "+0.000 ms"},        {1499, "+0.001 ms"},       {9999499, "+9.999 ms"},
		{12345678, "+12.34 ms"}, {100300000, "+100.3 ms"},  {999999499, "+999.9 ms"},
		{999999500, "+1.000 s"}, {60512000000, "+60.51 s"}, {3600000000000, "+3600 s"},
	};
	char buf[UNITS_STRLEN];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(ladder_time(rows[i].ns, buf), rows[i].text);
}

static struct ladder_item segment(uint64_t us, enum ladder_side side, uint8_t flags, uint32_t seq,
				  uint32_t ack, uint32_t len)
{
	struct ladder_item item = {.at_ns = us * 1000, .kind = ITEM_SEGMENT, .side = (uint8_t)side};

	item.segment.flags = flags;
	item.segment.seq = seq;
	item.segment.ack = ack;
	item.segment.len = len;
	item.segment.window = 1000;
	return item;
}

static struct ladder_item change(uint64_t us, enum ladder_side side, uint8_t from, uint8_t to)
{
	struct ladder_item item = {.at_ns = us * 1000, .kind = ITEM_STATE, .side = (uint8_t)side};

	item.state.from = from;
	item.state.to = to;
	return item;
}

static struct ladder_item call(uint64_t us, enum ladder_side side, const char *name, int64_t result)
{
	struct ladder_item item = {
		.at_ns = us * 1000, .kind = ITEM_CALL, .side = (uint8_t)side, .link = LINK_ANY};

	strcpy(item.call.name, name);
	item.call.result = result;
	return item;
}

static void labels_lose_the_least_telling_first(void **state)
{
	struct ladder_item item = segment(0, LADDER_SERVER, PSH | ACK, 2619332, 12, 65483);
	char buf[LADDER_WORDS];

	(void)state;
	assert_string_equal(ladder_label(&item, 40, buf), "P. seq 2619332, 65483 B");
	assert_string_equal(ladder_label(&item, 21, buf), "P. 2619332, 65483 B");
	assert_string_equal(ladder_label(&item, 12, buf), "P., 65483 B");
	item = segment(0, LADDER_SERVER, FIN | ACK, 2619332, 2619332, 0);
	assert_string_equal(ladder_label(&item, 40, buf), "F. seq 2619332 ack 2619332");
	assert_string_equal(ladder_label(&item, 21, buf), "F. seq 2619332");
	item = segment(0, LADDER_SERVER, ACK, 1, 12, 0);
	assert_string_equal(ladder_label(&item, 21, buf), ". ack 12");
}

static void order(struct ladder_story *story, struct ladder_item *items, size_t n)
{
	*story = (struct ladder_story){.items = items, .n = n, .cap = n, .n_links = 1};
	for (size_t i = 0; i < n; i++) {
		items[i].arrival = (uint32_t)i;
		items[i].row = ROW_OWN;
		items[i].child = items[i].sibling = -1;
	}
	ladder_order(story);
}

static void cause_segment_and_effect_share_a_row(void **state)
{
	struct ladder_item items[] = {
		segment(106, LADDER_SERVER, FIN | ACK, 1, 1, 0),
		change(100, LADDER_SERVER, ST_ESTABLISHED, ST_FIN_WAIT1),
		change(110, LADDER_CLIENT, ST_ESTABLISHED, ST_CLOSE_WAIT),
		call(90, LADDER_SERVER, "close", 0),
		call(150, LADDER_CLIENT, "read", 0),
	};
	struct ladder_story story;

	(void)state;
	order(&story, items, 5);
	assert_int_equal(items[2].kind, ITEM_SEGMENT);
	for (int i = 0; i < 5; i++)
		assert_int_equal(items[i].row, i == 2 ? ROW_OWN : 2);
}

static void what_is_far_away_or_no_cause_stands_alone(void **state)
{
	struct ladder_item items[] = {
		change(100, LADDER_SERVER, ST_ESTABLISHED, ST_FIN_WAIT1), /* long before its FIN */
		call(4000, LADDER_SERVER, "read", 5), /* between it and the FIN */
		segment(4005, LADDER_SERVER, FIN | ACK, 1, 1, 0),
		call(4050, LADDER_CLIENT, "write", 5), /* no effect of a FIN */
		change(4060, LADDER_CLIENT, ST_ESTABLISHED, ST_CLOSE_WAIT),
	};
	struct ladder_story story;

	(void)state;
	order(&story, items, 5);
	for (int i = 0; i < 5; i++)
		assert_int_equal(items[i].row, ROW_OWN);
}

static void fin_wait2_goes_with_the_ack_of_the_fin(void **state)
{
	struct ladder_item items[] = {
		segment(10, LADDER_SERVER, FIN | ACK, 100, 50, 0),
		segment(20, LADDER_CLIENT, ACK, 50, 100, 0), /* not yet */
		segment(30, LADDER_CLIENT, ACK, 50, 101, 0),
		change(35, LADDER_SERVER, ST_FIN_WAIT1, ST_FIN_WAIT2),
	};
	struct ladder_story story;

	(void)state;
	order(&story, items, 4);
	assert_int_equal(items[3].row, 2);
}

static void sequence_numbers_begin_at_zero_and_wrap(void **state)
{
	struct ladder_item items[] = {
		segment(1, LADDER_CLIENT, SYN, 0xffffffff, 0, 0),
		segment(2, LADDER_SERVER, SYN | ACK, 77, 0, 0),
		segment(3, LADDER_CLIENT, PSH | ACK, 0, 78, 10),
		segment(4, LADDER_SERVER, ACK, 78, 10, 0),
		segment(5, LADDER_CLIENT, PSH | ACK, 0, 78, 10),
		segment(6, LADDER_CLIENT, ACK, 9, 78, 0),
	};
	struct ladder_story story;

	(void)state;
	order(&story, items, 6);
	assert_int_equal(items[0].segment.seq, 0);
	assert_int_equal(items[1].segment.ack, 1);
	assert_int_equal(items[2].segment.seq, 1);
	assert_int_equal(items[2].segment.ack, 1);
	assert_int_equal(items[3].segment.ack, 11);
	assert_true(items[4].segment.again);
	assert_true(items[5].segment.probe);
}

static void a_long_run_is_summed_up(void **state)
{
	struct ladder_item items[40];
	struct ladder_story story;
	struct ladder_run run;
	size_t drawn = 0;

	(void)state;
	for (uint32_t i = 0; i < 39; i++)
		items[i] = segment(2000 * i, LADDER_CLIENT, ACK, 1 + 10 * i, 1, 10);
	items[39] = segment(100000, LADDER_CLIENT, FIN | ACK, 391, 1, 0);
	order(&story, items, 40);
	for (int i = 0; i < 40; i++)
		drawn += items[i].row == ROW_OWN;
	assert_int_equal(drawn, 8);
	assert_int_equal(ladder_run(&story, 4, &run), 36);
	assert_int_equal(run.segments, 32);
	assert_int_equal(run.segment_bytes, 320);
}

/* --- whatever comes -------------------------------------------------------- */

static uint64_t random_state;

static uint32_t any(uint32_t limit)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % limit;
}

static void any_bytes(char *buf, size_t size)
{
	for (size_t i = 0; i + 1 < size; i++)
		buf[i] = (char)any(any(2) ? 256 : 32);
	buf[size - 1] = '\0';
}

static struct tuple any_tuple(void)
{
	struct tuple t = {.family = (uint8_t)(any(2) ? 4 : any(8))};

	t.local.port = (uint16_t)(any(2) ? 7 : 40000 + any(any(10) ? 2 : 20));
	t.peer.port = (uint16_t)(t.local.port == 7 ? 40000 + any(2) : any(10) ? 7 : any(3));
	for (int i = 0; i < 16; i++)
		t.local.addr[i] = (uint8_t)any(256);
	return t;
}

static void any_event(const struct sink_ops *ops, struct sink *sink, uint64_t ns)
{
	struct obs obs = {.kind = (enum obs_kind)any(OBS_KIND_MAX + 2), .mono_ns = ns};
	struct event event = {.obs = &obs, .tuple = any_tuple()};
	struct record record = {.kind = REC_EVENT, .mono_ns = ns, .event = &event};

	obs.old_state = (uint8_t)any(15);
	obs.new_state = (uint8_t)any(15);
	obs.rst_flag_known = any(2);
	obs.rst_flag = any(2);
	obs.rst_reason = any(2) ? "NOT_SPECIFIED" : NULL;
	obs.has_task = any(2);
	obs.task.exiting = any(2);
	obs.task.exit_code = (int32_t)any(1 << 16);
	obs.mini.substate = (uint8_t)any(8);
	obs.mini.timeout_ns = any(2) * UINT64_C(60000000000);
	assert_int_equal(ops->take(sink, &record), 0);
}

static void any_call(const struct sink_ops *ops, struct sink *sink, uint64_t ns)
{
	static const char *const calls[] = {"read",     "write",      "close", "connect",
					    "shutdown", "setsockopt", "accept"};
	struct app app = {.mono_ns = ns,
			  .took_ns = any(3) ? any(1000) : any(1000000000),
			  .tuple = any_tuple()};
	struct record record = {.kind = REC_APP, .mono_ns = ns, .app = &app};

	strcpy(app.role, any(2) ? "server" : "client");
	if (any(5))
		strcpy(app.call, calls[any(7)]);
	else
		any_bytes(app.call, sizeof(app.call));
	any_bytes(app.args, sizeof(app.args));
	app.result = (int64_t)any(20) - 5;
	app.error = app.result < 0 ? (int32_t)any(140) : 0;
	assert_int_equal(ops->take(sink, &record), 0);
}

static void any_segment(const struct sink_ops *ops, struct sink *sink, uint64_t ns)
{
	struct tuple t = any_tuple();
	struct segment s = {.mono_ns = ns, .family = t.family, .from = t.local, .to = t.peer};
	struct record record = {.kind = REC_SEGMENT, .mono_ns = ns, .segment = &s};

	s.tcp_flags = (uint8_t)(any(2) ? ACK : any(256));
	s.seq = any(2) ? any(100) : any(UINT32_MAX);
	s.ack = any(2) ? any(100) : any(UINT32_MAX);
	s.len = any(2) ? any(100) : any(UINT32_MAX);
	s.window = any(2) * any(UINT32_MAX);
	assert_int_equal(ops->take(sink, &record), 0);
}

static void any_verdict(const struct sink_ops *ops, struct sink *sink, uint64_t ns)
{
	struct verdict v = {
		.mono_ns = ns, .tuple = any_tuple(), .cause = (enum cause)any(CAUSE_MAX)};
	struct record record = {.kind = REC_CLOSE, .mono_ns = ns, .close = &v};

	v.how = (enum how)any(HOW_MAX);
	v.n_path = (uint8_t)any(PATH_MAX_STEPS + 1);
	for (int i = 0; i < PATH_MAX_STEPS; i++)
		v.path[i].state = (uint8_t)any(14);
	v.evidence = ((uint64_t)any(UINT32_MAX) << 32 | any(UINT32_MAX)) &
		     (~(evidence_set)0 >> (128 - EV_MAX));
	v.blind = ~v.evidence & (~(evidence_set)0 >> (128 - EV_MAX));
	v.owner.source = v.closer.source = OWNER_CLOSE;
	v.closer.pid = any(2);
	any_bytes(v.owner.comm, sizeof(v.owner.comm));
	any_bytes(v.closer.comm, sizeof(v.closer.comm));
	v.error = (int32_t)any(140);
	v.unread_bytes = v.unsent_bytes = v.unacked_bytes = any(2) * any(UINT32_MAX);
	v.sent_bytes = v.received_bytes = UINT64_MAX - any(2);
	v.rst_sent = 1;
	v.rst_reason = "NOT_SPECIFIED";
	v.minisocket = (uint8_t)any(7);
	assert_int_equal(ops->take(sink, &record), 0);
}

static void any_minisocket(const struct sink_ops *ops, struct sink *sink, uint64_t ns)
{
	struct minisocket m = {
		.mono_ns = ns, .tuple = any_tuple(), .end = (enum mini_end)any(MINI_END_MAX)};
	struct record record = {.kind = REC_MINISOCKET, .mono_ns = ns, .minisocket = &m};

	assert_int_equal(ops->take(sink, &record), 0);
}

static void any_story(const struct sink_ops *ops, struct sink *sink)
{
	struct story story = {
		.begin = true, .server_port = 7, .closer = any(2) ? "server" : "client"};
	struct record record = {.kind = REC_STORY, .story = &story};
	char words[200];
	uint64_t ns = any(2) ? any(UINT32_MAX) : UINT64_MAX - any(1000000);
	uint32_t n = any(4) ? any(60) : any(9000);

	any_bytes(words, sizeof(words));
	story.ending = story.title = story.differs = any(2) ? words : NULL;
	story.brief = !any(3);
	story.expect[any(2)] = (enum cause)any(CAUSE_MAX);
	assert_int_equal(ops->take(sink, &record), 0);
	for (uint32_t i = 0; i < n; i++) {
		ns += any(10) ? any(20000) : any(UINT32_MAX);
		switch (any(20)) {
		case 0:
			any_verdict(ops, sink, ns);
			break;
		case 1:
			any_minisocket(ops, sink, ns);
			break;
		case 2 ... 6:
			any_event(ops, sink, ns);
			break;
		case 7 ... 11:
			any_call(ops, sink, ns - any(100000));
			break;
		default:
			any_segment(ops, sink, ns);
		}
	}
	story.begin = !any(10); /* interrupted */
	assert_int_equal(ops->take(sink, &record), 0);
}

/* Counts over-long lines and what has no place on a terminal. */
static unsigned faults(const char *text, bool utf8)
{
	unsigned columns = 0, bad = 0;

	while (*text) {
		uint32_t c = 0;
		size_t n = utf8_decode(text, strnlen(text, 4), &c);

		columns = c == '\n' ? 0 : columns + 1;
		bad += !n || columns > PAGE_COLUMNS || (c < 0x20 && c != '\n') ||
		       (c >= 0x7f && (!utf8 || c < 0xa0));
		text += n ? n : 1;
	}
	return bad;
}

static void whatever_comes_every_line_fits_and_is_clean(void **state)
{
	struct summary summary = {0};
	struct record end = {.kind = REC_SUMMARY, .summary = &summary};

	(void)state;
	for (unsigned seed = 0; seed < 40; seed++) {
		CLEANUP(free) char *text = NULL;
		struct sink_config config = {.utf8 = seed % 2};
		struct sink *sink = NULL;
		size_t size = 0;

		random_state = seed;
		config.out = open_memstream(&text, &size);
		assert_int_equal(sink_ladder.open(&config, &sink), 0);
		for (uint32_t n = any(30); n > 0; n--)
			any_story(&sink_ladder, sink);
		assert_int_equal(sink_ladder.take(sink, &end), 0);
		sink_ladder.close(sink);
		fclose(config.out);
		assert_int_equal(faults(text, config.utf8), 0);
	}
}

static void records_outside_of_a_story_are_passed_over(void **state)
{
	CLEANUP(free) char *text = NULL;
	struct sink_config config = {.utf8 = true};
	struct sink *sink = NULL;
	size_t size = 0;

	(void)state;
	config.out = open_memstream(&text, &size);
	assert_int_equal(sink_ladder.open(&config, &sink), 0);
	any_event(&sink_ladder, sink, 1);
	any_call(&sink_ladder, sink, 1);
	any_segment(&sink_ladder, sink, 1);
	any_verdict(&sink_ladder, sink, 1);
	sink_ladder.close(sink);
	fclose(config.out);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_have_four_digits),
		cmocka_unit_test(labels_lose_the_least_telling_first),
		cmocka_unit_test(cause_segment_and_effect_share_a_row),
		cmocka_unit_test(what_is_far_away_or_no_cause_stands_alone),
		cmocka_unit_test(fin_wait2_goes_with_the_ack_of_the_fin),
		cmocka_unit_test(sequence_numbers_begin_at_zero_and_wrap),
		cmocka_unit_test(a_long_run_is_summed_up),
		cmocka_unit_test(whatever_comes_every_line_fits_and_is_clean),
		cmocka_unit_test(records_outside_of_a_story_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
