/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What remains of a story: one line of many, or a column next to others. */
#include "sink/ladder.h"

#include <string.h>

#include "base/errname.h"
#include "base/units.h"
#include "sink/words.h"

/* Stories side by side; more make another table. */
#define COLUMNS 3
#define NAMES_W 18

/* So many closing segments tell how it went; a connection that lingers may have more. */
#define CLOSING 12

/* --- facts ---------------------------------------------------------------- */

/* Of several, as when the port was used again, the one that was expected, else the last. */
static const struct verdict *verdict_of(const struct ladder_story *story, int link,
					enum ladder_side side)
{
	const struct verdict *found = NULL;

	for (int i = 0; i < story->n_verdicts; i++)
		if (story->verdicts[i].link == link && story->verdicts[i].side == side &&
		    !(found && found->cause == story->expect[side]))
			found = &story->verdicts[i].verdict;
	return found;
}

/* From the first FIN or RST on. With arrows, as they stood in the picture, and without. */
static void fact_segments(const struct ladder_story *story, int link, const struct page *p,
			  struct ladder_fact *fact)
{
	size_t at = 0, letters = 0;
	int n = 0;

	for (size_t i = 0; i < story->n; i++) {
		const struct ladder_item *item = &story->items[i];
		char flags[TCP_FLAGS_STRLEN];

		if (item->kind != ITEM_SEGMENT || item->link != link)
			continue;
		if (!n && !ladder_is_closing(item))
			continue;
		if (n++ == CLOSING) {
			snprintf(fact->segments + at, sizeof(fact->segments) - at, " ...");
			return;
		}
		tcp_flags_format(item->segment.flags, flags);
		at += (size_t)snprintf(
			fact->segments + at, sizeof(fact->segments) - at, "%s%s%s", at ? "  " : "",
			page_glyph(p, item->side == LADDER_SERVER ? GLYPH_FROM_LEFT
								  : GLYPH_FROM_RIGHT),
			flags);
		if (letters + strlen(flags) + 2 < sizeof(fact->letters))
			letters += (size_t)snprintf(fact->letters + letters,
						    sizeof(fact->letters) - letters, "%s%s",
						    letters ? " " : "", flags);
	}
	if (!n)
		snprintf(fact->segments, sizeof(fact->segments), "%s",
			 story->n_segments || ladder_is_mute(story) ? "none" : "not captured");
}

static void fact_path(const struct verdict *v, const struct page *p, char *buf, size_t size)
{
	size_t at = 0;

	for (int i = 0; v && i < v->n_path && at < size; i++) {
		if (i)
			at += (size_t)snprintf(buf + at, size - at, " %s ",
					       page_glyph(p, GLYPH_TO));
		if (at < size)
			at += (size_t)snprintf(buf + at, size - at, "%s",
					       state_name(v->path[i].state));
	}
}

static void fact_lost(const struct verdict *v, char *buf, size_t size)
{
	char unread[UNITS_STRLEN], unsent[UNITS_STRLEN], unacked[UNITS_STRLEN];

	if (!v->unread_bytes && !v->unsent_bytes && !v->unacked_bytes) {
		snprintf(buf, size, "nothing");
		return;
	}
	snprintf(buf, size, "%s%s%s%s%s%s",
		 v->unread_bytes ? units_bytes_short(v->unread_bytes, unread) : "",
		 v->unread_bytes ? " unread  " : "",
		 v->unsent_bytes ? units_bytes_short(v->unsent_bytes, unsent) : "",
		 v->unsent_bytes ? " unsent  " : "",
		 v->unacked_bytes ? units_bytes_short(v->unacked_bytes, unacked) : "",
		 v->unacked_bytes ? " unacknowledged" : "");
}

static bool is_telling(const struct ladder_item *item)
{
	return item->call.result < 0 || (!item->call.result && ladder_is_read(item->call.name));
}

/* How it ended for the program: the end of file, or what failed; else what it called last. */
static const struct ladder_item *last_call(const struct ladder_story *story, int link,
					   enum ladder_side side)
{
	static const char *const others[] = {"accept", "connect", "shutdown", "close", "kill"};
	const struct ladder_item *last = NULL;

	for (size_t i = 0; i < story->n; i++) {
		const struct ladder_item *item = &story->items[i];
		bool use;

		if (item->kind != ITEM_CALL || item->side != side || item->call.begins ||
		    (item->link != link && item->link >= 0))
			continue;
		use = ladder_is_read(item->call.name) || ladder_is_write(item->call.name);
		for (size_t k = 0; !use && k < sizeof(others) / sizeof(others[0]); k++)
			use = !strcmp(item->call.name, others[k]);
		if (use && (!last || is_telling(item) || !is_telling(last)))
			last = item;
	}
	return last;
}

static void fact_saw(const struct ladder *ladder, int link, enum ladder_side side,
		     struct ladder_fact *fact)
{
	const struct ladder_item *last = last_call(&ladder->story, link, side);
	char words[LADDER_WORDS], name[40];

	snprintf(fact->saw[side], sizeof(fact->saw[side]), "%s",
		 last ? ladder_words(&ladder->page, last, sizeof(fact->saw[side]) - 1, words)
		      : "no report");
	fact->telling[side] = last && is_telling(last);
	if (fact->telling[side])
		snprintf(fact->saw_brief[side], sizeof(fact->saw_brief[side]), "%s: %s",
			 page_stranger(last->call.name, name, 20),
			 last->call.result ? errname(last->call.error) : "end of file");
	else
		snprintf(fact->saw_brief[side], sizeof(fact->saw_brief[side]), "%.39s",
			 fact->saw[side]);
}

/* When the goodbye was asked for: the call, or the first state that follows from it. */
static uint64_t close_time(const struct ladder_story *story, int link, enum ladder_side side)
{
	for (size_t i = 0; i < story->n; i++) {
		const struct ladder_item *item = &story->items[i];

		if (item->side != side || (item->link != link && item->link >= 0))
			continue;
		if (item->kind == ITEM_CALL &&
		    (!strcmp(item->call.name, "close") || !strcmp(item->call.name, "shutdown")))
			return item->at_ns;
		if (item->kind == ITEM_RELEASE ||
		    (item->kind == ITEM_STATE &&
		     (item->state.to == ST_FIN_WAIT1 || item->state.to == ST_CLOSE)))
			return item->at_ns;
	}
	return 0;
}

struct mini_span {
	enum ladder_side side;
	uint8_t state;
	uint64_t end_ns; /* 0 = not known */
	bool seen;       /* the end was seen, not computed */
};

/* The mini-socket that holds the tuple longest; state 0 when there is none. */
static struct mini_span mini_span(const struct ladder_story *story, int link)
{
	struct mini_span best = {0};

	for (int side = 0; side < LADDER_SIDES; side++) {
		const struct verdict *v = verdict_of(story, link, (enum ladder_side)side);
		struct mini_span span = {.side = (enum ladder_side)side,
					 .state = v ? v->minisocket : 0};
		const struct minisocket *ended;
		uint64_t born_ns = 0;

		for (size_t i = 0; i < story->n; i++) {
			const struct ladder_item *item = &story->items[i];

			if (item->kind != ITEM_STATE || !item->state.mini || item->side != side ||
			    item->link != link)
				continue;
			span.seen = !item->state.to;
			if (item->state.to) {
				span.state = item->state.to;
				born_ns = item->at_ns;
			}
			span.end_ns = span.seen             ? item->at_ns
				      : item->state.mini_ns ? item->at_ns + item->state.mini_ns
							    : 0;
		}
		ended = ladder_ended(story, link, (enum ladder_side)side, born_ns);
		if (ended) {
			span.end_ns = ended->mono_ns;
			span.seen = true;
		}
		if (span.state && (!best.state || span.end_ns > best.end_ns))
			best = span;
	}
	return best;
}

static void fact_freed(const struct ladder_story *story, int link, struct ladder_fact *fact)
{
	struct mini_span span = mini_span(story, link);
	uint64_t closed = close_time(story, link, story->closer);
	char time[UNITS_STRLEN];

	if (!span.state)
		snprintf(fact->freed, sizeof(fact->freed), "%s",
			 story->n_verdicts ? "at once: no TIME_WAIT" : "not known");
	else if (!span.end_ns || !closed || span.end_ns < closed)
		snprintf(fact->freed, sizeof(fact->freed), "held by the %s's %s, not waited for",
			 ladder_side_name(span.side), state_name(span.state));
	else if (span.seen)
		snprintf(fact->freed, sizeof(fact->freed), "after %s: the %s's %s, measured",
			 units_duration(span.end_ns - closed, time), ladder_side_name(span.side),
			 state_name(span.state));
	else
		snprintf(fact->freed, sizeof(fact->freed),
			 "held until +%s by the %s's %s (not waited for)",
			 units_duration(span.end_ns - closed, time), ladder_side_name(span.side),
			 state_name(span.state));
}

/* Where there is no verdict: should there be one? */
static const char *missing_words(const struct ladder_story *story, int link, int side)
{
	if (story->expect[side] != CAUSE_UNKNOWN || story->links[link].socket[side])
		return "no verdict";
	return "-";
}

void ladder_fact(const struct ladder *ladder, struct ladder_fact *ret)
{
	const struct ladder_story *story = &ladder->story;
	int link = story->main_link;

	snprintf(ret->ending, sizeof(ret->ending), "%s", story->ending);
	ret->closer = story->closer;
	ret->finished = story->finished;
	snprintf(ret->differs, sizeof(ret->differs), "%s", story->differs);
	ret->as_expected = story->as_expected && story->finished;
	fact_segments(story, link, &ladder->page, ret);
	fact_freed(story, link, ret);
	for (int i = 0; i < LADDER_SIDES; i++) {
		const struct verdict *v = verdict_of(story, link, (enum ladder_side)i);

		fact_saw(ladder, link, (enum ladder_side)i, ret);
		snprintf(ret->cause[i], sizeof(ret->cause[i]), "%s",
			 v ? cause_row(v->cause)->slug : missing_words(story, link, i));
		fact_path(v, &ladder->page, ret->path[i], sizeof(ret->path[i]));
		if (v)
			fact_lost(v, ret->lost[i], sizeof(ret->lost[i]));
	}
}

/* --- one line ------------------------------------------------------------- */

static const struct {
	const char *name;
	unsigned x, width;
} brief_columns[] = {
	/* clang-format off */
	{"",                 0,  2},
	{"ending",           3, 18},
	{"closer",          22,  6},
	{"server",          29, 18},
	{"client",          48, 18},
	{"segments",        67, 11},
	{"one program saw", 79, 21},
	/* clang-format on */
};

static void put_cell(struct page *p, size_t y, size_t column, enum ink ink, const char *text)
{
	char safe[200];

	page_put(p, y, brief_columns[column].x, brief_columns[column].width, ink,
		 page_stranger(text, safe, sizeof(safe)));
}

void ladder_brief(struct ladder *ladder, const struct ladder_fact *fact)
{
	/* The other program is the one that learns of the end, if there is one. */
	enum ladder_side other = fact->closer == LADDER_SERVER ? LADDER_CLIENT : LADDER_SERVER;
	bool closer_tells = !fact->telling[other] && fact->telling[fact->closer];
	const char *cells[] = {
		fact->as_expected ? "ok" : "NO",
		fact->ending,
		ladder_side_name(fact->closer),
		fact->cause[LADDER_SERVER],
		fact->cause[LADDER_CLIENT],
		fact->letters[0] ? fact->letters : fact->segments,
		fact->saw_brief[closer_tells ? fact->closer : other],
	};
	size_t n = sizeof(cells) / sizeof(cells[0]);
	char words[256];
	size_t y = 0;

	if (!ladder->n_brief++) {
		for (size_t i = 0; i < n; i++)
			put_cell(&ladder->page, y, i, INK_BOLD, brief_columns[i].name);
		y++;
	}
	put_cell(&ladder->page, y, 0, fact->as_expected ? INK_GOOD : INK_BAD, cells[0]);
	for (size_t i = 1; i < n; i++)
		put_cell(&ladder->page, y, i, INK_PLAIN, cells[i]);
	y++;
	if (fact->as_expected)
		return;
	snprintf(words, sizeof(words), "%s%s%s", fact->finished ? "NOT AS EXPECTED" : "interrupted",
		 fact->differs[0] ? ": " : "", fact->differs);
	page_wrap(&ladder->page, y, 3, PAGE_COLUMNS - 3, 2, INK_BAD, words);
}

/* --- side by side --------------------------------------------------------- */

enum fact_row {
	ROW_SEGMENTS,
	ROW_SERVER_PATH,
	ROW_CLIENT_PATH,
	ROW_FREED,
	ROW_SERVER_LOST,
	ROW_CLIENT_LOST,
	ROW_SERVER_SAW,
	ROW_CLIENT_SAW,
	ROW_SERVER_CAUSE,
	ROW_CLIENT_CAUSE,
	ROW_RESULT,
	ROW_MAX,
};

static const char *const row_names[ROW_MAX] = {
	[ROW_SEGMENTS] = "closing segments",
	[ROW_SERVER_PATH] = "server's states",
	[ROW_CLIENT_PATH] = "client's states",
	[ROW_FREED] = "tuple free again",
	[ROW_SERVER_LOST] = "server threw away",
	[ROW_CLIENT_LOST] = "client threw away",
	[ROW_SERVER_SAW] = "server saw",
	[ROW_CLIENT_SAW] = "client saw",
	[ROW_SERVER_CAUSE] = "server's verdict",
	[ROW_CLIENT_CAUSE] = "client's verdict",
	[ROW_RESULT] = "as expected",
};

static const char *fact_cell(const struct ladder_fact *f, enum fact_row row)
{
	switch (row) {
	case ROW_SEGMENTS:
		return f->segments;
	case ROW_SERVER_PATH:
	case ROW_CLIENT_PATH:
		return f->path[row - ROW_SERVER_PATH];
	case ROW_FREED:
		return f->freed;
	case ROW_SERVER_LOST:
	case ROW_CLIENT_LOST:
		return f->lost[row - ROW_SERVER_LOST];
	case ROW_SERVER_SAW:
	case ROW_CLIENT_SAW:
		return f->saw[row - ROW_SERVER_SAW];
	case ROW_SERVER_CAUSE:
	case ROW_CLIENT_CAUSE:
		return f->cause[row - ROW_SERVER_CAUSE];
	default:
		return f->as_expected ? "yes" : "NO";
	}
}

static size_t compare_row(struct ladder *ladder, size_t y, const struct ladder_fact *facts,
			  size_t n, enum fact_row row)
{
	unsigned width = (PAGE_COLUMNS - NAMES_W) / (unsigned)n;
	size_t lines = 1;

	page_put(&ladder->page, y, 0, NAMES_W - 1, INK_DIM, row_names[row]);
	for (unsigned i = 0; i < n; i++) {
		const char *cell = fact_cell(&facts[i], row);
		bool bad = row == ROW_RESULT && !facts[i].as_expected;
		size_t used = page_wrap(&ladder->page, y, NAMES_W + i * width, width - 2, 0,
					bad ? INK_BAD : INK_PLAIN, cell[0] ? cell : "-");

		lines = used > lines ? used : lines;
	}
	return y + lines;
}

static size_t compare_some(struct ladder *ladder, size_t y, const struct ladder_fact *facts,
			   size_t n)
{
	unsigned width = (PAGE_COLUMNS - NAMES_W) / (unsigned)n;
	char words[80], safe[40];

	for (unsigned i = 0; i < n; i++) {
		snprintf(words, sizeof(words), "%s (%s closes)",
			 page_stranger(facts[i].ending, safe, sizeof(safe)),
			 ladder_side_name(facts[i].closer));
		page_put(&ladder->page, y, NAMES_W + i * width, width - 1, INK_BOLD, words);
	}
	page_fill(&ladder->page, ++y, 0, PAGE_COLUMNS, INK_DIM, GLYPH_H);
	y++;
	for (int row = 0; row < ROW_MAX; row++)
		y = compare_row(ladder, y, facts, n, (enum fact_row)row);
	return y;
}

void ladder_compare(struct ladder *ladder)
{
	char words[80];
	size_t y = 0;

	page_fill(&ladder->page, y, 0, PAGE_COLUMNS, INK_DIM, GLYPH_HEAVY);
	page_put(&ladder->page, y, 2, 40, INK_BOLD, " side by side ");
	y += 2;
	for (size_t i = 0; i < ladder->n_facts; i += COLUMNS) {
		size_t n = ladder->n_facts - i < COLUMNS ? ladder->n_facts - i : COLUMNS;

		/* Not one alone in the last table: four are better as two and two. */
		if (ladder->n_facts - i == COLUMNS + 1)
			n = COLUMNS - 1;
		y = compare_some(ladder, y, ladder->facts + i, n) + 1;
		i -= COLUMNS - n;
	}
	snprintf(words, sizeof(words), "%s from the server, %s from the client",
		 page_glyph(&ladder->page, GLYPH_FROM_LEFT),
		 page_glyph(&ladder->page, GLYPH_FROM_RIGHT));
	page_put(&ladder->page, y++, 0, PAGE_COLUMNS, INK_DIM, words);
	if (ladder->n_uncompared) {
		snprintf(words, sizeof(words), "%zu more stories are not in the table.",
			 ladder->n_uncompared);
		page_put(&ladder->page, y, 0, PAGE_COLUMNS, INK_DIM, words);
	}
}
