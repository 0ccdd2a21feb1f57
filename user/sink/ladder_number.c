/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Numbers as people read them: connections by age, sequence numbers from 0. */
#include "sink/ladder.h"

#include <netinet/tcp.h>
#include <string.h>

/* --- connections ----------------------------------------------------------- */

/* The story is about the youngest connection that got a verdict; those before only led there. */
static int main_link(const struct ladder_story *story)
{
	int link = 0;

	for (int i = 0; i < story->n_verdicts; i++)
		if (story->verdicts[i].link > link)
			link = story->verdicts[i].link;
	return link;
}

static void place(struct ladder_item *item, uint8_t side, int link)
{
	item->side = side;
	item->link = (int8_t)link;
}

/* Where the rest of it is, or where its verdict is: one that never had both ports has no rest. */
static bool find_place(const struct ladder_story *story, struct ladder_item *item)
{
	for (size_t i = 0; i < story->n; i++)
		if (story->items[i].conn == item->conn && story->items[i].link >= 0) {
			place(item, story->items[i].side, story->items[i].link);
			return true;
		}
	for (int i = 0; i < story->n_verdicts; i++)
		if (story->verdicts[i].verdict.conn == item->conn) {
			place(item, (uint8_t)story->verdicts[i].side, story->verdicts[i].link);
			return true;
		}
	return false;
}

/* What a socket did before it had both ports belongs to that socket all the same. */
static void place_by_conn(struct ladder_story *story)
{
	for (size_t i = 0; i < story->n; i++) {
		struct ladder_item *item = &story->items[i];

		if (item->link != LINK_BY_CONN || find_place(story, item))
			continue;
		item->link = LINK_ANY;
		item->row = ROW_NONE;
	}
}

/* Records come in nearly any order: only now is it known which connection was first. */
static void number_links(struct ladder_story *story)
{
	int8_t number[LADDER_LINKS];
	struct ladder_link links[LADDER_LINKS];
	struct minisocket ended[LADDER_LINKS][LADDER_SIDES];
	int8_t n = 0;

	memset(number, -1, sizeof(number));
	for (size_t i = 0; i < story->n; i++)
		if (story->items[i].link >= 0 && number[story->items[i].link] < 0)
			number[story->items[i].link] = n++;
	for (int i = 0; i < story->n_links; i++)
		if (number[i] < 0)
			number[i] = n++;
	memcpy(links, story->links, sizeof(links));
	memcpy(ended, story->ended, sizeof(ended));
	for (int i = 0; i < story->n_links; i++) {
		story->links[number[i]] = links[i];
		memcpy(story->ended[number[i]], ended[i], sizeof(ended[i]));
	}
	for (size_t i = 0; i < story->n; i++)
		if (story->items[i].link >= 0)
			story->items[i].link = number[story->items[i].link];
	for (int i = 0; i < story->n_verdicts; i++)
		story->verdicts[i].link = number[story->verdicts[i].link];
	story->main_link = main_link(story);
}

/* --- sequence numbers ------------------------------------------------------ */

struct stream {
	bool known;
	uint32_t base; /* number 0 */
	uint32_t next; /* relative: first not sent yet */
	uint32_t fin;  /* relative: after the FIN; 0 = none yet */
	bool zero;     /* the last window that this end offered was closed */
};

static void number_base(struct stream *from, struct stream *to, const struct ladder_item *item)
{
	uint8_t flags = item->segment.flags;

	if (flags & TH_SYN && !(flags & TH_ACK) &&
	    (!from->known || item->segment.seq != from->base)) {
		*from = (struct stream){.known = true, .base = item->segment.seq};
		*to = (struct stream){0};
	}
	if (!from->known)
		*from = (struct stream){.known = true,
					.base = item->segment.seq - !(flags & (TH_SYN | TH_RST))};
	if (!to->known && flags & TH_ACK)
		*to = (struct stream){.known = true, .base = item->segment.ack - 1};
}

static void number_segment(struct stream *from, struct stream *to, struct ladder_item *item)
{
	uint8_t flags = item->segment.flags;
	uint32_t length = item->segment.len + !!(flags & TH_SYN) + !!(flags & TH_FIN);
	bool zero = !item->segment.window && !(flags & (TH_RST | TH_SYN));
	uint32_t seq;

	number_base(from, to, item);
	seq = item->segment.seq - from->base;
	item->segment.seq = seq;
	if (flags & TH_ACK)
		item->segment.ack -= to->base;
	item->segment.again = length && (int32_t)(seq - from->next) < 0;
	item->segment.probe = !length && from->next && seq + 1 == from->next && !(flags & TH_RST);
	item->segment.first_zero = zero && !from->zero;
	item->segment.acks_fin =
		flags & TH_ACK && to->fin && (int32_t)(item->segment.ack - to->fin) >= 0;
	from->zero = zero;
	if (flags & TH_FIN)
		from->fin = seq + length;
	if ((int32_t)(seq + length - from->next) > 0)
		from->next = seq + length;
}

static void number_segments(struct ladder_story *story)
{
	struct stream streams[LADDER_LINKS][LADDER_SIDES] = {0};

	for (size_t i = 0; i < story->n; i++) {
		struct ladder_item *item = &story->items[i];
		struct stream *s;

		if (item->kind != ITEM_SEGMENT)
			continue;
		s = streams[item->link];
		number_segment(&s[item->side], &s[!item->side], item);
	}
}

void ladder_number(struct ladder_story *story)
{
	place_by_conn(story);
	number_links(story);
	number_segments(story);
}

bool ladder_is_mute(const struct ladder_story *story)
{
	for (int i = 0; i < story->n_verdicts; i++)
		if (!(story->verdicts[i].verdict.evidence & EV(SYN_UNSENT)))
			return false;
	return story->n_verdicts && !story->n_segments;
}

const struct minisocket *ladder_ended(const struct ladder_story *story, int link, enum ladder_side side,
				      uint64_t since_ns)
{
	const struct minisocket *ended = &story->ended[link][side];

	return ended->mono_ns && ended->mono_ns >= since_ns ? ended : NULL;
}
