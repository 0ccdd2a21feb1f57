/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The picture: time, what the server's side did, the wire, what the client's
 * side did. A vertical line is a socket; it ends where the socket ends, and is
 * dotted while a mini-socket keeps the tuple.
 */
#include "sink/ladder.h"

#include <string.h>

#include "base/span.h"
#include "base/units.h"

/* Columns. The wire is as wide as the longest label that is worth it. */
#define TIME_X     0
#define TIME_W     9
#define LEFT_X     10
#define LEFT_W     30
#define LINE_LEFT  41
#define WIRE_X     42
#define WIRE_W     25
#define LINE_RIGHT 67
#define RIGHT_X    69
#define RIGHT_W    31
_Static_assert(RIGHT_X + RIGHT_W == PAGE_COLUMNS, "the picture is as wide as the page");

/* So many lines are printed at once: a long picture takes no more memory than a short one. */
#define PRINT_LINES 1024
/* Items on one row, per side; no step has as many. */
#define ROW_ITEMS   8

enum life { LIFE_NONE, LIFE_SOCKET, LIFE_MINI };

struct pen {
	struct ladder *ladder;
	struct ladder_story *story;
	struct page *page;
	size_t y;
	uint64_t begin_ns, last_ns;
	char time[UNITS_STRLEN]; /* the last one shown: the same again says nothing */
	int link;                /* what the rows are about now; -1 = not said yet */
	bool unawaited;          /* the row before says that a mini-socket was not waited for */
	enum life lives[LADDER_LINKS][LADDER_SIDES];
	struct {
		uint64_t born_ns, lasts_ns;
		uint8_t state;
	} minis[LADDER_LINKS][LADDER_SIDES];
};

static const unsigned line_x[LADDER_SIDES] = {LINE_LEFT, LINE_RIGHT};

static void put_text(struct pen *pen, enum ladder_side side, enum ink ink, const char *text)
{
	if (side == LADDER_SERVER)
		page_put_right(pen->page, pen->y, LEFT_X, LEFT_W, ink, text);
	else
		page_put(pen->page, pen->y, RIGHT_X, RIGHT_W, ink, text);
}

static void put_centered(struct pen *pen, enum ink ink, const char *text)
{
	unsigned width = page_width(text);
	unsigned x = width < WIRE_W ? WIRE_X + (WIRE_W - width) / 2 : WIRE_X;

	page_put(pen->page, pen->y, x, WIRE_W, ink, text);
}

static void put_time(struct pen *pen, uint64_t at_ns)
{
	char time[UNITS_STRLEN];

	if (!strcmp(ladder_time(span_ns(pen->begin_ns, at_ns), time), pen->time))
		return;
	page_put_right(pen->page, pen->y, TIME_X, TIME_W, INK_DIM, time);
	memcpy(pen->time, time, sizeof(time));
}

static void put_life(struct pen *pen, enum ladder_side side)
{
	enum life life = pen->link < 0 ? LIFE_NONE : pen->lives[pen->link][side];

	if (life != LIFE_NONE)
		page_put(pen->page, pen->y, line_x[side], 1,
			 life == LIFE_MINI ? INK_WARN : INK_PLAIN,
			 page_glyph(pen->page, life == LIFE_MINI ? GLYPH_V_MINI : GLYPH_V));
}

static void put_lives(struct pen *pen)
{
	put_life(pen, LADDER_SERVER);
	put_life(pen, LADDER_CLIENT);
}

static void state_lives(struct pen *pen, const struct ladder_item *item)
{
	enum life *life = &pen->lives[pen->link][item->side];

	if (item->state.mini && item->state.to) {
		*life = LIFE_MINI;
		pen->minis[pen->link][item->side].born_ns = item->at_ns;
		pen->minis[pen->link][item->side].lasts_ns = item->state.mini_ns;
		pen->minis[pen->link][item->side].state = item->state.to;
		return;
	}
	*life = LIFE_SOCKET;
	if (item->state.to && item->state.to != ST_CLOSE)
		return;
	*life = LIFE_NONE;
	page_put(pen->page, pen->y, line_x[item->side], 1, INK_PLAIN,
		 page_glyph(pen->page, GLYPH_END));
}

static void put_item(struct pen *pen, const struct ladder_item *item)
{
	char words[LADDER_WORDS];

	put_text(pen, item->side, ladder_ink(item),
		 ladder_words(pen->page, item, item->side == LADDER_SERVER ? LEFT_W : RIGHT_W,
			      words));
	if (item->kind == ITEM_STATE)
		state_lives(pen, item);
}

static void put_arrow(struct pen *pen, const struct ladder_item *segment)
{
	bool right = segment->side == LADDER_SERVER;
	enum ink ink = ladder_ink(segment);
	char label[LADDER_WORDS], padded[LADDER_WORDS + 2];

	page_fill(pen->page, pen->y, WIRE_X, WIRE_W, ink, GLYPH_H);
	page_put(pen->page, pen->y, right ? WIRE_X + WIRE_W - 1 : WIRE_X, 1, ink,
		 page_glyph(pen->page, right ? GLYPH_HEAD_RIGHT : GLYPH_HEAD_LEFT));
	snprintf(padded, sizeof(padded), " %s ", ladder_label(segment, WIRE_W - 4, label));
	put_centered(pen, ink, padded);
}

/* --- rows ----------------------------------------------------------------- */

static void draw_gap(struct pen *pen, uint64_t ns)
{
	const char *dot = page_glyph(pen->page, GLYPH_PASS);
	char time[UNITS_STRLEN], words[LADDER_WORDS];

	snprintf(words, sizeof(words), "%s %s %s  %s  %s %s %s", dot, dot, dot,
		 units_duration(ns, time), dot, dot, dot);
	put_lives(pen);
	put_centered(pen, INK_DIM, words);
	pen->y++;
}

/* Which of several connections the next rows are about. */
static void draw_divider(struct pen *pen, int link)
{
	char words[LADDER_WORDS];

	pen->link = link;
	if (pen->story->n_links < 2)
		return;
	snprintf(words, sizeof(words), " connection %d of %d, client port %u ", link + 1,
		 pen->story->n_links, pen->story->links[link].end[LADDER_CLIENT].port);
	page_fill(pen->page, pen->y, 0, PAGE_COLUMNS, INK_DIM, GLYPH_H);
	page_put(pen->page, pen->y, 2, PAGE_COLUMNS - 2, INK_PLAIN, words);
	pen->y++;
}

/* A row at this time; before it, what makes it readable: another connection, a pause. */
static void row_begin(struct pen *pen, uint64_t at_ns, int link)
{
	if (at_ns >= pen->last_ns + LADDER_GAP_NS)
		draw_gap(pen, at_ns - pen->last_ns);
	if (link >= 0 && link != pen->link)
		draw_divider(pen, link);
	put_time(pen, at_ns);
	put_lives(pen);
	pen->last_ns = at_ns > pen->last_ns ? at_ns : pen->last_ns;
}

static void row_end(struct pen *pen)
{
	pen->y++;
}

struct row_items {
	const struct ladder_item *item[ROW_ITEMS];
	size_t n;
};

/* What shares a segment's row: the sender's part stands above, the receiver's below. */
static void split_items(const struct pen *pen, const struct ladder_item *segment,
			struct row_items *before, struct row_items *after)
{
	before->n = after->n = 0;
	for (int32_t c = segment->child; c >= 0; c = pen->story->items[c].sibling) {
		const struct ladder_item *item = &pen->story->items[c];
		struct row_items *part = item->side == segment->side ? before : after;

		/* The arrow itself says that an RST went and came. */
		if (item->kind != ITEM_RST && part->n < ROW_ITEMS)
			part->item[part->n++] = item;
	}
}

static void draw_segment(struct pen *pen, const struct ladder_item *segment)
{
	struct row_items before, after;
	size_t i;

	split_items(pen, segment, &before, &after);
	row_begin(pen,
		  before.n && before.item[0]->at_ns < segment->at_ns ? before.item[0]->at_ns
								     : segment->at_ns,
		  segment->link);
	for (i = 0; i + 1 < before.n; i++) {
		put_item(pen, before.item[i]);
		row_end(pen);
		put_lives(pen);
	}
	put_arrow(pen, segment);
	if (before.n)
		put_item(pen, before.item[i]);
	if (after.n)
		put_item(pen, after.item[0]);
	row_end(pen);
	for (i = 1; i < after.n; i++) {
		put_lives(pen);
		put_item(pen, after.item[i]);
		row_end(pen);
	}
	pen->last_ns = segment->at_ns > pen->last_ns ? segment->at_ns : pen->last_ns;
}

static void draw_run_calls(struct pen *pen, const struct ladder_run *run, bool write)
{
	for (int side = 0; side < LADDER_SIDES; side++) {
		char words[LADDER_WORDS], bytes[UNITS_STRLEN];

		if (!run->calls[side][write])
			continue;
		snprintf(words, sizeof(words), "%zu %s %s(): %s", run->calls[side][write],
			 page_glyph(pen->page, GLYPH_TIMES), write ? "write" : "read",
			 units_bytes(run->call_bytes[side][write], bytes));
		put_text(pen, (enum ladder_side)side, INK_CALL, words);
	}
}

/* Returns where to go on. */
static size_t draw_run(struct pen *pen, size_t i)
{
	const struct ladder_item *first = &pen->story->items[i];
	struct ladder_run run;
	size_t next = ladder_run(pen->story, i, &run);
	char words[LADDER_WORDS], bytes[UNITS_STRLEN];
	bool reads = run.calls[0][0] || run.calls[1][0],
	     writes = run.calls[0][1] || run.calls[1][1];

	row_begin(pen, first->at_ns, first->link);
	draw_run_calls(pen, &run, writes);
	if (run.segments) {
		snprintf(words, sizeof(words), "... %zu segments ...", run.segments);
		put_centered(pen, INK_DIM, words);
	}
	row_end(pen);
	if (run.segments || (reads && writes)) {
		put_lives(pen);
		if (run.segments)
			put_centered(pen, INK_DIM, units_bytes(run.segment_bytes, bytes));
		if (writes)
			draw_run_calls(pen, &run, false);
		row_end(pen);
	}
	for (size_t j = i; j < next; j++)
		if (pen->story->items[j].row == ROW_RUN &&
		    pen->story->items[j].at_ns > pen->last_ns)
			pen->last_ns = pen->story->items[j].at_ns;
	return next;
}

static int draw_items(struct pen *pen)
{
	size_t i = 0;

	while (i < pen->story->n) {
		const struct ladder_item *item = &pen->story->items[i];

		if (item->row == ROW_RUN) {
			i = draw_run(pen, i);
			continue;
		}
		if (item->row == ROW_OWN && item->kind == ITEM_SEGMENT) {
			draw_segment(pen, item);
		} else if (item->row == ROW_OWN) {
			row_begin(pen, item->at_ns, item->link);
			put_item(pen, item);
			row_end(pen);
		}
		i++;
		if (pen->y >= PRINT_LINES) {
			int err = page_print(pen->page, pen->ladder->config.out);

			if (err)
				return err;
			pen->y = 0;
		}
	}
	return 0;
}

/* A mini-socket whose end no event showed: it was told apart, or nobody waited for it. */
static void draw_mini_end(struct pen *pen, int link, enum ladder_side side)
{
	uint64_t lasts = pen->minis[link][side].lasts_ns;
	uint64_t end = pen->minis[link][side].born_ns + lasts;
	const char *state = state_name(pen->minis[link][side].state);
	const struct minisocket *ended = ladder_ended(pen->story, link, side, pen->minis[link][side].born_ns);
	bool beside = false;
	char words[LADDER_WORDS];

	if (pen->lives[link][side] != LIFE_MINI)
		return;
	if (ended) {
		row_begin(pen, ended->mono_ns, link);
		snprintf(words, sizeof(words), "%s ends: %s", state, mini_end_slug(ended->end));
	} else if (lasts) {
		/* Both ends have one that is due at the same time: one row. */
		beside = pen->unawaited && end < pen->last_ns + LADDER_GAP_NS;
		if (!beside)
			row_begin(pen, end, link);
		snprintf(words, sizeof(words), "%s is due to end", state);
	} else {
		put_lives(pen);
		snprintf(words, sizeof(words), "%s goes on", state);
	}
	pen->y -= beside;
	pen->unawaited = !ended;
	if (pen->unawaited)
		put_centered(pen, INK_DIM, "(not waited for)");
	put_text(pen, side, INK_WARN, words);
	pen->lives[link][side] = LIFE_NONE;
	row_end(pen);
}

/* --- above and below the rows --------------------------------------------- */

static void draw_title(struct pen *pen)
{
	const struct ladder_story *story = pen->story;
	char words[LADDER_WORDS], ending[64];
	unsigned used;

	snprintf(words, sizeof(words), " %s ",
		 page_stranger(story->ending, ending, sizeof(ending)));
	page_fill(pen->page, pen->y, 0, PAGE_COLUMNS, INK_DIM, GLYPH_HEAVY);
	used = page_put(pen->page, pen->y, 2, 60, INK_BOLD, words);
	snprintf(words, sizeof(words), " closer: %s%s ", ladder_side_name(story->closer),
		 story->finished ? "" : ", interrupted");
	page_put(pen->page, pen->y, 2 + used + 2, 34, INK_PLAIN, words);
	pen->y++;
	if (story->title[0])
		pen->y += page_wrap(pen->page, pen->y, 0, PAGE_COLUMNS, 0, INK_PLAIN, story->title);
	pen->y++;
}

/* Who it was, from the verdict: the picture's rows do not repeat it. */
static void owner_words(const struct ladder_story *story, enum ladder_side side, char *buf,
			size_t size)
{
	char comm[72];

	buf[0] = '\0';
	for (int i = 0; i < story->n_verdicts; i++) {
		const struct owner *owner = &story->verdicts[i].verdict.owner;

		if (story->verdicts[i].side != side || owner->source == OWNER_UNKNOWN)
			continue;
		snprintf(buf, size, "%s, pid %u", page_stranger(owner->comm, comm, sizeof(comm)),
			 owner->pid);
		return;
	}
}

static void draw_heads(struct pen *pen)
{
	const struct ladder_story *story = pen->story;
	const struct ladder_link *link = &story->links[story->main_link];

	for (int i = 0; i < LADDER_SIDES; i++) {
		enum ladder_side side = (enum ladder_side)i;
		char name[LADDER_WORDS], address[ENDPOINT_STRLEN + 16] = "", owner[LADDER_WORDS];
		size_t y = pen->y;

		snprintf(name, sizeof(name), "%s%s", ladder_side_name(side),
			 side == story->closer ? " (closes)" : "");
		if (link->end[side].port)
			endpoint_format(link->family, &link->end[side], address);
		owner_words(story, side, owner, sizeof(owner));
		put_text(pen, side, INK_BOLD, name);
		pen->y++;
		put_text(pen, side, INK_PLAIN, address);
		pen->y++;
		if (story->n_links && !link->socket[side])
			put_text(pen, side, INK_DIM, "no socket at this end");
		else
			put_text(pen, side, INK_DIM, owner);
		pen->y = y;
	}
	pen->y += 3;
}

static void draw_note(struct pen *pen, const char *words)
{
	page_put(pen->page, pen->y, 0, 1, INK_WARN, "!");
	pen->y += page_wrap(pen->page, pen->y, 2, PAGE_COLUMNS - 2, 0, INK_WARN, words);
}

static void draw_notes(struct pen *pen)
{
	const struct ladder_story *story = pen->story;
	char words[LADDER_WORDS];
	size_t y = pen->y++;

	if (!story->n_segments && !ladder_is_mute(story))
		draw_note(pen, "No packets were captured: the arrows are missing, what the kernel "
			       "and the programs "
			       "saw is all there is.");
	if (!story->n_calls)
		draw_note(pen, "The programs did not report: their calls are missing.");
	if (!story->n_events)
		draw_note(pen, "No observation from the kernel reached this story: the states are "
			       "missing.");
	if (story->n_dropped) {
		snprintf(words, sizeof(words),
			 "%zu more records of data going by had no room here: they are not in the "
			 "sums.",
			 story->n_dropped);
		draw_note(pen, words);
	}
	if (story->lost[0]) {
		snprintf(words, sizeof(words),
			 "Records were lost meanwhile (%s): something may be missing.",
			 story->lost);
		draw_note(pen, words);
	}
	if (pen->y == y + 1)
		pen->y = y; /* nothing to say */
}

static uint64_t first_time(const struct ladder_story *story)
{
	for (size_t i = 0; i < story->n; i++)
		if (story->items[i].row != ROW_NONE)
			return story->items[i].at_ns;
	return 0;
}

int ladder_draw(struct ladder *ladder)
{
	struct ladder_story *story = &ladder->story;
	struct pen pen = {.ladder = ladder,
			  .story = story,
			  .page = &ladder->page,
			  .link = story->n_links > 1 ? -1 : 0};
	int err;

	pen.begin_ns = pen.last_ns = first_time(story);
	for (int link = 0; link < story->n_links; link++)
		for (int side = 0; side < LADDER_SIDES; side++)
			if (story->links[link].socket[side])
				pen.lives[link][side] = LIFE_SOCKET;
	draw_title(&pen);
	draw_heads(&pen);
	err = draw_items(&pen);
	if (err)
		return err;
	for (int link = 0; link < story->n_links; link++)
		for (int side = 0; side < LADDER_SIDES; side++)
			draw_mini_end(&pen, link, (enum ladder_side)side);
	draw_notes(&pen);
	page_put(pen.page, pen.y, 0, 1, INK_PLAIN, " ");
	return page_print(pen.page, ladder->config.out);
}
