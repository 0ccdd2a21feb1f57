/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* replay: a tape as a source. It is believed in nothing but what its checksums and sizes prove. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "base/log.h"
#include "run.h"
#include "source.h"

/* A turn is over after so many: signals and the output want theirs. */
#define BLOCKS_A_TURN 1024

struct replay {
	struct source source;
	struct tape_reader *tape;
	uint64_t unknown; /* blocks that were passed over */
	bool ended;       /* the end was seen, and the intake is finished */
	int error;        /* of the tape: what was told before it stands */
};

static uint64_t time_of(const struct tape_block *b)
{
	return le_get(b->data, 8);
}

/* Slugs are ours: what has other bytes is no hook of any version, and goes on no terminal. */
static bool is_slug(const uint8_t *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(text[i] == '-' || text[i] == '_' || (text[i] >= 'a' && text[i] <= 'z') ||
		      (text[i] >= '0' && text[i] <= '9')))
			return false;
	return n > 0;
}

static int tell_loss(struct intake *in, const struct tape_block *b)
{
	struct losses_of of = {.lost = le_get(b->data, 8),
			       .missed = le_get(b->data + 8, 8),
			       .rescued = le_get(b->data + 16, 8)};
	size_t n = b->size - 24;

	if (n >= sizeof(of.where) || !is_slug(b->data + 24, n))
		return -EBADMSG;
	memcpy(of.where, b->data + 24, n);
	intake_loss(in, &of);
	return 0;
}

static int tell_peek(struct intake *in, const struct tape_block *b)
{
	struct flow_peek asked = {.mini_addr = le_get(b->data + 8, 8)};
	struct tuple *t = &asked.tuple;

	t->family = b->data[16];
	t->local.port = (uint16_t)le_get(b->data + 18, 2);
	t->peer.port = (uint16_t)le_get(b->data + 20, 2);
	memcpy(t->local.addr, b->data + 24, 16);
	memcpy(t->peer.addr, b->data + 40, 16);
	if (t->family != 4 && t->family != 6)
		return -EBADMSG;
	intake_peek(in, time_of(b), &asked, b->data[17]);
	return 0;
}

/* The question moves those that were asked to the end of their queue; the answers are on the tape. */
static void tell_ask(struct intake *in, uint64_t now_ns)
{
	struct flow_peek asked[INTAKE_ASKS];

	intake_ask(in, now_ns, asked);
}

static int tell_end(struct replay *replay, uint64_t now_ns)
{
	intake_finish(replay->source.intake, now_ns);
	replay->ended = true;
	return 0;
}

/* Time is told in its first eight bytes. */
static bool tells_time(uint16_t kind)
{
	return tape_kind_name(kind) && kind >= TAPE_TICK && kind != TAPE_LOSS && kind != TAPE_WALL;
}

static int tell(struct replay *replay, const struct tape_block *b)
{
	struct intake *in = replay->source.intake;

	/* so that no sum of two times is too large */
	if (tells_time(b->kind) && time_of(b) > INT64_MAX)
		return -EBADMSG;

	switch (b->kind) {
	case TAPE_RECORD:
		intake_record(in, b->data, b->size);
		break;
	case TAPE_TICK:
		intake_tick(in, time_of(b));
		break;
	case TAPE_LOSS:
		return tell_loss(in, b);
	case TAPE_LOOK:
		intake_look(in, time_of(b));
		break;
	case TAPE_ASK:
		tell_ask(in, time_of(b));
		break;
	case TAPE_PEEK:
		return tell_peek(in, b);
	case TAPE_LOOKED:
		intake_looked(in, time_of(b));
		break;
	case TAPE_STOP:
		intake_stop(in, time_of(b));
		break;
	case TAPE_WALL:
		intake_wall(in, (int64_t)le_get(b->data, 8));
		break;
	case TAPE_END:
		return tell_end(replay, time_of(b));
	default:
		if (tape_kind_name(b->kind))
			return -EBADMSG;
		replay->unknown++;
	}
	return 0;
}

/* Behind the end nothing may come; before it something must. */
static int next(struct replay *replay)
{
	struct tape_block block;
	int r = tape_next(replay->tape, &block);

	if (r < 0)
		return r;
	if (replay->ended)
		return r ? -EBADMSG : 1;
	return r ? tell(replay, &block) : -ENODATA;
}

static int replay_turn(struct source *source, uint64_t now_ns)
{
	struct replay *replay = (struct replay *)source;
	int r = 0;

	(void)now_ns;
	for (int i = 0; i < BLOCKS_A_TURN && !r && !intake_error(source->intake); i++)
		r = next(replay);
	if (r < 0)
		replay->error = r;
	return r ? 1 : intake_error(source->intake);
}

/* Stopped before its end, or the tape is not whole: what would have followed is not known. */
static int replay_finish(struct source *source)
{
	struct replay *replay = (struct replay *)source;

	if (!replay->ended) {
		intake_gap(source->intake);
		intake_finish(source->intake, intake_latest_ns(source->intake));
	}
	if (replay->unknown || intake_bad_records(source->intake))
		log_info("passed over what this version does not know: %llu block(s), %llu record(s)",
			 (unsigned long long)replay->unknown,
			 (unsigned long long)intake_bad_records(source->intake));
	return replay->error;
}

static void replay_begin(struct source *source)
{
	(void)source;
}

static void replay_close(struct source *source)
{
	struct replay *replay = (struct replay *)source;

	intake_free(source->intake);
	free(replay);
}

static const struct source_ops replay_ops = {
	.begin = replay_begin,
	.turn = replay_turn,
	.finish = replay_finish,
	.close = replay_close,
};

int replay_open(const struct run_config *config, struct source **ret)
{
	struct intake_config intake = {
		.head = config->head,
		.events = config->events,
		.strays = config->strays,
		.audit = config->audit,
		.count = config->count,
		.emit = config->emit,
		.want_then = config->want_then,
		.want = config->want,
		.want_mini = config->want_mini,
		.ctx = config->ctx,
	};
	struct replay *replay = calloc(1, sizeof(*replay));
	int r;

	if (!replay)
		return -ENOMEM;
	replay->source = (struct source){.ops = &replay_ops, .fd = -1};
	replay->tape = config->replay;
	r = intake_new(&intake, &replay->source.intake);
	if (r) {
		free(replay);
		return r;
	}
	*ret = &replay->source;
	return 0;
}
