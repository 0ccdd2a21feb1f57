/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* verdict: how one socket's connection ended, with its proof. */
#ifndef TCPCLOSE_CORE_VERDICT_H
#define TCPCLOSE_CORE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/evidence.h"
#include "core/obs.h"
#include "core/tuple.h"

/* A byte each: there is one for every socket that is followed. */
enum how { HOW_FIN, HOW_RST, HOW_TIMEOUT, HOW_SILENT, HOW_MAX } __attribute__((packed));
enum closer { CLOSER_NONE, CLOSER_LOCAL, CLOSER_PEER, CLOSER_BOTH, CLOSER_MAX } __attribute__((packed));
/* OWNER_ACCEPT is reserved: its word is in the JSON for ever, and nothing says it today. */
enum owner_source { OWNER_UNKNOWN, OWNER_CONNECT, OWNER_ACCEPT, OWNER_CLOSE, OWNER_HOLDS, OWNER_LISTENER, OWNER_DESTROY, OWNER_SOURCE_MAX };

enum cause {
#define CAUSE(id, slug, how, title, hint) CAUSE_##id,
#include "core/cause.def"
	CAUSE_MAX,
} __attribute__((packed));

struct cause_row {
	const char *slug;
	const char *title; /* what it means for this socket, a clause without a stop */
	const char *hint;  /* what to do about it, one or two sentences */
	enum how how;
};
const struct cause_row *cause_row(enum cause cause);
/* By slug; -ENOENT when there is none. */
int cause_by_slug(const char *slug, enum cause *ret);
const char *how_slug(enum how how);
int how_by_slug(const char *slug, enum how *ret); /* likewise */
const char *closer_slug(enum closer closer); /* "local" "peer" "both" "none" */
const char *owner_source_slug(enum owner_source source); /* NULL for OWNER_UNKNOWN */

struct owner {
	enum owner_source source;
	uint32_t pid, tid, uid;
	char comm[16]; /* a stranger's bytes; NUL-terminated */
};

/* Most of what a socket costs while it is followed: hence in one word. */
struct path_step {
	uint64_t state : 8;
	uint64_t at_ns : 56; /* since the first step; two years */
};
#define PATH_MAX_STEPS 12

/* In an order that leaves no holes: one is kept for every socket that is followed. */
struct verdict {
	uint64_t conn;	  /* id within the run, from 1 */
	uint64_t pair;	  /* the other end's conn; 0 = not on this host, or not seen */
	uint64_t mono_ns; /* when it ended (the deciding event, not the printing) */
	struct tuple tuple;
	bool fin_wait2_at_most; /* that the mini-socket left it was found, and not traced */
	uint32_t netns;
	int32_t exit_code;   /* of the closer where evidence has EXITING or KILLED */
	uint64_t cgroup_id; /* 0 = not known */
	struct owner owner;
	struct owner closer; /* the task whose call ended it; source OWNER_UNKNOWN when none did */
	enum cause cause;
	enum how how;
	enum closer first_closer;
	uint8_t n_path;
	uint8_t minisocket; /* ST_FIN_WAIT2, ST_TIME_WAIT, 0 = none */
	bool complete;
	bool linger_on;
	bool peer_left_known; /* peer_left_bytes */
	struct path_step path[PATH_MAX_STEPS];
	uint32_t rst_sent, rst_received;
	const char *rst_reason; /* kernel's name, NULL = none known */
	uint64_t linger_wait_ns; /* how long close() waited for SO_LINGER, with LINGER_EXPIRED at most; 0 = it did not, or not known */
	uint32_t linger_ms;
	int32_t error; /* errno the program will see; 0 = none */
	/* what was thrown away: bytes of data, FIN and SYN not counted */
	uint32_t unread_bytes, unsent_bytes, unacked_bytes;
	uint32_t left_bytes; /* received and not read when it ended, though perhaps still to be read */
	uint32_t peer_left_bytes; /* the same of the other end, when it is on this host */
	uint32_t retransmits; /* segments that were sent again; their bytes are in sent_bytes each time */
	uint64_t sent_bytes, received_bytes;
	uint64_t age_ns; /* since it was born, or since first seen when !complete */
	evidence_set evidence, blind; /* blind: evidence that was out of sight */
};

/* What it means: the title of its cause; of an unknown one, why nobody knows, as far as that is known. */
const char *verdict_title(const struct verdict *v);

enum mini_end {
	MINI_EXPIRED, MINI_REUSED, MINI_NEW_SYN, MINI_RESET, MINI_DATA, MINI_DESTROYED,
	MINI_NAMESPACE_GONE, MINI_NEVER_CREATED, MINI_UNSEEN, MINI_END_MAX,
};
const char *mini_end_slug(enum mini_end end);
const char *mini_caller_slug(enum mini_caller caller); /* NULL for MINI_BY_UNKNOWN */

const char *request_caller_slug(enum request_caller caller); /* NULL for REQUEST_BY_UNKNOWN */

enum reset_by { RESET_NO_SOCKET, RESET_LISTENER, RESET_REQUEST, RESET_MINISOCKET, RESET_BY_MAX };
const char *reset_by_slug(enum reset_by by);

/* An RST that answered a segment for no connection. */
struct reset {
	uint64_t mono_ns;
	struct tuple tuple; /* local: what the segment was sent to; peer: who gets the RST */
	uint32_t netns;
	enum reset_by by;
	const char *reason; /* kernel's name, NULL = none known */
	uint64_t to;	    /* conn that gets it; 0 = not on this host, or not seen */
	/* the connection that had this tuple and ended within the last minutes; of 0 = none */
	uint64_t of;
	struct owner owner;
	enum cause cause;
	uint64_t after_ns; /* since this side's FIN went; else since its end */
};

/* FIN_WAIT2/TIME_WAIT after the socket is gone. */
struct minisocket {
	uint64_t conn;
	uint64_t mono_ns; /* when it ended */
	struct tuple tuple;
	uint32_t netns;
	struct owner owner;
	uint64_t fin_wait2_ns, time_wait_ns; /* 0 = never in that state */
	enum mini_end end;
	bool complete; /* false: its birth was not seen, and the times are lower bounds */
	bool fin_wait2_at_most; /* the step to TIME_WAIT was not traced, but found later */
	evidence_set evidence; /* of its socket */
	bool judged;	       /* its socket had its verdict: */
	enum cause cause;
};

#endif
