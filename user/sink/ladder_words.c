/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* One item in a few words. */
#include "sink/ladder.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "base/errname.h"
#include "base/units.h"
#include "sink/words.h"

const char *ladder_time(uint64_t ns, char *buf)
{
	uint64_t us = (ns + 500) / 1000;
	uint64_t ms = (us + 500) / 1000;
	unsigned long long whole, part;
	const char *unit = us < 1000000 ? "ms" : "s";
	int digits;

	/* Four digits of what is there, no more than the clock gives. */
	if (us < 1000000) {
		whole = us / 1000;
		part = us % 1000;
	} else {
		whole = ms / 1000;
		part = ms % 1000;
	}
	digits = whole < 10 ? 3 : whole < 100 ? 2 : whole < 1000 ? 1 : 0;
	if (!digits)
		snprintf(buf, UNITS_STRLEN, "+%llu %s", whole, unit);
	else
		snprintf(buf, UNITS_STRLEN, "+%llu.%0*llu %s", whole, digits,
			 digits == 3   ? part
			 : digits == 2 ? part / 10
				       : part / 100,
			 unit);
	return buf;
}

const char *ladder_label(const struct ladder_item *segment, unsigned width, char *buf)
{
	const struct ladder_item *s = segment;
	bool sequence = s->segment.len || s->segment.flags & (TH_SYN | TH_FIN | TH_RST);
	char flags[TCP_FLAGS_STRLEN], seq[20] = "", ack[16] = "", len[20] = "";
	const char *note = s->segment.again        ? " again"
			   : s->segment.probe      ? " probe"
			   : s->segment.first_zero ? " win 0"
						   : "";

	tcp_flags_format(s->segment.flags, flags);
	if (sequence)
		snprintf(seq, sizeof(seq), " seq %u", s->segment.seq);
	if (s->segment.flags & TH_ACK)
		snprintf(ack, sizeof(ack), " ack %u", s->segment.ack);
	if (s->segment.len)
		snprintf(len, sizeof(len), ", %u B", s->segment.len);
	/* The least telling goes first: what data acknowledges, the word "seq", its number. */
	for (int tight = s->segment.len ? 1 : 0; tight < 4; tight++) {
		if (tight == 2 && sequence)
			snprintf(seq, sizeof(seq), " %u", s->segment.seq);
		snprintf(buf, LADDER_WORDS, "%s%s%s%s%s", flags, tight < 3 ? seq : "",
			 tight < 1 || !sequence ? ack : "", len, note);
		if (strlen(buf) <= width)
			break;
	}
	return buf;
}

static void state_words(const struct page *p, const struct ladder_item *item, char *buf)
{
	const char *to = page_glyph(p, GLYPH_TO);

	if (!item->state.to) /* from the mini-socket to nothing: the only way into 0 */
		snprintf(buf, LADDER_WORDS, "%s %s tuple free", state_name(item->state.from), to);
	else if (item->state.from == item->state.to)
		snprintf(buf, LADDER_WORDS, "%s (mini-socket)", state_name(item->state.to));
	else if (!item->state.from)
		snprintf(buf, LADDER_WORDS, "%s %s", to, state_name(item->state.to));
	else
		snprintf(buf, LADDER_WORDS, "%s %s %s", state_name(item->state.from), to,
			 state_name(item->state.to));
}

static void rst_words(const struct ladder_item *item, char *buf)
{
	if (item->rst.what == OBS_RST_RECEIVED)
		snprintf(buf, LADDER_WORDS, "%s",
			 !item->rst.flag_known ? "reset processed"
			 : item->rst.flag      ? "RST received"
					       : "reset without an RST");
	else if (item->rst.reason)
		snprintf(buf, LADDER_WORDS, "RST sent: %s", item->rst.reason);
	else
		snprintf(buf, LADDER_WORDS, "RST sent");
}

static void release_words(const struct ladder_item *item, char *buf)
{
	int code = item->release.exit_code;

	if (!item->release.exiting)
		snprintf(buf, LADDER_WORDS, "closed by pid %u", item->release.pid);
	else if (code & 0x7f)
		snprintf(buf, LADDER_WORDS, "killed by signal %d", code & 0x7f);
	else
		snprintf(buf, LADDER_WORDS, "process exits (%d)", (code >> 8) & 0xff);
}

/*
 * What is worth telling of the arguments: not the descriptor, not sizes, but
 * options, how to shut down, and what was written. Harmless for a terminal.
 */
static void call_args(const struct ladder_item *item, char *buf, size_t size)
{
	const char *name = item->call.name;
	const char *args = item->call.args + strspn(item->call.args, "-0123456789");
	const char *quote;

	buf[0] = '\0';
	if (ladder_is_read(name) || !strncmp(name, "accept", 6) || !strcmp(name, "close"))
		return;
	if (!strcmp(name, "connect") && !ladder_is_disconnect(item))
		return;
	page_stranger(args + strspn(args, ", "), buf, size);
	quote = strrchr(buf, '"');
	if (buf[0] == '"' && quote > buf) /* "bytes", length */
		buf[quote + 1 - buf] = '\0';
}

static void call_result(const struct ladder_item *item, char *buf, size_t size)
{
	if (item->call.result < 0 && item->call.error)
		snprintf(buf, size, "%s", errname(item->call.error));
	else if (!item->call.result && ladder_is_read(item->call.name))
		snprintf(buf, size, "0 (end of file)");
	else
		snprintf(buf, size, "%lld", (long long)item->call.result);
}

/* What a scripted peer does is no system call: it is said as what it is. */
static bool is_peers(const char *name)
{
	return !strcmp(name, "send") || !strcmp(name, "receive") || !strcmp(name, "unroute");
}

static void call_words(const struct ladder_item *item, unsigned width, char *buf)
{
	char name[40], args[72], result[40], time[UNITS_STRLEN];

	page_stranger(item->call.name, name, sizeof(name));
	call_args(item, args, sizeof(args));
	call_result(item, result, sizeof(result));
	units_duration(item->call.took_ns, time);
	if (is_peers(name) && item->call.result >= 0)
		snprintf(buf, LADDER_WORDS, "%ss %s", name, args);
	else if (item->call.begins)
		snprintf(buf, LADDER_WORDS, "%s(%s) ...", name, args);
	else if (item->call.took_ns)
		snprintf(buf, LADDER_WORDS, "%s(%s) = %s  blocked %s", name, args, result, time);
	else if (!strcmp(name, "setsockopt") && !item->call.result)
		snprintf(buf, LADDER_WORDS, "set %s", args);
	else
		snprintf(buf, LADDER_WORDS, "%s(%s) = %s", name, args, result);
	if (page_width(buf) <= width || item->call.begins)
		return;
	if (item->call.took_ns)
		snprintf(buf, LADDER_WORDS, "%s() = %s (%s)", name, result, time);
	else
		snprintf(buf, LADDER_WORDS, "%s() = %s", name, result);
}

const char *ladder_words(const struct page *p, const struct ladder_item *item, unsigned width,
			 char *buf)
{
	buf[0] = '\0';
	switch (item->kind) {
	case ITEM_RELEASE:
		release_words(item, buf);
		break;
	case ITEM_CALL:
		call_words(item, width, buf);
		break;
	case ITEM_STATE:
		state_words(p, item, buf);
		break;
	case ITEM_RST:
		rst_words(item, buf);
		break;
	default:
		break;
	}
	return buf;
}

enum ink ladder_ink(const struct ladder_item *item)
{
	switch (item->kind) {
	case ITEM_STATE:
		return item->state.mini ? INK_WARN : INK_BOLD;
	case ITEM_RST:
		return INK_BAD;
	case ITEM_SEGMENT:
		if (item->segment.flags & TH_RST)
			return INK_BAD;
		if (item->segment.flags & TH_FIN)
			return INK_WARN;
		if (item->segment.flags & TH_SYN)
			return INK_GOOD;
		return item->segment.len || item->segment.first_zero ? INK_PLAIN : INK_DIM;
	default:
		return item->call.result < 0 && item->kind == ITEM_CALL ? INK_BAD : INK_CALL;
	}
}
