/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * audit: what the kernel's counters of a network namespace must have moved by, if
 * everything was seen and judged right. Observations and verdicts in, ranges out.
 */
#ifndef TCPCLOSE_CORE_AUDIT_H
#define TCPCLOSE_CORE_AUDIT_H

#include "core/mib.h"
#include "core/obs.h"
#include "core/verdict.h"

/* Namespaces that are told apart; what happens in others is not audited. */
#define AUDIT_NAMESPACES 4096

struct audit;

/* What was observed of one counter. What may or may not be in it makes it a range. */
struct audit_range {
	int64_t low, high;
};

enum audit_result {
	AUDIT_EXACT,  /* the kernel's number is the one that was observed */
	AUDIT_WITHIN, /* it lies in the range that was observed */
	AUDIT_GAP,    /* it does not */
	AUDIT_BLIND,  /* it is more, and not everything that moves it can be seen here */
	AUDIT_UNREAD, /* there is no such counter, or it could not be read twice */
	AUDIT_RESULT_MAX,
};
const char *audit_result_slug(enum audit_result result);

/* 0, or -ENOMEM. audit_free() it once no flow table calls it any more. */
int audit_new(struct audit **ret);
void audit_free(struct audit *audit); /* NULL is fine */

/*
 * The counters were read at some time between the two: an observation that is not
 * older than from_ns and not later than until_ns may be in them or not. Without
 * audit_began() everything counts, without audit_ended() there is no end.
 */
void audit_began(struct audit *audit, uint64_t from_ns, uint64_t until_ns);
void audit_ended(struct audit *audit, uint64_t from_ns, uint64_t until_ns);

/* The flow table calls these, once for each observation, verdict and mini-socket. NULL is fine. */
void audit_obs(struct audit *audit, const struct obs *obs);
void audit_verdict(struct audit *audit, const struct verdict *verdict);
void audit_mini_born(struct audit *audit, uint32_t netns, uint64_t at_ns);
void audit_mini_ended(struct audit *audit, const struct minisocket *mini);

/* A namespace that has just been made: what had its number before is not its own. */
void audit_forget(struct audit *audit, uint32_t netns);
/* Of a gauge: by how much it must have moved. */
struct audit_range audit_range(const struct audit *audit, uint32_t netns, enum counter counter);
/* The i-th namespace in which anything was observed; false when there are fewer. */
bool audit_namespace(const struct audit *audit, size_t i, uint32_t *ret);
/* Observations so near to a reading that they may be in it or not. */
uint64_t audit_in_flight(const struct audit *audit, uint32_t netns);
/* Something happened in a namespace that there was no room for. */
bool audit_overflowed(const struct audit *audit);

/* One counter of one namespace: the kernel's number, what was observed, and how they agree. */
struct audit_count {
	enum counter counter;
	uint64_t kernel;
	struct audit_range observed;
	enum audit_result result;
};

/* One counter over all namespaces that could be read. */
struct audit_total {
	uint64_t kernel;    /* the sum of its numbers */
	uint64_t accounted; /* of these */
	uint64_t surplus;   /* observed, and not in its numbers */
	uint64_t hidden;    /* not accounted for where not everything can be seen: no gap */
	uint32_t gap_netns; /* the last namespace with a gap; 0 = none */
};
void audit_total_add(struct audit_total *total, uint32_t netns, const struct audit_count *count);

/* What --audit came to. */
struct audit_sum {
	bool made;		/* false: nobody asked */
	uint32_t namespaces;	/* that were read twice */
	uint32_t unread;	/* that something happened in, and that were not */
	uint64_t in_flight;
	bool gap;
	struct audit_total total[COUNTER_MAX];
};

/*
 * The kernel's number against the range. `delta` is how far all counters moved, and of a
 * gauge what was read last: then the range is what it must be, too;
 * covered: bits 1 << VANTAGE_... of the sensors.
 */
enum audit_result audit_compare(struct audit_range range, enum counter counter,
				const struct mibs *delta, uint32_t covered);

#endif
