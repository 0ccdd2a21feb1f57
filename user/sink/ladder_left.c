/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* ladder_left: what many runs of each ending have left in the kernel, in one table. */
#include <inttypes.h>
#include <string.h>

#include "base/units.h"
#include "sink/ladder.h"

void ladder_left_take(struct ladder *ladder, const struct left *left)
{
	struct ladder_left *mine = &ladder->left[ladder->n_left];

	if (ladder->n_left == LADDER_COMPARED)
		return;
	mine->left = *left;
	snprintf(mine->ending, sizeof(mine->ending), "%s", left->ending);
	snprintf(mine->closer, sizeof(mine->closer), "%s", left->closer);
	ladder->n_left++;
}

static const struct column {
	unsigned at, width;
	const char *title;
} columns[] = {
	{ 0, 20, "ENDING" },	   { 20, 8, "CLOSER" },	    { 28, 8, "RUNS" },
	{ 36, 13, "MINI-SOCKETS" }, { 49, 16, "PORTS TAKEN" }, { 65, 12, "MEMORY" },
	{ 77, 10, "RSTS" },	   { 87, 13, "THROWN AWAY" },
};
#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

static void put_cell(struct page *page, size_t y, size_t column, const char *words)
{
	const struct column *c = &columns[column];

	if (column < 2)
		page_put(page, y, c->at, c->width - 1, INK_PLAIN, words);
	else
		page_put_right(page, y, c->at, c->width, INK_PLAIN, words);
}

/* "100 (0.3%)" */
static void port_words(const struct left *left, char *buf, size_t size)
{
	char n[UNITS_STRLEN];
	uint64_t permille = left->range_ports ? left->ephemeral_ports * 1000 / left->range_ports : 0;

	units_count(left->ephemeral_ports, n);
	if (left->ephemeral_ports && left->range_ports)
		snprintf(buf, size, "%s (%" PRIu64 ".%" PRIu64 "%%)", n, permille / 10, permille % 10);
	else
		snprintf(buf, size, "%s", n);
}

static void put_row(struct page *page, size_t y, const struct ladder_left *mine)
{
	const struct left *left = &mine->left;
	char words[80], safe[40];

	put_cell(page, y, 0, page_stranger(mine->ending, safe, sizeof(safe)));
	put_cell(page, y, 1, page_stranger(mine->closer, safe, sizeof(safe)));
	put_cell(page, y, 2, units_count(left->runs, words));
	put_cell(page, y, 3, units_count(left->time_wait + left->fin_wait2, words));
	port_words(left, words, sizeof(words));
	put_cell(page, y, 4, words);
	put_cell(page, y, 5, left->mini_bytes ? units_bytes_short(left->kernel_bytes, words) : "?");
	put_cell(page, y, 6, units_count(left->rst_sent, words));
	put_cell(page, y, 7, units_bytes_short(left->lost_bytes, words));
}

/* What one of them costs, and how many a second would be too many. */
static size_t put_notes(struct page *page, size_t y, const struct left *left)
{
	char words[400], ports[UNITS_STRLEN];
	uint64_t seconds = LADDER_TIME_WAIT_NS / UINT64_C(1000000000);

	if (left->mini_bytes) {
		snprintf(words, sizeof(words),
			 "A mini-socket is %" PRIu32 " bytes of kernel memory for a minute; no socket, no "
			 "process, no descriptor.", left->mini_bytes);
		y += page_wrap(page, y, 0, PAGE_COLUMNS, 0, INK_DIM, words);
	}
	if (left->range_ports) {
		snprintf(words, sizeof(words),
			 "Where the side that connects closes first, each keeps a port from connect() to the "
			 "same destination: %" PRIu64 " such closes a second would take all %s, unless "
			 "tcp_tw_reuse applies (tcpclose time-wait).", left->range_ports / seconds,
			 units_count(left->range_ports, ports));
		y += page_wrap(page, y, 0, PAGE_COLUMNS, 0, INK_DIM, words);
	}
	return y;
}

void ladder_left(struct ladder *ladder)
{
	struct page *page = &ladder->page;
	size_t y = 0;

	page_fill(page, y, 0, PAGE_COLUMNS, INK_DIM, GLYPH_HEAVY);
	page_put(page, y++, 2, 60, INK_BOLD, " left in the kernel when the last run had ended ");
	for (size_t i = 0; i < N_COLUMNS; i++)
		put_cell(page, y, i, columns[i].title);
	y++;
	for (size_t i = 0; i < ladder->n_left; i++)
		put_row(page, y++, &ladder->left[i]);
	y = put_notes(page, y + 1, &ladder->left[0].left);
	page_put(page, y, 0, 1, INK_PLAIN, " ");
}
