/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* ladder: takes in the records of one story after the other, has each drawn when it is complete. */
#include "sink/ladder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* What only carries data may fill three quarters: an end after much of it must still find room. */
#define LADDER_DULL (LADDER_ITEMS / 4 * 3)

const char *ladder_side_name(enum ladder_side side)
{
	return side == LADDER_SERVER ? "server" : "client";
}

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

/* Which connection of the story: the client's port tells. -1 when it is none of ours. */
static int link_find(struct ladder_story *story, uint8_t family, const struct endpoint *server,
		     const struct endpoint *client)
{
	struct ladder_link *link;
	int i;

	for (i = 0; i < story->n_links; i++)
		if (story->links[i].end[LADDER_CLIENT].port == client->port)
			break;
	if (i == LADDER_LINKS)
		return LADDER_LINKS - 1;
	link = &story->links[i];
	if (i == story->n_links) {
		story->n_links++;
		link->family = family;
		link->end[LADDER_CLIENT] = *client;
	}
	if (!link->end[LADDER_SERVER].port)
		link->end[LADDER_SERVER] = *server;
	return i;
}

/* Whose side a tuple is seen from. False when it belongs to no connection of the story. */
static bool tuple_place(struct ladder_story *story, const struct tuple *t, enum ladder_side *side,
			int *link)
{
	if (!t->family || !t->local.port || !t->peer.port)
		return false;
	if (t->local.port == story->port)
		*side = LADDER_SERVER;
	else if (t->peer.port == story->port)
		*side = LADDER_CLIENT;
	else
		return false;
	*link = *side == LADDER_SERVER ? link_find(story, t->family, &t->local, &t->peer)
				       : link_find(story, t->family, &t->peer, &t->local);
	return true;
}

/* A copy of *item at the end of the story, if there is room. 0 or -ENOMEM. */
static int story_add(struct ladder_story *story, struct ladder_item *item)
{
	bool dull = !story->ending_seen && ladder_is_dull(item);

	if (story->n == LADDER_ITEMS || (dull && story->n_dull == LADDER_DULL)) {
		story->n_dropped++;
		return 0;
	}
	if (story->n == story->cap) {
		size_t cap = story->cap ? 2 * story->cap : 128;
		struct ladder_item *items = realloc(story->items, cap * sizeof(*items));

		if (!items)
			return -ENOMEM;
		story->items = items;
		story->cap = cap;
	}
	story->n_dull += dull;
	item->arrival = (uint32_t)story->n;
	item->row = ROW_OWN;
	item->child = item->sibling = -1;
	story->items[story->n++] = *item;
	return 0;
}

/* An observation in the ladder's terms. False when the picture has no use for it. */
static bool event_fill(struct ladder_item *item, const struct obs *obs)
{
	switch (obs->kind) {
	case OBS_STATE:
		item->kind = ITEM_STATE;
		item->state.from = obs->old_state;
		item->state.to = obs->new_state;
		return true;
	case OBS_REQUEST_GONE:
		item->kind = ITEM_STATE;
		item->state.from = ST_SYN_RECV;
		item->state.to = ST_CLOSE;
		return true;
	case OBS_RST_ACTIVE:
	case OBS_RST_REPLY:
	case OBS_RST_RECEIVED:
		item->kind = ITEM_RST;
		item->rst.what = (uint8_t)obs->kind;
		item->rst.flag_known = obs->rst_flag_known;
		item->rst.flag = obs->rst_flag;
		item->rst.reason = obs->rst_reason;
		return true;
	case OBS_MINI_BORN:
	case OBS_MINI_ARMED:
	case OBS_MINI_PEEK:
	case OBS_MINI_EXPIRED:
	case OBS_MINI_KILLED:
		item->kind = ITEM_MINI;
		item->mini.what = (uint8_t)obs->kind;
		item->mini.substate = obs->mini.substate;
		item->mini.timeout_ns = obs->mini.timeout_ns;
		return true;
	case OBS_RELEASE:
		item->kind = ITEM_RELEASE;
		item->release.pid = obs->task.pid;
		item->release.exiting = obs->has_task && obs->task.exiting;
		item->release.exit_code = obs->task.exit_code;
		return true;
	default:
		return false;
	}
}

static int take_event(struct ladder_story *story, const struct event *event)
{
	const struct tuple *t = event->tuple.family ? &event->tuple : &event->obs->tuple;
	struct ladder_item item = {.at_ns = event->obs->mono_ns, .conn = event->conn};
	enum ladder_side side = LADDER_CLIENT;
	int link = LINK_BY_CONN;

	/* At the very beginning a socket has not both its ports yet. */
	if (!tuple_place(story, t, &side, &link) &&
	    (!event->conn || (t->local.port && t->peer.port)))
		return 0;
	if (!event_fill(&item, event->obs))
		return 0;
	story->n_events++;
	if (link >= 0)
		story->links[link].socket[side] = true;
	item.side = (uint8_t)side;
	item.link = (int8_t)link;
	return story_add(story, &item);
}

/* It returns when something has happened, whoever made it happen. */
static bool call_waits(const char *call)
{
	static const char *const list[] = {"accept",     "accept4",   "poll", "select",
					   "epoll_wait", "nanosleep", NULL};

	return ladder_one_of(call, list) || ladder_is_read(call);
}

/* What every program does before it connects, and waiting that went well, are not the story. */
static bool call_is_prelude(const struct app *app)
{
	static const char *const list[] = {"socket", "bind", "listen", "fcntl", "poll", NULL};

	if (app->result < 0)
		return false;
	return ladder_one_of(app->call, list) ||
	       (!strcmp(app->call, "setsockopt") && strstr(app->args, "SO_REUSE"));
}

/*
 * A call that makes something happen stands where it began, before what it made
 * happen; one that waits or fails stands where it returned, after the reason. A
 * long one that makes something happen stands at both places.
 */
static int take_call(struct ladder_story *story, const struct app *app)
{
	struct ladder_item item = {.at_ns = app->mono_ns, .kind = ITEM_CALL, .link = LINK_ANY};
	enum ladder_side side = !strcmp(app->role, "server") ? LADDER_SERVER : LADDER_CLIENT;
	bool waits = call_waits(app->call);
	uint64_t began = app->mono_ns - (app->took_ns < app->mono_ns ? app->took_ns : 0);
	bool blocked = app->took_ns >= LADDER_BLOCKED_NS;
	enum ladder_side seen;
	int link = -1, err;

	story->n_calls++;
	if (call_is_prelude(app))
		return 0;
	if (tuple_place(story, &app->tuple, &seen, &link))
		item.link = (int8_t)link;
	item.side = (uint8_t)side;
	item.call.error = app->error;
	item.call.result = app->result;
	item.call.took_ns = waits || !blocked ? 0 : app->took_ns;
	copy(item.call.name, sizeof(item.call.name), app->call);
	copy(item.call.args, sizeof(item.call.args), app->args);
	if (!waits && blocked) {
		struct ladder_item start = item;

		start.at_ns = began;
		start.call.begins = true;
		err = story_add(story, &start);
		if (err)
			return err;
	} else if (!waits && app->result >= 0) {
		item.at_ns = began;
	}
	return story_add(story, &item);
}

static int take_segment(struct ladder_story *story, const struct segment *segment)
{
	struct ladder_item item = {.at_ns = segment->mono_ns, .kind = ITEM_SEGMENT};
	struct tuple t = {segment->family, segment->from, segment->to};
	enum ladder_side side;
	int link;

	if (!tuple_place(story, &t, &side, &link))
		return 0;
	story->n_segments++;
	item.side = (uint8_t)side;
	item.link = (int8_t)link;
	item.segment.flags = segment->tcp_flags;
	item.segment.seq = segment->seq;
	item.segment.ack = segment->ack;
	item.segment.len = segment->len;
	item.segment.window = segment->window;
	story->ending_seen |= ladder_is_closing(&item);
	return story_add(story, &item);
}

/* As tuple_place(), also for a client that never got a port to connect from. */
static bool verdict_place(struct ladder_story *story, const struct tuple *t, enum ladder_side *side,
			  int *link)
{
	if (!t->family || t->local.port || !t->peer.port || t->peer.port != story->port)
		return tuple_place(story, t, side, link);
	*side = LADDER_CLIENT;
	*link = link_find(story, t->family, &t->peer, &t->local);
	return true;
}

static void take_verdict(struct ladder_story *story, const struct verdict *verdict)
{
	struct ladder_verdict *v = &story->verdicts[story->n_verdicts];

	if (story->n_verdicts == LADDER_VERDICTS ||
	    !verdict_place(story, &verdict->tuple, &v->side, &v->link))
		return;
	v->verdict = *verdict;
	story->links[v->link].socket[v->side] = true;
	story->n_verdicts++;
}

static void take_minisocket(struct ladder_story *story, const struct minisocket *mini)
{
	enum ladder_side side;
	int link;

	if (tuple_place(story, &mini->tuple, &side, &link))
		story->ended[link][side] = *mini;
}

/* Room is kept for the next story. */
static void story_forget(struct ladder_story *story)
{
	struct ladder_item *items = story->items;
	size_t cap = story->cap;

	*story = (struct ladder_story){.items = items, .cap = cap};
}

static void story_describe(struct ladder_story *story, const struct story *from)
{
	copy(story->ending, sizeof(story->ending), from->ending);
	copy(story->title, sizeof(story->title), from->title);
	copy(story->differs, sizeof(story->differs), from->differs);
	story->closer =
		from->closer && !strcmp(from->closer, "client") ? LADDER_CLIENT : LADDER_SERVER;
	story->port = from->server_port;
	story->expect[LADDER_SERVER] = from->expect[0];
	story->expect[LADDER_CLIENT] = from->expect[1];
	story->as_expected = from->as_expected;
	story->brief = from->brief;
}

/* The facts are kept for the comparison that closes the run; brief lines are one already. */
static int story_show(struct ladder *ladder)
{
	struct ladder_story *story = &ladder->story;
	CLEANUP(free) struct ladder_fact *fact = calloc(1, sizeof(*fact));
	int err;

	if (!fact)
		return -ENOMEM;
	ladder_order(story);
	ladder_fact(ladder, fact);
	if (story->brief) {
		ladder_brief(ladder, fact);
		return page_print(&ladder->page, ladder->config.out);
	}
	ladder->n_brief = 0;
	if (ladder->n_facts < LADDER_COMPARED)
		ladder->facts[ladder->n_facts++] = *fact;
	else
		ladder->n_uncompared++;
	err = ladder_draw(ladder);
	return err ? err : ladder_verdicts(ladder);
}

static int story_end(struct ladder *ladder)
{
	int err = 0;

	if (ladder->story.open)
		err = story_show(ladder);
	story_forget(&ladder->story);
	return err;
}

static int take_story(struct ladder *ladder, const struct story *story)
{
	int err = 0;

	if (story->begin) {
		err = story_end(ladder); /* the one before was interrupted */
		story_describe(&ladder->story, story);
		ladder->story.open = true;
	} else if (ladder->story.open) {
		story_describe(&ladder->story, story);
		ladder->story.finished = true;
		err = story_end(ladder);
	}
	return err;
}

static int take_summary(struct ladder *ladder)
{
	int err = story_end(ladder);

	if (err)
		return err;
	if (ladder->n_facts > 1)
		ladder_compare(ladder);
	if (ladder->n_left)
		err = page_print(&ladder->page, ladder->config.out);
	if (err)
		return err;
	if (ladder->n_left)
		ladder_left(ladder);
	return page_print(&ladder->page, ladder->config.out);
}

static int ladder_take(struct sink *sink, const struct record *record)
{
	struct ladder *ladder = (struct ladder *)sink;
	struct ladder_story *story = &ladder->story;

	if (record->kind == REC_STORY)
		return take_story(ladder, record->story);
	if (record->kind == REC_SUMMARY)
		return take_summary(ladder);
	if (record->kind == REC_LEFT)
		ladder_left_take(ladder, record->left);
	if (!story->open)
		return 0;
	switch (record->kind) {
	case REC_EVENT:
		return take_event(story, record->event);
	case REC_APP:
		return take_call(story, record->app);
	case REC_SEGMENT:
		return take_segment(story, record->segment);
	case REC_CLOSE:
		take_verdict(story, record->close);
		return 0;
	case REC_MINISOCKET:
		take_minisocket(story, record->minisocket);
		return 0;
	case REC_LOSS:
		copy(story->lost, sizeof(story->lost), record->loss->where);
		return 0;
	default:
		return 0;
	}
}

static void ladder_close(struct sink *sink)
{
	struct ladder *ladder = (struct ladder *)sink;

	if (!ladder)
		return;
	free(ladder->story.items);
	free(ladder->facts);
	page_free(&ladder->page);
	free(ladder);
}

static int ladder_open(const struct sink_config *config, struct sink **ret)
{
	struct ladder *ladder = calloc(1, sizeof(*ladder));

	if (!ladder)
		return -ENOMEM;
	ladder->sink.ops = &sink_ladder;
	ladder->config = *config;
	ladder->page.utf8 = config->utf8;
	ladder->page.colour = config->colour;
	ladder->facts = calloc(LADDER_COMPARED, sizeof(*ladder->facts));
	if (!ladder->facts) {
		ladder_close(&ladder->sink);
		return -ENOMEM;
	}
	*ret = &ladder->sink;
	return 0;
}

const struct sink_ops sink_ladder = {
	.open = ladder_open,
	.take = ladder_take,
	.close = ladder_close,
};
