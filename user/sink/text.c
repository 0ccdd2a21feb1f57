/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * text: one line per ended connection, 79 columns wide:
 *
 *   CAUSE              AGE PROCESS         LOCAL -> PEER (arrow: who closed first)
 *   linger-zero    12.3 ms server:4711     127.0.0.1:9000 -> 127.0.0.1:40000
 *
 * What is too long takes room from the process's name; what is still too long
 * (two IPv6 addresses) goes on a line of its own, indented, and so do the words
 * on bytes that were lost. Nothing is cut but the name, so that what is read here can be searched for elsewhere.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/stamp.h"
#include "base/text.h"
#include "base/units.h"
#include "sink/ledger.h"
#include "sink/out.h"
#include "sink/sink.h"
#include "sink/wide.h"
#include "sink/words.h"

#define COLUMNS 79
#define COL_AGE_END 22 /* age ends before it; a longer cause pushes it */
#define COL_ENDS 39    /* where the addresses begin, when all is short */
#define PROCESS_LEAST 9
#define INDENT 4

/* SGR */
#define RED "31"
#define DIM "2"
#define BOLD "1"

struct text {
	struct sink sink;
	struct sink_config config;
	struct stamp stamp;
	struct buf out;	/* what this record will print */
	struct buf words; /* of one sentence of it */
	size_t column;	/* where on its line the next character will stand */
	size_t limit;	/* columns that a line may have */
	int64_t wall_step_ns; /* of this record */
	bool headed;
};

/* What comes after the process. */
struct tail {
	char local[ENDPOINT_STRLEN], peer[ENDPOINT_STRLEN];
	const char *arrow;
	size_t ends; /* columns of both */
};

static int text_open(const struct sink_config *config, struct sink **ret)
{
	struct text *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->sink.ops = &sink_text;
	t->config = *config;
	t->limit = config->wide ? SIZE_MAX : COLUMNS;
	*ret = &t->sink;
	return 0;
}

static void text_close(struct sink *sink)
{
	struct text *t = (struct text *)sink;

	if (!t)
		return;
	buf_free(&t->out);
	buf_free(&t->words);
	free(t);
}

/* Our own words: ASCII, a column a byte. */
static void put(struct text *t, const char *words)
{
	size_t n = strlen(words);

	buf_add(&t->out, words, n);
	t->column += n;
}

/* In colour, of which no column is counted; sgr NULL = plain. */
static void put_coloured(struct text *t, const char *sgr, const char *words)
{
	bool coloured = sgr && t->config.colour;

	if (coloured)
		buf_printf(&t->out, "\033[%sm", sgr);
	put(t, words);
	if (coloured)
		buf_puts(&t->out, "\033[0m");
}

/* Blanks up to a column, one at least. */
static void pad_to(struct text *t, size_t column)
{
	size_t n = t->column < column ? column - t->column : 1;

	buf_fill(&t->out, ' ', n);
	t->column += n;
}

static void new_line(struct text *t, size_t indent)
{
	buf_byte(&t->out, '\n');
	buf_fill(&t->out, ' ', indent);
	t->column = indent;
}

/* Time and conn stand before the 79 columns: who asks for them has the room. */
static void put_prefix(struct text *t, uint64_t mono_ns, uint64_t conn)
{
	if (t->config.timestamp) {
		put(t, stamp_clock(&t->stamp, mono_ns + t->config.wall_minus_mono_ns + (uint64_t)t->wall_step_ns));
		put(t, " ");
	}
	if (t->config.events) {
		char number[24] = "-      ";

		if (conn)
			snprintf(number, sizeof(number), "#%-5" PRIu64 " ", conn);
		put(t, number);
	}
	t->column = 0;
}

static void put_header(struct text *t)
{
	if (t->headed)
		return;
	t->headed = true;
	buf_puts(&t->out, t->config.timestamp ? "TIME         " : "");
	buf_puts(&t->out, t->config.events ? "CONN   " : "");
	t->column = 0;
	put(t, "CAUSE");
	pad_to(t, COL_AGE_END - 3);
	put(t, "AGE PROCESS");
	pad_to(t, COL_ENDS);
	put(t, "LOCAL -> PEER  (arrow: who closed first)\n");
}

static const char *colour_of(enum how how)
{
	switch (how) {
	case HOW_FIN:
		return DIM;
	case HOW_RST:
	case HOW_TIMEOUT:
		return RED;
	default:
		return NULL;
	}
}

/* The slug; with how it looked on the wire where that does not follow from it. */
static void put_cause(struct text *t, const struct verdict *v)
{
	const struct cause_row *row = cause_row(v->cause);
	char words[64];

	if (v->cause == CAUSE_UNKNOWN || v->how != row->how)
		snprintf(words, sizeof(words), "%s/%s", row->slug, how_slug(v->how));
	else
		snprintf(words, sizeof(words), "%s", row->slug);
	put_coloured(t, colour_of(v->how), words);
}

/* ">" when it was born before we looked; "?" when it ended in the same instant. */
static void put_age(struct text *t, const struct verdict *v)
{
	char age[1 + UNITS_STRLEN] = ">";

	if (!v->complete && !v->age_ns)
		strcpy(age, "?");
	else
		units_duration(v->age_ns, v->complete ? age : age + 1);
	pad_to(t, COL_AGE_END - strlen(age));
	put(t, age);
	put(t, " ");
}

static void put_process(struct text *t, const struct owner *owner, size_t columns)
{
	if (owner->source == OWNER_UNKNOWN)
		put(t, "?");
	else
		t->column += process_put(&t->out, owner->comm, owner->pid, columns, t->config.utf8);
}

/* "127.0.0.1:80"; an unknown port is a question mark, never 0. */
static void format_end(uint8_t family, const struct endpoint *end, char *buf)
{
	if (!family)
		strcpy(buf, "?");
	else if (!end->port)
		buf[strlen(endpoint_format(family, end, buf)) - 1] = '?';
	else
		endpoint_format(family, end, buf);
}

static struct tail tail_of(const struct tuple *tuple, enum closer closer)
{
	static const char *const arrows[CLOSER_MAX] = {
		[CLOSER_NONE] = "--",
		[CLOSER_LOCAL] = "->",
		[CLOSER_PEER] = "<-",
		[CLOSER_BOTH] = "<>",
	};
	struct tail tail = { .arrow = arrows[closer] };

	format_end(tuple->family, &tuple->local, tail.local);
	format_end(tuple->family, &tuple->peer, tail.peer);
	tail.ends = strlen(tail.local) + 4 + strlen(tail.peer);
	return tail;
}

/* Columns for the process, so that the addresses fit behind it. */
static size_t process_room(const struct text *t, const struct tail *tail)
{
	size_t left = t->column + PROCESS_LEAST < COL_ENDS ? COL_ENDS - 1 - t->column : 0;
	size_t full = left ? left : PROCESS_LEAST;

	if (t->config.wide)
		return TEXT_ANY;
	if (t->column + PROCESS_LEAST + 1 + tail->ends > t->limit)
		return t->limit - t->column;
	if (t->column + full + 1 + tail->ends <= t->limit)
		return full;
	return t->limit - tail->ends - 1 - t->column;
}

static void put_ends(struct text *t, const struct tail *tail)
{
	put(t, tail->local);
	/* Two long IPv6 addresses: not even a line of their own holds both. */
	if (t->column + tail->ends - strlen(tail->local) > t->limit)
		new_line(t, INDENT);
	else
		put(t, " ");
	put(t, tail->arrow);
	put(t, " ");
	put(t, tail->peer);
}

static void put_tail(struct text *t, const struct tail *tail, size_t column)
{
	if (column + tail->ends <= t->limit)
		pad_to(t, column);
	else
		new_line(t, INDENT);
	put_ends(t, tail);
}

/* Words below the line that they belong to, as many lines as they need. */
static void put_below(struct text *t, const char *sgr, const char *words)
{
	char line[COLUMNS + 1];

	while (*words) {
		size_t room = COLUMNS - INDENT, n = strlen(words);

		if (n > room)
			for (n = room; n && words[n] != ' ';)
				n--;
		snprintf(line, sizeof(line), "%.*s", (int)n, words);
		new_line(t, INDENT);
		put_coloured(t, sgr, line);
		words += n + strspn(words + n, " ");
	}
}

/* What is in t->words; nothing where that is no more than a label. */
static void put_sentence(struct text *t, const char *sgr, size_t label)
{
	const char *words = buf_string(&t->words);

	if (!words)
		buf_fail(&t->out, t->words.err);
	else if (t->words.len > label)
		put_below(t, sgr, words);
}

/* What became of the bytes. */
static void put_ledger(struct text *t, const struct verdict *v)
{
	size_t label = strlen("lost ");

	buf_reset(&t->words);
	buf_puts(&t->words, "lost ");
	ledger_lost(&t->words, v);
	put_sentence(t, BOLD, label);
	buf_reset(&t->words);
	ledger_linger(&t->words, v);
	put_sentence(t, NULL, 0);
}

static void put_close(struct text *t, const struct verdict *v)
{
	struct tail tail = tail_of(&v->tuple, v->first_closer);
	size_t room, start;

	put_header(t);
	put_prefix(t, v->mono_ns, v->conn);
	put_cause(t, v);
	put_age(t, v);
	start = t->column;
	room = process_room(t, &tail);
	put_process(t, &v->owner, room);
	put_tail(t, &tail, room == TEXT_ANY ? COL_ENDS : start + room + 1);
	if (!t->config.wide)
		put_ledger(t, v);
	buf_byte(&t->out, '\n');
	if (t->config.wide)
		wide_put(&t->out, v, t->config.utf8);
}

/* The addresses at the end of an event's line, which may be as long as it is. */
static void put_event_ends(struct text *t, const struct tuple *tuple)
{
	struct tail tail = tail_of(tuple, CLOSER_NONE);

	if (tuple->family) {
		pad_to(t, COL_ENDS);
		put(t, tail.local);
		put(t, " -- ");
		put(t, tail.peer);
	}
	buf_byte(&t->out, '\n');
}

static void put_duration(struct text *t, const char *before, uint64_t ns, const char *after)
{
	char duration[UNITS_STRLEN];

	put(t, before);
	put(t, units_duration(ns, duration));
	put(t, after);
}

static void put_facts(struct text *t, const struct obs *o)
{
	if (o->kind == OBS_STATE) {
		put(t, " ");
		put(t, state_name(o->old_state));
		put(t, " -> ");
		put(t, state_name(o->new_state));
	} else if (o->kind >= OBS_MINI_BORN && o->kind <= OBS_MINI_PEEK) {
		put(t, o->mini.substate ? " " : "");
		put(t, o->mini.substate ? state_name(o->mini.substate) : "");
		if (o->mini.caller) {
			put(t, " by ");
			put(t, mini_caller_slug(o->mini.caller));
		}
		if (o->mini.timeout_ns)
			put_duration(t, " for ", o->mini.timeout_ns, "");
	} else if (o->kind == OBS_REQUEST_GONE) {
		put(t, o->request.caller ? " by " : "");
		put(t, o->request.caller ? request_caller_slug(o->request.caller) : "");
	} else if (o->rst_reason) {
		put(t, " ");
		put(t, o->rst_reason);
	} else if (o->rst_flag_known && !o->rst_flag) {
		put(t, " (no RST flag)");
	}
}

static void put_event(struct text *t, uint64_t mono_ns, const struct event *event)
{
	const struct obs *o = event->obs;

	put_header(t);
	put_prefix(t, mono_ns, event->conn);
	put(t, "  ");
	put(t, obs_kind_slug(o->kind));
	put_facts(t, o);
	if (o->has_task && o->task.meant) {
		put(t, " by ");
		t->column += process_put(&t->out, o->task.comm, o->task.pid, TEXT_ANY, t->config.utf8);
	}
	put_event_ends(t, &event->tuple);
}

static void put_minisocket(struct text *t, const struct minisocket *mini)
{
	put_header(t);
	put_prefix(t, mini->mono_ns, mini->conn);
	put(t, "  minisocket");
	if (mini->fin_wait2_ns)
		put_duration(t, mini->fin_wait2_at_most ? " FIN_WAIT2 up to " : " FIN_WAIT2 ", mini->fin_wait2_ns, "");
	if (mini->time_wait_ns)
		put_duration(t, " TIME_WAIT ", mini->time_wait_ns, "");
	put(t, mini->complete ? ", " : " at least, ");
	put(t, mini_end_slug(mini->end));
	put_event_ends(t, &mini->tuple);
}

/* A remark: it is nobody's close. A closed port alone is worth one only to who asks for everything. */
static void put_reset(struct text *t, const struct reset *reset)
{
	char local[ENDPOINT_STRLEN], peer[ENDPOINT_STRLEN], after[UNITS_STRLEN];
	struct buf *b = &t->out;

	if (!reset->of && !t->config.events)
		return;
	buf_printf(b, "# RST %s -> %s %s%s%s",
		   endpoint_format(reset->tuple.family, &reset->tuple.local, local),
		   endpoint_format(reset->tuple.family, &reset->tuple.peer, peer),
		   reset->by == RESET_NO_SOCKET ? "for no socket" :
		   reset->by == RESET_MINISOCKET ? "by a mini-socket" :
		   reset->by == RESET_REQUEST ? "by a request" : "by the listener",
		   reset->reason ? ", " : "", reset->reason ? reset->reason : "");
	if (reset->of) {
		buf_printf(b, ":\n#   late, %s after ", units_duration(reset->after_ns, after));
		if (reset->owner.source != OWNER_UNKNOWN)
			process_put(b, reset->owner.comm, reset->owner.pid, TEXT_ANY, t->config.utf8);
		else
			buf_puts(b, "this side");
		buf_printf(b, " was done with it (%s)", cause_row(reset->cause)->slug);
	}
	buf_byte(b, '\n');
}

static void put_story(struct text *t, const struct story *story)
{
	if (story->begin)
		buf_printf(&t->out, "# %s: %s\n", story->ending, story->title);
	else if (story->as_expected)
		buf_printf(&t->out, "# %s: as expected\n", story->ending);
	else
		buf_printf(&t->out, "# %s: NOT as expected: server %s, client %s\n", story->ending,
			   cause_row(story->expect[0])->slug, cause_row(story->expect[1])->slug);
}

static int text_take(struct sink *sink, const struct record *record)
{
	struct text *t = (struct text *)sink;

	buf_reset(&t->out);
	t->wall_step_ns = record->wall_step_ns;
	switch (record->kind) {
	case REC_CLOSE:
		put_close(t, record->close);
		break;
	case REC_MINISOCKET:
		if (t->config.events)
			put_minisocket(t, record->minisocket);
		break;
	case REC_EVENT:
		if (t->config.events)
			put_event(t, record->mono_ns, record->event);
		break;
	case REC_RESET:
		put_reset(t, record->reset);
		break;
	case REC_LOSS:
		buf_printf(&t->out, "# lost so far: %" PRIu64 " at %s\n", record->loss->count,
			   record->loss->where);
		break;
	case REC_STORY:
		put_story(t, record->story);
		break;
	default:
		break;
	}
	return t->out.len ? out_write(t->config.out, &t->out) : t->out.err;
}

const struct sink_ops sink_text = {
	.open = text_open,
	.take = text_take,
	.close = text_close,
};
