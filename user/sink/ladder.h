/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * ladder: the life and end of one connection as a picture; inside of the sink.
 *   ladder.c          takes records in, one story at a time
 *   ladder_order.c    sorts them and finds out what belongs on one row
 *   ladder_number.c   numbers connections and bytes as people do
 *   ladder_runs.c     sums up long runs of data
 *   ladder_words.c    says each in a few words
 *   ladder_draw.c     draws the rows
 *   ladder_verdict.c  both verdicts below, with their evidence
 *   ladder_compare.c  stories side by side, and a story in one line
 *   ladder_left.c     what many runs have left in the kernel
 */
#ifndef TCPCLOSE_SINK_LADDER_H
#define TCPCLOSE_SINK_LADDER_H

#include "core/record.h"
#include "sink/page.h"
#include "sink/sink.h"

#define LADDER_ITEMS        4096 /* per story; more is counted, not drawn */
#define LADDER_LINKS        8    /* connections per story; later ones are drawn as the last */
#define LADDER_VERDICTS     16   /* per story */
#define LADDER_COMPARED     24   /* stories */
/* What happens within this time is one step: cause, segment and effect share a row. */
#define LADDER_STEP_NS      UINT64_C(1000000)
/* Captured and traced times come by different ways: so much they may disagree. */
#define LADDER_JITTER_NS    UINT64_C(50000)
/* TCP_TIMEWAIT_LEN: no kernel has a knob for it (tcp_fin_timeout is for FIN_WAIT2). */
#define LADDER_TIME_WAIT_NS UINT64_C(60000000000)
/* A pause that is worth a row of its own. */
#define LADDER_GAP_NS       UINT64_C(20000000)
/* A call that took longer is shown where it began and where it returned. */
#define LADDER_BLOCKED_NS   UINT64_C(10000000)

enum ladder_side { LADDER_SERVER, LADDER_CLIENT, LADDER_SIDES };

/* In the order in which they stand when they happen in the same nanosecond. */
enum ladder_kind {
	ITEM_RELEASE, /* the kernel closes the socket for somebody */
	ITEM_CALL,    /* a program calls */
	ITEM_STATE,
	ITEM_MINI, /* until ladder_order() makes an ITEM_STATE of it or hides it */
	ITEM_RST,
	ITEM_SEGMENT,
};

/* On which row an item stands. */
#define ROW_OWN  (-1)
#define ROW_NONE (-2) /* not drawn: said by another item */
#define ROW_RUN  (-3) /* inside a long run of the same: summed up */

/* No connection: a call may belong to any; an observation without ports is known by its conn. */
#define LINK_ANY     (-1)
#define LINK_BY_CONN (-2)

struct ladder_item {
	uint64_t at_ns;
	uint64_t conn; /* of an observation; 0 = none */
	uint32_t arrival;
	int32_t row;            /* ROW_..., or the index of the segment whose row it shares */
	int32_t child, sibling; /* segments: first item on this row; items: the next; -1 = none */
	uint8_t kind;           /* enum ladder_kind */
	uint8_t side;           /* enum ladder_side; of a segment: the sender */
	int8_t link;            /* which connection; LINK_... */
	union {
		struct {
			uint8_t from, to; /* 0 = not known, or gone */
			bool mini;        /* `to` is a mini-socket's state */
			uint64_t mini_ns; /* and it will last so long; 0 = not known */
		} state;
		struct {
			uint8_t what; /* enum obs_kind */
			uint8_t substate;
			uint64_t timeout_ns;
		} mini;
		struct {
			uint8_t what;
			bool flag_known, flag;
			const char *reason;
		} rst;
		struct {
			uint32_t pid;
			int32_t exit_code;
			bool exiting;
		} release;
		struct {
			bool begins; /* shown where it began: the result comes later */
			int32_t error;
			int64_t result;
			uint64_t took_ns;
			char name[16], args[64];
		} call;
		struct {
			uint8_t flags;
			bool again, probe; /* sent before; asks for an answer only */
			bool first_zero;   /* the window closes */
			bool acks_fin;     /* and so everything */
			uint32_t seq, ack; /* on the wire, then relative */
			uint32_t len, window;
		} segment;
	};
};

struct ladder_link {
	uint8_t family;
	struct endpoint end[LADDER_SIDES]; /* port 0 = not seen */
	bool socket[LADDER_SIDES];         /* the kernel had one at that end */
};

struct ladder_verdict {
	enum ladder_side side;
	int link;
	struct verdict verdict;
};

struct ladder_story {
	bool open;
	char ending[32], title[192], differs[192];
	uint16_t port;
	enum ladder_side closer;
	enum cause expect[LADDER_SIDES];
	bool as_expected, brief, finished;
	bool ending_seen; /* a FIN or RST has come: from here on everything counts */
	struct ladder_item *items;
	size_t n, cap;
	size_t n_dull, n_dropped;
	size_t n_segments, n_calls, n_events;
	char lost[24]; /* where records were lost meanwhile; empty = nowhere */
	struct ladder_link links[LADDER_LINKS];
	int n_links;
	int main_link; /* the one that the story is about */
	struct ladder_verdict verdicts[LADDER_VERDICTS];
	int n_verdicts;
	/* Mini-sockets that were waited for, by link and side; mono_ns 0 = none. */
	struct minisocket ended[LADDER_LINKS][LADDER_SIDES];
};

/* What remains of a story for the comparison: words, wrapped where they are printed. */
struct ladder_fact {
	char ending[32];
	enum ladder_side closer;
	char segments[200];
	char letters[40];
	char path[LADDER_SIDES][224];
	char freed[128];
	char lost[LADDER_SIDES][96];
	char saw[LADDER_SIDES][48];
	char saw_brief[LADDER_SIDES][40];
	char cause[LADDER_SIDES][24];
	char differs[192];
	bool as_expected, finished;
	bool telling[LADDER_SIDES]; /* that program saw an end of file or an error */
};

/* What its runs have left behind. */
struct ladder_left {
	char ending[32], closer[8];
	struct left left; /* its own words point to nowhere: use these */
};

struct ladder {
	struct sink sink;
	struct sink_config config;
	struct page page;
	struct ladder_story story;
	struct ladder_fact *facts;
	size_t n_facts, n_uncompared;
	struct ladder_left left[LADDER_COMPARED];
	size_t n_left;
	size_t n_brief; /* lines since the last heading */
};

/* ladder_number.c; items are sorted. */
void ladder_number(struct ladder_story *story);
/* The end of the mini-socket that is there since then; NULL where only an earlier one of that tuple has ended. */
const struct minisocket *ladder_ended(const struct ladder_story *story, int link, enum ladder_side side,
				      uint64_t since_ns);
/* No segment was captured, and by all verdicts there was none: not even a SYN left. */
bool ladder_is_mute(const struct ladder_story *story);

/* ladder_order.c: sorts, hides what is said twice, gives every item its row. */
void ladder_order(struct ladder_story *story);
/* A call that moves data or a segment that carries some, and nothing more. */
bool ladder_is_dull(const struct ladder_item *item);
/* A segment with FIN or RST. */
bool ladder_is_closing(const struct ladder_item *item);
/* connect(AF_UNSPEC) */
bool ladder_is_disconnect(const struct ladder_item *item);
/* list: up to NULL. */
bool ladder_one_of(const char *word, const char *const *list);
bool ladder_is_write(const char *call);
bool ladder_is_read(const char *call);

/* ladder_runs.c: hides what a sum says as well. */
void ladder_shorten(struct ladder_story *story);
/* The index after the run that begins with i, and the sums of what it hides. */
struct ladder_run {
	size_t segments, calls[LADDER_SIDES][2]; /* reads, writes */
	uint64_t segment_bytes, call_bytes[LADDER_SIDES][2];
};
size_t ladder_run(const struct ladder_story *story, size_t i, struct ladder_run *ret);

/* ladder_words.c; all into buf, which is returned. */
#define LADDER_WORDS 256
/* In the longest words that fit into `width`, else the shortest there are. */
const char *ladder_words(const struct page *p, const struct ladder_item *item, unsigned width,
			 char *buf);
enum ink ladder_ink(const struct ladder_item *item);
/* "F. seq 12 ack 12", as long as fits into `width`. */
const char *ladder_label(const struct ladder_item *segment, unsigned width, char *buf);
/* "+1.234 ms": nine columns at most for the first 27 hours. */
const char *ladder_time(uint64_t ns, char *buf);
const char *ladder_side_name(enum ladder_side side);

/* ladder_draw.c, ladder_verdict.c: what they put on the page may be printed on the way. */
int ladder_draw(struct ladder *ladder);
int ladder_verdicts(struct ladder *ladder);

/* ladder_compare.c */
void ladder_fact(const struct ladder *ladder, struct ladder_fact *ret);
void ladder_brief(struct ladder *ladder, const struct ladder_fact *fact);
void ladder_compare(struct ladder *ladder);

/* ladder_left.c */
void ladder_left_take(struct ladder *ladder, const struct left *left);
void ladder_left(struct ladder *ladder);

#endif
