/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * stuck: sockets between the first FIN and the end that do not get there.
 *
 * For every look: stuck_begin(), then every socket that exists as the kernel
 * shows it (once per descriptor), then what the table knows; stuck_done() puts
 * both together.
 */
#ifndef TCPCLOSE_REPORT_STUCK_H
#define TCPCLOSE_REPORT_STUCK_H

#include "core/now.h"

#define STUCK_HOLDERS_MAX 8
#define STUCK_WORDS_MAX 320
#define STUCK_SOCKS_MAX 65536

enum stuck_wait {
#define WAIT(id, slug, doc) STUCK_##id,
#include "report/stuck.def"
	STUCK_WAIT_MAX,
};
const char *stuck_wait_slug(unsigned i); /* NULL after the last */

struct stuck_holder {
	uint32_t pid, fd;
	char comm[16];
};

/* What it is known by: whoever has found it need not know its address. No padding: it is compared as bytes. */
struct stuck_key {
	uint32_t netns;
	uint16_t local_port, peer_port;
	uint8_t local[16], peer[16];
	uint8_t family, mini, pad[2];
};

struct stuck_sock {
	struct stuck_key key; /* first: tally's */
	uint64_t conn;
	struct tuple tuple;
	uint32_t netns;
	uint8_t state;
	bool mini; /* the socket is gone, a mini-socket holds the state */
	uint64_t age_ns;
	bool at_least; /* it may be older */
	struct owner owner;
	struct stuck_holder holders[STUCK_HOLDERS_MAX];
	uint32_t n_holders; /* may be more than are listed */
	bool seen;	    /* the kernel has shown it: what follows is true */
	bool has_socket, dead;
	uint32_t unread_bytes, unsent_bytes, unacked_bytes;
	uint32_t window, retransmits, probes;
	uint64_t ack_age_ns; /* since the last acknowledgement came; 0 = not known */
	enum stuck_wait wait;
	char words[STUCK_WORDS_MAX];
};

struct stuck_report {
	uint64_t mono_ns, watched_ns, older_ns;
	const struct stuck_sock *const *items; /* oldest first */
	size_t n;
	uint64_t younger; /* in these states, but not known to be that old */
	uint64_t passed; /* sightings of sockets that there was no room for */
	uint64_t lost;
	bool last; /* nothing comes after this one */
};

struct stuck;

/* older_ns: from which age on. Whom `want` (may be NULL) refuses is left out. -ENOMEM */
int stuck_new(uint64_t began_ns, uint64_t older_ns,
	      bool (*want)(void *ctx, const struct stuck_sock *sock), void *ctx, struct stuck **ret);
void stuck_free(struct stuck *stuck);

void stuck_begin(struct stuck *stuck, uint64_t now_ns);
/* obs: OBS_SNAPSHOT. */
void stuck_see(struct stuck *stuck, const struct obs *obs);
void stuck_flow(struct stuck *stuck, const struct flow_now *flow);
void stuck_mini(struct stuck *stuck, const struct flow_mini *mini);
/* Valid until the next stuck_begin(). */
const struct stuck_report *stuck_done(struct stuck *stuck, uint64_t lost, bool last);

/* stuck_words.c: sets wait and words. */
void stuck_explain(struct stuck_sock *sock);

#endif
