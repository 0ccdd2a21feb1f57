/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What happened when, and what of it is one step. Observations, calls and
 * packets come from different clocks and places: sorted by time, then a cause,
 * the segment it sends and the effect at the other end are put on one row if
 * nothing but that step fits between them.
 */
#include "sink/ladder.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

bool ladder_one_of(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(word, *list))
			return true;
	return false;
}

bool ladder_is_write(const char *call)
{
	static const char *const list[] = {"write",   "writev",   "send", "sendto",
					   "sendmsg", "sendfile", NULL};

	return ladder_one_of(call, list);
}

bool ladder_is_read(const char *call)
{
	static const char *const list[] = {"read", "readv", "recv", "recvfrom", "recvmsg", NULL};

	return ladder_one_of(call, list);
}

bool ladder_is_closing(const struct ladder_item *item)
{
	return item->kind == ITEM_SEGMENT && item->segment.flags & (TH_FIN | TH_RST);
}

bool ladder_is_disconnect(const struct ladder_item *item)
{
	return item->kind == ITEM_CALL && !strcmp(item->call.name, "connect") &&
	       strstr(item->call.args, "AF_UNSPEC");
}

bool ladder_is_dull(const struct ladder_item *item)
{
	if (item->kind == ITEM_SEGMENT)
		return !(item->segment.flags & (TH_SYN | TH_FIN | TH_RST)) &&
		       !item->segment.first_zero;
	return item->kind == ITEM_CALL && !item->call.begins && !item->call.took_ns &&
	       item->call.result > 0 &&
	       (ladder_is_read(item->call.name) || ladder_is_write(item->call.name));
}

static int by_time(const void *left, const void *right)
{
	const struct ladder_item *a = left, *b = right;

	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return a->arrival < b->arrival ? -1 : a->arrival > b->arrival;
}

static bool near(const struct ladder_item *a, const struct ladder_item *b)
{
	uint64_t apart = a->at_ns < b->at_ns ? b->at_ns - a->at_ns : a->at_ns - b->at_ns;

	return apart <= LADDER_STEP_NS;
}

static bool same_socket(const struct ladder_item *a, const struct ladder_item *b)
{
	return a->side == b->side &&
	       (a->link == b->link || a->link == LINK_ANY || b->link == LINK_ANY);
}

/* --- what is said twice ------------------------------------------------- */

/* The nearest item of one socket and kind within a step, from i on in one direction; NULL = none. */
static struct ladder_item *neighbour(struct ladder_story *story, size_t i, int direction,
				     enum ladder_kind kind)
{
	const struct ladder_item *item = &story->items[i];

	for (i += (size_t)direction; i < story->n && near(item, &story->items[i]);
	     i += (size_t)direction)
		if (story->items[i].kind == kind && same_socket(item, &story->items[i]) &&
		    story->items[i].row != ROW_NONE)
			return &story->items[i];
	return NULL;
}

/* What is known of the mini-socket of one end while we go through time. */
struct mini_life {
	uint64_t conn;	  /* whose it is: the tuple may live again */
	uint8_t substate; /* 0 = none now */
	bool ended;
};

/* How long it will last: what was seen, else what every kernel does; 0 = not known. */
static uint64_t mini_length(uint8_t substate, uint64_t timeout_ns)
{
	return timeout_ns ? timeout_ns : substate == ST_TIME_WAIT ? LADDER_TIME_WAIT_NS : 0;
}

static void mini_to_state(struct ladder_item *item, uint8_t from, uint8_t to, uint64_t timeout_ns)
{
	item->kind = ITEM_STATE;
	item->state.from = from;
	item->state.to = to;
	item->state.mini = true;
	item->state.mini_ns = mini_length(to, timeout_ns);
}

/* The mini-socket takes over: for the full socket that is CLOSE, for the connection it is not. */
static void mini_born(struct ladder_story *story, size_t i, struct mini_life *life)
{
	struct ladder_item *item = &story->items[i];
	uint8_t substate = item->mini.substate;
	struct ladder_item *closed = NULL;

	if (!substate || life->substate == substate) {
		item->row = ROW_NONE;
		return;
	}
	if (!life->substate) {
		closed = neighbour(story, i, 1, ITEM_STATE);
		if (!closed || closed->state.to != ST_CLOSE)
			closed = neighbour(story, i, -1, ITEM_STATE);
	}
	if (closed && closed->state.to == ST_CLOSE) {
		closed->state.to = substate;
		closed->state.mini = true;
		closed->state.mini_ns = mini_length(substate, item->mini.timeout_ns);
		item->row = ROW_NONE;
	} else {
		mini_to_state(item, life->substate, substate, item->mini.timeout_ns);
	}
	life->substate = substate;
	life->ended = false;
}

static void mini_gone(struct ladder_item *item, struct mini_life *life)
{
	if (life->ended || !life->substate) {
		item->row = ROW_NONE;
		return;
	}
	mini_to_state(item, life->substate, 0, 0);
	life->substate = 0;
	life->ended = true;
}

static void settle_minis(struct ladder_story *story)
{
	struct mini_life lives[LADDER_LINKS][LADDER_SIDES] = {0};

	for (size_t i = 0; i < story->n; i++) {
		struct ladder_item *item = &story->items[i];
		struct mini_life *life;

		if (item->kind != ITEM_MINI || item->row == ROW_NONE)
			continue;
		life = &lives[item->link][item->side];
		if (item->conn && item->conn != life->conn)
			*life = (struct mini_life){.conn = item->conn};
		if (item->mini.what == OBS_MINI_EXPIRED || item->mini.what == OBS_MINI_KILLED ||
		    (item->mini.what == OBS_MINI_PEEK && !item->mini.substate))
			mini_gone(item, life);
		else
			mini_born(story, i, life);
	}
}

/* The program has told of its close(): then the kernel's word for it adds nothing. */
static bool release_is_told(const struct ladder_story *story, const struct ladder_item *release)
{
	for (size_t i = 0; i < story->n; i++) {
		const struct ladder_item *call = &story->items[i];

		if (call->kind != ITEM_CALL || !same_socket(call, release) ||
		    strcmp(call->call.name, "close"))
			continue;
		if (release->at_ns + LADDER_STEP_NS >= call->at_ns &&
		    release->at_ns <= call->at_ns + call->call.took_ns + LADDER_STEP_NS)
			return true;
	}
	return false;
}

static void settle_rest(struct ladder_story *story)
{
	for (size_t i = 0; i < story->n; i++) {
		struct ladder_item *item = &story->items[i];

		/* How close() after shutdown() looks: it is shown as the call. */
		if (item->kind == ITEM_STATE && item->state.from == item->state.to &&
		    !item->state.mini)
			item->row = ROW_NONE;
		if (item->kind == ITEM_RELEASE && release_is_told(story, item))
			item->row = ROW_NONE;
	}
}

/* --- what shares a row --------------------------------------------------- */

/* An RST says goodbye for a socket that ends with it; else it only answers, maybe for no socket. */
static bool is_goodbye(const struct ladder_story *story, const struct ladder_item *segment)
{
	if (!(segment->segment.flags & TH_RST))
		return segment->segment.flags & TH_FIN;
	for (int32_t c = segment->child; c >= 0; c = story->items[c].sibling)
		if (story->items[c].kind == ITEM_STATE)
			return true;
	return !story->n_events;
}

/* Does the sender's item lead to this segment? */
static bool sends(const struct ladder_story *story, const struct ladder_item *item,
		  const struct ladder_item *segment)
{
	uint8_t flags = segment->segment.flags;
	bool goodbye = is_goodbye(story, segment);

	switch (item->kind) {
	case ITEM_RELEASE:
		return goodbye;
	case ITEM_RST:
		return item->rst.what != OBS_RST_RECEIVED && flags & TH_RST;
	case ITEM_STATE:
		if (item->state.to == ST_SYN_SENT)
			return flags & TH_SYN;
		if (item->state.to == ST_FIN_WAIT1 || item->state.to == ST_LAST_ACK)
			return flags & TH_FIN;
		return item->state.to == ST_CLOSE && flags & TH_RST;
	case ITEM_CALL:
		if (ladder_is_write(item->call.name))
			return segment->segment.len && item->call.result > 0;
		if (ladder_is_disconnect(item))
			return goodbye;
		if (!strcmp(item->call.name, "connect"))
			return flags & TH_SYN && (item->call.begins || item->call.result >= 0);
		return goodbye &&
		       (!strcmp(item->call.name, "close") || !strcmp(item->call.name, "shutdown"));
	default:
		return false;
	}
}

static bool state_follows(const struct ladder_item *item, const struct ladder_item *segment)
{
	uint8_t from = item->state.from, to = item->state.to, flags = segment->segment.flags;

	if (flags & TH_RST)
		return to == ST_CLOSE || !to;
	if (flags & TH_SYN)
		return flags & TH_ACK ? to == ST_ESTABLISHED
				      : from == ST_SYN_SENT && to == ST_SYN_RECV;
	if (from == ST_LISTEN || from == ST_SYN_RECV)
		return flags & TH_ACK;
	if (to == ST_FIN_WAIT2 || from == ST_CLOSING || from == ST_LAST_ACK)
		return segment->segment.acks_fin;
	return flags & TH_FIN && (to == ST_CLOSE_WAIT || to == ST_CLOSING || to == ST_TIME_WAIT);
}

/* Does the receiver's item follow from this segment? */
static bool follows(const struct ladder_item *item, const struct ladder_item *segment)
{
	uint8_t flags = segment->segment.flags;

	switch (item->kind) {
	case ITEM_RST:
		return item->rst.what == OBS_RST_RECEIVED && flags & TH_RST;
	case ITEM_STATE:
		return state_follows(item, segment);
	case ITEM_CALL:
		if (item->call.begins)
			return false;
		if (item->call.result < 0)
			return flags & TH_RST;
		if (ladder_is_read(item->call.name))
			return item->call.result ? segment->segment.len > 0 : flags & TH_FIN;
		return !strncmp(item->call.name, "accept", 6) && flags & TH_ACK &&
		       !segment->segment.len;
	default:
		return false;
	}
}

/* One read and one write per segment: that they follow each other says no more than a sum. */
static bool row_has_room(const struct ladder_story *story, const struct ladder_item *item,
			 size_t segment)
{
	if (!ladder_is_dull(item))
		return true;
	for (int32_t c = story->items[segment].child; c >= 0; c = story->items[c].sibling)
		if (story->items[c].side == item->side && ladder_is_dull(&story->items[c]))
			return false;
	return true;
}

static void join_row(struct ladder_story *story, size_t i, size_t segment)
{
	int32_t *place = &story->items[segment].child;

	story->items[i].row = (int32_t)segment;
	if (story->items[i].link == LINK_ANY)
		story->items[i].link = story->items[segment].link;
	while (*place >= 0 && *place < (int32_t)i)
		place = &story->items[*place].sibling;
	story->items[i].sibling = *place;
	*place = (int32_t)i;
}

/* An effect must not stand above what its own end did before and what is drawn further down. */
static bool stands_above_earlier(const struct ladder_story *story, size_t i, size_t segment)
{
	for (size_t k = i; k-- > 0 && near(&story->items[k], &story->items[i]);)
		if (story->items[k].side == story->items[i].side &&
		    story->items[k].row > (int32_t)segment)
			return true;
	return false;
}

/*
 * Is there something between this segment and what lies beyond that one? For the
 * receiver, all that it sent itself but acknowledgements; for the sender, its own
 * segments, and before an RST the other's too: that may be what it answers.
 */
static bool parts(const struct ladder_item *between, const struct ladder_item *segment, bool sender)
{
	if (between->kind != ITEM_SEGMENT || between->link != segment->link)
		return false;
	if (sender)
		return between->side == segment->side || segment->segment.flags & TH_RST;
	return between->side != segment->side &&
	       (between->segment.len || between->segment.flags & (TH_SYN | TH_FIN | TH_RST));
}

/*
 * From a segment on, in one direction of time: takes the items of one end that
 * belong to it on its row, up to the first that does not. So within a column
 * nothing ever stands before what came earlier.
 */
static void join_side(struct ladder_story *story, size_t segment, bool sender, int direction,
		      uint64_t limit)
{
	const struct ladder_item *s = &story->items[segment];
	uint8_t side = sender ? s->side : !s->side;

	for (size_t i = segment + (size_t)direction; i < story->n; i += (size_t)direction) {
		const struct ladder_item *item = &story->items[i];
		uint64_t apart = direction < 0 ? s->at_ns - item->at_ns : item->at_ns - s->at_ns;

		if (apart > limit || parts(item, s, sender))
			return;
		if (item->kind == ITEM_SEGMENT || item->row == ROW_NONE || item->side != side ||
		    (item->link != s->link && item->link != LINK_ANY))
			continue;
		if (item->row != ROW_OWN || !row_has_room(story, item, segment) ||
		    !(sender ? sends(story, item, s) : follows(item, s)) ||
		    (!sender && stands_above_earlier(story, i, segment)))
			return;
		join_row(story, i, segment);
	}
}

/* What segments come from first: only then is known what may stand beside their arrival. */
static void join_rows(struct ladder_story *story)
{
	for (size_t i = 0; i < story->n; i++) {
		if (story->items[i].kind != ITEM_SEGMENT)
			continue;
		join_side(story, i, true, -1, LADDER_STEP_NS);
		join_side(story, i, true, 1, LADDER_JITTER_NS);
	}
	for (size_t i = 0; i < story->n; i++) {
		if (story->items[i].kind != ITEM_SEGMENT)
			continue;
		join_side(story, i, false, -1, LADDER_JITTER_NS);
		join_side(story, i, false, 1, LADDER_STEP_NS);
	}
}

void ladder_order(struct ladder_story *story)
{
	if (story->n)
		qsort(story->items, story->n, sizeof(*story->items), by_time);
	ladder_number(story);
	settle_minis(story);
	settle_rest(story);
	join_rows(story);
	ladder_shorten(story);
}
