/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Both verdicts under the picture: cause, proof, what was lost, what was out of sight. */
#include "sink/ladder.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/errname.h"
#include "base/span.h"
#include "base/units.h"
#include "sink/ledger.h"

#define HALF 49 /* where the line between both stands */

struct panel {
	const struct ladder_story *story;
	struct page *page;
	unsigned x, width;
	size_t y;
};

static void say(struct panel *panel, enum ink ink, const char *words)
{
	panel->y += page_wrap(panel->page, panel->y, panel->x, panel->width, 2, ink, words);
}

static void say_bullet(struct panel *panel, const char *words)
{
	page_put(panel->page, panel->y, panel->x, 1, INK_DIM,
		 page_glyph(panel->page, GLYPH_BULLET));
	panel->y += page_wrap(panel->page, panel->y, panel->x + 2, panel->width - 2, 0, INK_PLAIN,
			      words);
}

static void say_cause(struct panel *panel, const struct verdict *v, enum cause expect)
{
	char words[LADDER_WORDS];
	bool wrong = expect != CAUSE_UNKNOWN && v->cause != expect;
	const char *stamp = wrong ? "NOT AS EXPECTED" : "as expected";

	snprintf(words, sizeof(words), "%s (%s)", cause_row(v->cause)->slug, how_slug(v->how));
	page_put(panel->page, panel->y, panel->x, panel->width, INK_BOLD, words);
	if (expect != CAUSE_UNKNOWN)
		page_put_right(panel->page, panel->y, panel->x + panel->width - 16, 16,
			       wrong ? INK_BAD : INK_GOOD, stamp);
	panel->y++;
	if (wrong) {
		snprintf(words, sizeof(words), "should be %s", cause_row(expect)->slug);
		say(panel, INK_BAD, words);
	}
	panel->y += page_wrap(panel->page, panel->y, panel->x, panel->width, 0, INK_PLAIN,
			      verdict_title(v));
}

static void say_proof(struct panel *panel, const struct verdict *v)
{
	for (int ev = 0; ev < EV_MAX; ev++)
		if (v->evidence & EV_BIT(ev))
			say_bullet(panel, evidence_row((enum evidence)ev)->words);
}

/* Both sentences on what became of the bytes. */
static void say_ledger(struct panel *panel, const struct verdict *v)
{
	CLEANUP(buf) struct buf lost = BUF_INIT;
	CLEANUP(buf) struct buf linger = BUF_INIT;
	const char *words;

	buf_puts(&lost, "lost: ");
	ledger_lost(&lost, v);
	words = buf_string(&lost);
	if (words && lost.len > strlen("lost: "))
		say(panel, INK_BAD, words);
	else if (words)
		say(panel, INK_PLAIN, "lost: nothing");
	ledger_linger(&linger, v);
	words = buf_string(&linger);
	if (words && *words)
		say(panel, INK_PLAIN, words);
	if (lost.err || linger.err)
		panel->page->err = -ENOMEM;
}

static void say_facts(struct panel *panel, const struct verdict *v)
{
	char words[2 * LADDER_WORDS], sent[UNITS_STRLEN], received[UNITS_STRLEN];

	if (v->rst_sent && v->rst_reason) {
		snprintf(words, sizeof(words), "RST reason in the kernel: %s", v->rst_reason);
		say(panel, INK_PLAIN, words);
	}
	if (v->error) {
		snprintf(words, sizeof(words), "the program sees %s", errname(v->error));
		say(panel, INK_PLAIN, words);
	}
	snprintf(words, sizeof(words), "sent %s, received %s", units_bytes(v->sent_bytes, sent),
		 units_bytes(v->received_bytes, received));
	say(panel, INK_PLAIN, words);
	if (v->retransmits) {
		snprintf(words, sizeof(words), "%u segment%s sent again", v->retransmits, v->retransmits > 1 ? "s" : "");
		say(panel, INK_PLAIN, words);
	}
	say_ledger(panel, v);
}

/* In its socket and in the mini-socket together; 0 = never there, or not to its end. */
static uint64_t time_in(const struct verdict *v, uint8_t state)
{
	for (unsigned i = 0; i + 1 < v->n_path; i++)
		if (v->path[i].state == state)
			return span_ns(v->path[i].at_ns, v->path[i + 1].at_ns);
	return 0;
}

/* demo --follow has waited for the mini-socket's end: what is said here was measured. */
static void say_lives(struct panel *panel, const struct verdict *v, const struct minisocket *m)
{
	char words[2 * LADDER_WORDS], fin_wait2[UNITS_STRLEN], time_wait[UNITS_STRLEN];
	uint64_t ns = time_in(v, ST_FIN_WAIT2);

	if (!m->mono_ns || m->conn != v->conn || m->end == MINI_NEVER_CREATED)
		return;
	ns = ns ? ns : m->fin_wait2_ns;
	snprintf(words, sizeof(words), "measured: FIN_WAIT2 %s%s, TIME_WAIT %s; its end: %s",
		 ns && m->fin_wait2_at_most ? "up to " : "", ns ? units_duration(ns, fin_wait2) : "never",
		 m->time_wait_ns ? units_duration(m->time_wait_ns, time_wait) : "never",
		 mini_end_slug(m->end));
	say(panel, INK_PLAIN, words);
}

/* Who ended it, where that was not whoever owned it. */
static void say_closer(struct panel *panel, const struct verdict *v)
{
	char words[LADDER_WORDS], comm[72];

	if (v->closer.source == OWNER_UNKNOWN || v->closer.pid == v->owner.pid)
		return;
	snprintf(words, sizeof(words), "ended by %s, pid %u",
		 page_stranger(v->closer.comm, comm, sizeof(comm)), v->closer.pid);
	say(panel, INK_PLAIN, words);
}

static void say_doubts(struct panel *panel, const struct verdict *v)
{
	char words[LADDER_WORDS];
	uint32_t vantages = 0;

	if (!v->complete)
		say(panel, INK_WARN, "incomplete: not all of its life was seen");
	for (int ev = 0; ev < EV_MAX; ev++)
		if (v->blind & EV_BIT(ev))
			vantages |= UINT32_C(1) << evidence_row((enum evidence)ev)->vantage;
	for (int i = 0; i < VANTAGE_MAX; i++) {
		if (!(vantages & (UINT32_C(1) << i)))
			continue;
		snprintf(words, sizeof(words), "out of sight: %s", vantage_words((enum vantage)i));
		say(panel, INK_WARN, words);
	}
}

/*
 * What a verdict should have been. Only the connection that the story is about
 * is expected to end in some way; of several verdicts of one end, as when the
 * port is used again, one must fit.
 */
static enum cause expected(const struct ladder_story *story, const struct ladder_verdict *v)
{
	enum cause expect = story->expect[v->side];

	if (v->link != story->main_link || v->verdict.cause == expect)
		return v->link == story->main_link ? expect : CAUSE_UNKNOWN;
	for (int i = 0; i < story->n_verdicts; i++)
		if (story->verdicts[i].side == v->side && story->verdicts[i].link == v->link &&
		    story->verdicts[i].verdict.cause == expect)
			return CAUSE_UNKNOWN;
	return expect;
}

static void draw_panel(struct panel *panel, enum ladder_side side, int link)
{
	const struct ladder_story *story = panel->story;
	bool needed = link == story->main_link && story->expect[side] != CAUSE_UNKNOWN;
	bool any = false;

	for (int i = 0; i < story->n_verdicts; i++) {
		const struct ladder_verdict *v = &story->verdicts[i];

		if (v->side != side || v->link != link)
			continue;
		say_cause(panel, &v->verdict, expected(story, v));
		say_proof(panel, &v->verdict);
		say_facts(panel, &v->verdict);
		say_lives(panel, &v->verdict, &story->ended[link][side]);
		say_closer(panel, &v->verdict);
		say_doubts(panel, &v->verdict);
		any = true;
	}
	if (any)
		return;
	if (needed || story->links[link].socket[side])
		say(panel, INK_BAD, "no verdict");
	else
		say(panel, INK_DIM, "no socket at this end, so no verdict");
}

static size_t draw_link(struct ladder *ladder, size_t y, int link)
{
	struct page *page = &ladder->page;
	size_t end = y;

	for (int i = 0; i < LADDER_SIDES; i++) {
		struct panel panel = {&ladder->story, page, i ? HALF + 2 : 0,
				      i ? PAGE_COLUMNS - HALF - 2 : HALF - 1, y};

		draw_panel(&panel, (enum ladder_side)i, link);
		end = panel.y > end ? panel.y : end;
	}
	for (size_t row = y; row < end; row++)
		page_put(page, row, HALF, 1, INK_DIM, page_glyph(page, GLYPH_V));
	return end;
}

static size_t draw_rule(struct ladder *ladder, size_t y, int link)
{
	struct page *page = &ladder->page;
	char words[LADDER_WORDS];
	size_t many = ladder->story.n_links > 1;

	page_fill(page, y, 0, PAGE_COLUMNS, INK_DIM, GLYPH_H);
	page_put(page, y, HALF, 1, INK_DIM, page_glyph(page, GLYPH_TEE));
	for (int side = 0; side < LADDER_SIDES; side++) {
		if (many)
			snprintf(words, sizeof(words), " %s, connection %d ",
				 ladder_side_name((enum ladder_side)side), link + 1);
		else
			snprintf(words, sizeof(words), " %s ",
				 ladder_side_name((enum ladder_side)side));
		page_put(page, y, side ? HALF + 2 : 2, 40, INK_BOLD, words);
	}
	return y + 1;
}

int ladder_verdicts(struct ladder *ladder)
{
	const struct ladder_story *story = &ladder->story;
	struct page *page = &ladder->page;
	char words[2 * LADDER_WORDS];
	size_t y = 0;

	for (int link = 0; link < (story->n_links ? story->n_links : 1); link++) {
		y = draw_rule(ladder, y, link);
		y = draw_link(ladder, y, link);
	}
	if (!story->finished)
		page_put(page, y++, 0, PAGE_COLUMNS, INK_WARN,
			 "Interrupted: nothing can be expected of it.");
	else if (!story->as_expected) {
		snprintf(words, sizeof(words), "NOT AS EXPECTED%s%s", story->differs[0] ? ": " : "",
			 story->differs);
		y += page_wrap(page, y, 0, PAGE_COLUMNS, 2, INK_BAD, words);
	}
	page_put(page, y, 0, 1, INK_PLAIN, " ");
	return page_print(page, ladder->config.out);
}
