/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* record: everything that a sink can be given. */
#ifndef TCPCLOSE_CORE_RECORD_H
#define TCPCLOSE_CORE_RECORD_H

#include "core/audit.h"
#include "core/verdict.h"

enum record_kind {
	REC_CLOSE, REC_MINISOCKET, REC_EVENT, REC_APP, REC_SEGMENT, REC_LOSS, REC_STORY, REC_SUMMARY,
	REC_TIME_WAIT, REC_STUCK, REC_LEFT,
	REC_TRIAL, REC_RESET, REC_AUDIT,
	REC_KIND_MAX,
};

/* An observation as it happened (-e, and the ladder). */
struct event {
	uint64_t conn; /* 0 = belongs to no followed socket */
	const struct obs *obs;
	struct tuple tuple; /* of the flow, also where the observation has none */
};

/* What an echo program did or saw; strings are the program's own and bounded. */
struct app {
	uint64_t mono_ns; /* when the call returned */
	uint64_t took_ns; /* how long it blocked */
	uint64_t conn;	  /* 0 = not joined */
	char role[8];	  /* "server", "client" */
	uint32_t pid;
	char call[16];	  /* "read" */
	char args[64];	  /* "fd, buf, 4096" in words for a person */
	int64_t result;
	int32_t error;	  /* errno number, 0 = none */
	struct tuple tuple; /* as the program sees it; family 0 = no connection yet */
};

struct segment {
	uint64_t mono_ns;
	uint64_t conn; /* sender's conn when it is on this host; 0 = not joined */
	uint8_t family;
	struct endpoint from, to;
	uint8_t tcp_flags; /* FIN 1 SYN 2 RST 4 PSH 8 ACK 16 URG 32 ECE 64 CWR 128 */
	uint32_t seq, ack; /* as on the wire */
	uint32_t len;	   /* bytes of data */
	uint32_t window;   /* scaled when the SYN was seen, else as on the wire */
};

struct loss {
	uint64_t mono_ns;
	const char *where; /* hook name, "capture", "story" */
	uint64_t count;	   /* since the run began */
};

/* Two ends of one connection and all that was seen of it: begins and ends a ladder. */
struct story {
	bool begin;	       /* false: it is complete, draw it */
	const char *ending;    /* slug of the ending that was asked for */
	const char *title;     /* one line */
	const char *closer;    /* "server" or "client" */
	uint16_t server_port;
	enum cause expect[2];  /* server, client: what the ending must earn; unknown = nothing */
	bool as_expected;
	bool brief;	       /* one line instead of the ladder */
	const char *differs;   /* when !as_expected: what else than the causes, one line; or NULL */
};

enum trial_outcome { TRIAL_PASSED, TRIAL_FAILED, TRIAL_SKIPPED, TRIAL_OUTCOME_MAX };
const char *trial_outcome_slug(enum trial_outcome outcome);
#define TRIAL_WHY_MAX 4
#define TRIAL_WHY_SIZE 192

/* selftest: one ending, one closer, one kind of address, in a network namespace of its own. */
struct trial {
	uint64_t mono_ns;     /* when it was over */
	uint32_t number, of;  /* from 1 */
	const char *ending, *closer, *ip; /* ip: "ipv4", "ipv6", "mapped" */
	enum trial_outcome outcome;
	uint64_t took_ns;
	uint32_t tries;	      /* more than one where chance has a part in it */
	enum cause expect[2], seen[2]; /* server, client */
	bool has_expect[2], has_seen[2];
	char saw[2][40];      /* the last telling call of each program, in words */
	/* how the closer's mini-socket had to end, and did; NULL: no matter, it did not */
	const char *mini_expect, *mini_seen;
	struct {
		uint32_t all, syn, fin, rst, data;
	} segments;
	struct audit_count counts[COUNTER_MAX];
	char why[TRIAL_WHY_MAX][TRIAL_WHY_SIZE]; /* what disagrees; or why it was skipped */
	uint32_t n_why;
};

/* One counter of one network namespace, over the trace. */
struct audit_line {
	uint32_t netns;
	struct audit_count count;
};

struct summary {
	uint64_t mono_ns;
	uint64_t duration_ns;
	uint64_t events;   /* observations taken in */
	uint64_t verdicts;
	uint64_t by_cause[CAUSE_MAX];
	uint64_t lost;	   /* records the ring had no room for */
	uint64_t missed;   /* events that no program ran for */
	uint64_t rescued;  /* events that only an understudy ran for: seen */
	uint64_t evicted;  /* flows given up for room */
	uint64_t resets;   /* RSTs that no connection sent */
	uint64_t filtered; /* verdicts that the options hid */
	uint64_t open;	   /* followed and still open at the end */
	uint64_t minis;	   /* mini-sockets held at the end */
	struct audit_sum audit;
};

/* What many runs of one ending have left in the kernel, the moment the last had ended (demo --count). */
struct left {
	const char *ending, *closer; /* slugs */
	uint64_t runs, as_expected;
	uint64_t time_wait, fin_wait2; /* sockets or mini-sockets that are still listed, by state ... */
	uint64_t others;	       /* ... in any other one */
	uint64_t ephemeral_ports;      /* local ports that these keep from connect() */
	uint32_t range_ports;	       /* of so many; 0 = not known */
	uint32_t mini_bytes;	       /* memory of a mini-socket; 0 = not known */
	uint64_t kernel_bytes;	       /* of all mini-sockets */
	uint64_t rst_sent;	       /* by both sides, in all runs */
	uint64_t lost_bytes;	       /* thrown away by both sides */
};

struct bill_report;
struct stuck_report;

struct record {
	enum record_kind kind;
	uint64_t mono_ns;
	int64_t wall_step_ns; /* by how much the wall clock has been moved since the run began */
	union {
		const struct verdict *close;
		const struct minisocket *minisocket;
		const struct event *event;
		const struct app *app;
		const struct segment *segment;
		const struct loss *loss;
		const struct story *story;
		const struct summary *summary;
		const struct bill_report *time_wait; /* report/bill.h */
		const struct stuck_report *stuck;    /* report/stuck.h */
		const struct left *left;
		const struct trial *trial;
		const struct reset *reset;
		const struct audit_line *audit;
	};
};

#endif
