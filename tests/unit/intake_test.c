// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* What an intake is told it tells its tape; told again off that tape, it says the same, to the byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/types.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "core/evidence.h"
#include "core/states.h"
#include "run.h"
#include "sink/sink.h"
#include "source.h"
#include "wire.h"

#define MS UINT64_C(1000000)

/* Everything that came out, as JSON. */
struct said {
	char *text;
	size_t size;
	FILE *file;
	struct sink *sink;
	uint64_t verdicts, refused;
	int fails; /* emit fails from then on; 0 = never */
};

static int on_record(void *ctx, const struct record *record)
{
	struct said *said = ctx;

	said->verdicts += record->kind == REC_CLOSE;
	if (said->fails && --said->fails == 0)
		return -EPIPE;
	return said->sink->ops->take(said->sink, record);
}

static bool on_want(void *ctx, const struct verdict *v)
{
	struct said *said = ctx;
	bool wanted = v->tuple.peer.port % 3;

	said->refused += !wanted;
	return wanted;
}

static void begin(struct said *said)
{
	struct sink_config config = {.events = true,
				     .wall_minus_mono_ns = UINT64_C(1700000000000000000)};

	*said = (struct said){0};
	said->file = config.out = open_memstream(&said->text, &said->size);
	assert_non_null(said->file);
	assert_int_equal(sink_ndjson.open(&config, &said->sink), 0);
}

static void end(struct said *said)
{
	sink_ndjson.close(said->sink);
	fclose(said->file);
}

/* --- what it is told ------------------------------------------------------------------- */

static uint64_t rnd_state;

static uint64_t rnd(uint64_t below)
{
	rnd_state = rnd_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (rnd_state >> 33) % below;
}

static struct wire_tuple tuple_of(uint64_t who)
{
	return (struct wire_tuple){.local = {192, 0, 2, 1},
				   .peer = {192, 0, 2, 2},
				   .local_port = 80,
				   .peer_port = (__u16)(1000 + who),
				   .family = 4};
}

static void tell_record(struct intake *in, uint64_t now)
{
	uint64_t who = 1 + rnd(30);
	struct wire_full full = {
		.ev = {.size = sizeof(full), .version = WIRE_VERSION, .layout = WIRE_FULL}};
	struct wire_mini mini = {.tuple = tuple_of(who), .timeout_jiffies = (__u32)rnd(20000)};

	full.ev.kind = (__u8)rnd(WIRE_KIND_MAX + 1);
	full.ev.mono_ns = now - rnd(MS);
	full.ev.sk = 4096 * who;
	full.ev.old_state = (__u8)(1 + rnd(11));
	full.ev.new_state = (__u8)(1 + rnd(11));
	full.ev.flags = (__u16)rnd(WIRE_OTHERS);
	full.ev.reason = (__u32)rnd(4);
	full.ev.netns_ino = 1;
	full.task =
		(struct wire_task){.pid = (__u32)rnd(3), .flags = (__u32)rnd(8), .comm = "name"};
	full.sock = (struct wire_sock){
		.tuple = mini.tuple, .err = (__s32)rnd(3), .state = full.ev.old_state};
	if (full.ev.kind < WIRE_MINI_BORN || full.ev.kind > WIRE_MINI_KILLED) {
		intake_record(in, &full, rnd(50) ? sizeof(full) : rnd(sizeof(full)) + 1);
		return;
	}
	mini.ev = full.ev;
	mini.ev.size = sizeof(mini);
	mini.ev.layout = WIRE_MINI;
	mini.ev.new_state = rnd(2) ? ST_FIN_WAIT2 : ST_TIME_WAIT;
	intake_record(in, &mini, sizeof(mini));
}

static void tell_losses(struct intake *in, uint64_t now)
{
	static const char *const hooks[] = {"state", "destroy", "reset-sent"};
	static uint64_t counts[3];

	for (int i = 0; i < 3; i++) {
		struct losses_of of = {
			.lost = counts[i] += !rnd(3), .missed = rnd(2), .rescued = rnd(2)};

		strcpy(of.where, hooks[i]);
		intake_loss(in, &of);
	}
	intake_look(in, now);
}

static void tell_peeks(struct intake *in, uint64_t now)
{
	static const uint8_t substates[] = {0, ST_FIN_WAIT2, ST_TIME_WAIT};
	struct flow_peek asked[INTAKE_ASKS];
	size_t n = intake_ask(in, now, asked);

	for (size_t i = 0; i < n; i++)
		intake_peek(in, now, &asked[i], substates[rnd(3)]);
}

static void tell_something(struct intake *in, uint64_t now)
{
	uint64_t what = rnd(100);

	if (what < 80)
		tell_record(in, now);
	else if (what < 90)
		intake_tick(in, now);
	else if (what < 95)
		tell_peeks(in, now);
	else if (what < 97)
		tell_losses(in, now);
	else if (what < 98)
		intake_wall(in, (int64_t)rnd(2000 * MS) - (int64_t)(1000 * MS));
	else if (intake_wants_owners(in))
		intake_looked(in, now - rnd(MS));
}

static void tell_all(struct intake *in, int times)
{
	uint64_t now = 1000 * MS;

	for (int i = 0; i < times; i++) {
		now += rnd(20) ? rnd(MS) : rnd(200 * MS);
		tell_something(in, now);
	}
	intake_stop(in, now);
	for (int i = 0; i < 20; i++)
		tell_record(in, now + rnd(MS));
	intake_finish(in, now + 20 * MS);
}

/* --- and what comes of it ---------------------------------------------------------------- */

static const char *reasons[] = {"NOT_SPECIFIED", NULL, "TCP_FLAGS"};

static struct tape_head head_for(uint32_t max_flows, uint64_t count)
{
	return (struct tape_head){.attached_ns = 1000 * MS,
				  .hz = 250,
				  .covered = (1U << VANTAGE_MAX) - 1,
				  .max_flows = max_flows,
				  .count = count,
				  .reasons = reasons,
				  .n_reasons = 3};
}

/* Live: everything is said as it is told, and kept. */
static void live(const struct tape_head *head, int times, struct said *said, char **tape,
		 size_t *size)
{
	struct tape_writer *writer = NULL;
	struct intake_config config = {.head = head,
				       .events = true,
				       .count = head->count,
				       .emit = on_record,
				       .want = on_want,
				       .ctx = said};
	struct intake *in = NULL;

	assert_int_equal(tape_write_to(open_memstream(tape, size), &writer), 0);
	config.tape = writer;
	assert_int_equal(intake_new(&config, &in), 0);
	tell_all(in, times);
	assert_int_equal(intake_error(in), 0);
	assert_int_equal(tape_end(writer), 0);
	intake_free(in);
}

static int replay(const char *bytes, size_t size, struct said *said)
{
	struct tape_reader *tape = NULL;
	struct tape_head head;
	struct run_config config = {.head = &head,
				    .events = true,
				    .emit = on_record,
				    .want_then = on_want,
				    .ctx = said};
	struct source *source = NULL;
	int r = 0;

	assert_int_equal(tape_read_from(fmemopen((void *)bytes, size, "r"), &tape), 0);
	assert_int_equal(tape_head_read(tape, &head), 0);
	config.replay = tape;
	assert_int_equal(replay_open(&config, &source), 0);
	source->ops->begin(source);
	while (!r)
		r = source->ops->turn(source, 0);
	r = source->ops->finish(source);
	if (!r)
		r = intake_error(source->intake);
	source->ops->close(source);
	tape_head_free(&head);
	tape_close(tape);
	return r;
}

static void check_again(uint64_t seed, uint32_t max_flows, uint64_t count)
{
	struct tape_head head = head_for(max_flows, count);
	struct said then, now;
	char *tape = NULL;
	size_t size;

	rnd_state = seed;
	begin(&then);
	live(&head, 6000, &then, &tape, &size);
	end(&then);
	begin(&now);
	assert_int_equal(replay(tape, size, &now), 0);
	end(&now);
	assert_int_equal(now.size, then.size);
	assert_memory_equal(now.text, then.text, then.size);
	/* and that was worth the while */
	assert_true(count ? then.verdicts == count : then.verdicts > 100);
	assert_true(then.refused > 0);
	free(then.text);
	free(now.text);
	free(tape);
}

static void told_again_it_says_the_same(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++)
		check_again(seed, 1000, 0);
}

static void also_when_there_was_too_little_room(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++)
		check_again(seed, 1 + (uint32_t)seed, 0);
}

static void also_when_it_said_no_more_than_it_was_asked_for(void **state)
{
	(void)state;
	check_again(1, 1000, 7);
	check_again(2, 5, 50);
}

static void it_hands_out_nothing_after_an_error(void **state)
{
	struct tape_head head = head_for(1000, 0);
	struct said then;
	char *tape = NULL;
	size_t size;

	(void)state;
	rnd_state = 3;
	begin(&then);
	live(&head, 400, &then, &tape, &size);
	end(&then);
	free(then.text);
	begin(&then);
	then.fails = 10;
	assert_int_equal(replay(tape, size, &then), -EPIPE);
	end(&then);
	assert_int_equal(then.fails, 0);
	free(then.text);
	free(tape);
}

/* --- losses ------------------------------------------------------------------------------ */

/* How often they were said, and what last. */
struct heard {
	int times;
	uint64_t count;
};

static int on_loss(void *ctx, const struct record *record)
{
	struct heard *heard = ctx;

	if (record->kind == REC_LOSS) {
		heard->times++;
		heard->count = record->loss->count;
	}
	return 0;
}

static void lose(struct intake *in, uint64_t count, uint64_t now)
{
	struct losses_of of = {.where = "state", .lost = count};

	intake_loss(in, &of);
	intake_look(in, now);
}

static void losses_are_said_at_once_and_then_once_a_second(void **state)
{
	struct tape_head head = head_for(1000, 0);
	struct heard heard = {0};
	struct intake_config config = {.head = &head, .emit = on_loss, .ctx = &heard};
	uint64_t now = 5000 * MS;
	struct intake *in = NULL;

	(void)state;
	assert_int_equal(intake_new(&config, &in), 0);
	for (uint64_t count = 1; count <= 10; count++, now += 20 * MS)
		lose(in, count, now);
	assert_int_equal(heard.times, 1);
	assert_int_equal(heard.count, 1);
	intake_tick(in, 5999 * MS);
	assert_int_equal(heard.times, 1);
	/* nothing is lost any more, and nothing else is due */
	intake_tick(in, 6000 * MS);
	assert_int_equal(heard.times, 2);
	assert_int_equal(heard.count, 10);
	intake_tick(in, 9000 * MS);
	lose(in, 11, 9001 * MS);
	assert_int_equal(heard.times, 3);
	lose(in, 12, 9002 * MS);
	intake_finish(in, 9003 * MS);
	assert_int_equal(heard.times, 4);
	assert_int_equal(heard.count, 12);
	intake_free(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(losses_are_said_at_once_and_then_once_a_second),
		cmocka_unit_test(told_again_it_says_the_same),
		cmocka_unit_test(also_when_there_was_too_little_room),
		cmocka_unit_test(also_when_it_said_no_more_than_it_was_asked_for),
		cmocka_unit_test(it_hands_out_nothing_after_an_error),
	};

	/* made by chance, many a record is of no kind */
	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
