/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * bill: who pays for TIME_WAIT. Mini-sockets as they are now, by whose they were
 * and where they lead; births, deaths and lifetimes; the ports that they keep
 * from others; and what follows from all that.
 *
 * For every look: bill_begin(), then the facts of each namespace, the mini-sockets
 * and the open connections; bill_done() adds up. Time is what the caller says.
 */
#ifndef TCPCLOSE_REPORT_BILL_H
#define TCPCLOSE_REPORT_BILL_H

#include "core/now.h"
#include "report/tally.h"

/* Birth rates are those of so long: what was born in it is hardly ever dead yet. */
#define BILL_WINDOW_NS (UINT64_C(10) * 1000 * 1000 * 1000)

/* What the kernel is set to, per network namespace. */
struct bill_rules {
	uint32_t netns; /* inode; the key, first */
	bool known;
	uint16_t port_first, port_last; /* net.ipv4.ip_local_port_range */
	uint32_t ports; /* in that range, without the reserved ones */
	uint32_t tw_reuse; /* 0, 1, 2 = loopback only */
	bool timestamps; /* net.ipv4.tcp_timestamps */
	uint32_t max_tw; /* net.ipv4.tcp_max_tw_buckets */
	uint32_t fin_timeout_s; /* net.ipv4.tcp_fin_timeout */
	bool counted;
	uint64_t kernel_tw; /* sockstat's count of them */
};

/* Which end of theirs these connections were begun from. */
enum bill_role { ROLE_UNKNOWN, ROLE_CONNECTED, ROLE_ACCEPTED, BILL_ROLE_MAX };
const char *bill_role_slug(enum bill_role role); /* "connected", "accepted", NULL for unknown */

/* How one came to be, where no verdict says it. */
enum bill_came { CAME_VERDICT, CAME_PENDING, CAME_OLDER };

/* What tells groups apart: a member that a grouping does not ask for is zero. No padding counts. */
struct bill_key {
	uint32_t netns;
	uint32_t pid;
	uint8_t family, role, came, cause;
	uint8_t owned;	/* an owner is known: comm is its name */
	uint8_t loopback;
	uint8_t local_addr[16], peer_addr[16];
	uint16_t local_port, peer_port; /* 0 = many, or not asked for */
	char comm[16];
	uint8_t pad[2];
};
_Static_assert(sizeof(struct bill_key) == 68, "no padding: keys are compared as bytes");

struct bill_group {
	struct bill_key key; /* first: tally's */
	uint64_t now, fin_wait2, time_wait;
	uint64_t recent;	 /* born within the window */
	uint64_t born_per_s_milli;
	uint64_t no_timestamps;	 /* TIME_WAITs that connect() can never take again ... */
	uint64_t timestamps;	 /* ... and that it could; of the others it is not known */
	bool elsewhere;		 /* in another namespace than the one first asked for its rules */
	uint32_t processes;	 /* pids in it ... */
	uint32_t pid;		 /* ... the one, when it is one */
	/* of a destination */
	uint64_t open;		 /* ports that open connections hold there */
	uint32_t range;		 /* ports that there are; 0 = not known */
	uint32_t used_permille;
	uint64_t reusable;	 /* so many of them connect() may take again after a second ... */
	bool reused;		 /* ... and that is any */
	uint64_t expected;	 /* ports held once births at this rate have lasted a lifetime */
};

struct bill_groups {
	struct bill_group *const *items; /* most first */
	size_t n;
};

/* Of the mini-sockets that ended while we watched. */
struct bill_lifetime {
	enum mini_end end;
	uint64_t count;
	uint64_t measured; /* of these, born while we watched: */
	uint64_t min_ns, mean_ns, max_ns;
	uint64_t sum_ns;
};

#define BILL_ADVICE_MAX 12
struct bill_advice {
	const char *slug;
	char text[480];
};

struct bill_report {
	uint64_t mono_ns, watched_ns;
	uint64_t now, fin_wait2, time_wait, older, pending;
	bool kernel_counted;
	uint64_t kernel_tw; /* in the namespaces looked at */
	uint64_t born, ended, refused; /* since the watch began */
	uint64_t born_per_s_milli, ended_per_s_milli; /* over the window */
	uint32_t mini_bytes; /* memory of one; 0 = not known */
	uint64_t lost;	     /* what the sensors lost, and what there was no room to count here */
	bool last;	     /* nothing comes after this one */
	bool partial;	     /* others than those asked for may hold ports of the same destinations */
	struct bill_groups owners, locals, peers, came, destinations, sources;
	struct bill_lifetime lifetimes[MINI_END_MAX];
	size_t n_lifetimes;
	uint64_t life_ns; /* mean of those that expired; 60 s when none has */
	struct bill_advice advice[BILL_ADVICE_MAX];
	size_t n_advice;
	const struct bill_rules *const *rules;
	size_t n_rules;
};

struct bill;

/* -ENOMEM */
int bill_new(uint64_t began_ns, struct bill **ret);
void bill_free(struct bill *bill);
/* At any time: a mini-socket has ended, or was refused (MINI_NEVER_CREATED). */
void bill_ended(struct bill *bill, const struct minisocket *mini);

void bill_begin(struct bill *bill, uint64_t now_ns);
/* Not all that there are will be given: nothing may be said of what is left over. */
void bill_partial(struct bill *bill);
void bill_rules(struct bill *bill, const struct bill_rules *rules);
/*
 * Before all bill_mini(): where nobody knows who connected, an end that many have
 * in common is told with its port.
 */
void bill_expect(struct bill *bill, const struct flow_mini *mini);
void bill_mini(struct bill *bill, const struct flow_mini *mini);
void bill_open(struct bill *bill, const struct flow_now *flow);
/* mini_bytes, last: as in the report; lost: by the sensors. Valid until the next bill_begin(). */
const struct bill_report *bill_done(struct bill *bill, uint32_t mini_bytes, uint64_t lost,
				    bool last);

/* What came is called: a cause's slug, "pending", "older". */
const char *bill_came_slug(const struct bill_key *key);

/* How many TIME_WAITs of that group connect() may take before their time (tcp_twsk_unique()). */
uint64_t bill_reusable(const struct bill_rules *rules, const struct bill_group *group);
/* advice.c: the slugs of advice.def, NULL after the last; and from a report that is otherwise complete. */
const char *bill_advice_slug(unsigned i);
void bill_advise(struct bill_report *report);
const struct bill_rules *bill_rules_of(const struct bill_report *report, uint32_t netns);

#endif
