/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* flow: folds the observations of one socket into evidence, and says when it has ended. */
#ifndef TCPCLOSE_CORE_FLOW_H
#define TCPCLOSE_CORE_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/audit.h"
#include "core/obs.h"
#include "core/verdict.h"

/* How long after the deciding event a verdict waits for what must follow it (the RST that
 * was sent after the state changed; the pair's other end). In observation time. */
#define FLOW_SETTLE_NS (UINT64_C(50) * 1000 * 1000)
/* How long it waits, beyond that, for what is known to be under way: the RST of an abort, and the
 * end of the socket that was closed. On a busy machine the task that does it may have to wait. */
#define FLOW_REST_WAIT_NS (UINT64_C(1000) * 1000 * 1000)
/* How long a verdict waits, beyond that, for close() to name the owner of a socket that the
 * network ended. Then the table asks for a look at all tasks, and gives up after a while
 * without one. */
#define FLOW_OWNER_WAIT_NS (UINT64_C(1000) * 1000 * 1000)
#define FLOW_LOOK_WAIT_NS (UINT64_C(5000) * 1000 * 1000)
/* A mini-socket whose timer was cancelled and neither ran out nor was armed again is gone. */
#define FLOW_CANCEL_GRACE_NS (UINT64_C(50) * 1000 * 1000)

struct flow_config {
	uint32_t max_flows; /* sockets followed at once, mini-sockets apart; > 0 */
	uint32_t max_minis; /* mini-sockets followed at once; > 0 */
	uint32_t covered;   /* bits 1 << VANTAGE_...: what the sensors show */
	/*
	 * Called from flow_take(), flow_tick() and flow_finish(); the argument is
	 * borrowed. A socket's mini-socket is reported after its verdict, and not at
	 * all where closed() said false: that one is nobody's business.
	 */
	bool (*closed)(void *ctx, const struct verdict *verdict);
	void (*mini_ended)(void *ctx, const struct minisocket *mini);
	/* NULL, or an RST that no connection sent; after the verdict of who had its tuple before. */
	void (*reset)(void *ctx, const struct reset *reset);
	void *ctx;
	struct audit *audit; /* NULL, or told of everything that is taken in and given out */
};

struct flow_counts {
	uint64_t taken;	  /* observations taken in */
	uint64_t open;	  /* flows followed now and not ended */
	uint64_t pending; /* flows that have ended, and RSTs of none, that wait for their record */
	uint64_t minis;	  /* mini-sockets followed now: born + found - ended */
	uint64_t minis_born;  /* seen as they were made */
	uint64_t minis_found; /* older than the trace, found there */
	uint64_t minis_ended; /* whatever their end */
	uint64_t evicted; /* flows, mini-sockets or RSTs of none given up for room */
	uint64_t duplicates; /* observations that an understudy repeated */
	uint64_t strays;  /* observations of sockets that are not followed and cannot be */
};

struct flow_table;

/* Memory grows in slabs up to the maxima. -EINVAL, -ENOMEM. */
int flow_table_new(const struct flow_config *config, struct flow_table **ret);
void flow_table_free(struct flow_table *table);

/*
 * Folds one observation in; they come in the order of the ring. Returns the conn
 * that it belongs to, 0 when to none, FLOW_REPEATED when it was told before (by the
 * other of two programs on one event): then it is no observation. tuple_ret (may be
 * NULL) gets what is known of that connection's tuple.
 */
#define FLOW_REPEATED UINT64_MAX
uint64_t flow_take(struct flow_table *table, const struct obs *obs, struct tuple *tuple_ret);
/* Time passes: gives out every verdict that is due. Same clock as obs.mono_ns. */
void flow_tick(struct flow_table *table, uint64_t now_ns);
/* False when flow_tick() at that time would change nothing: it can be left out. */
bool flow_is_due(const struct flow_table *table, uint64_t now_ns);
/*
 * Records were lost, none of them later than until_ns (now): what is open, and
 * what will be born in records that are not later, has a gap; unless it is seen
 * later to have gone on from where it stood.
 */
void flow_gap(struct flow_table *table, uint64_t until_ns);
/*
 * From since_ns on state changes may go unseen: a socket that goes away then
 * without having been seen to end is one that was open when the trace ended.
 */
void flow_stop(struct flow_table *table, uint64_t since_ns);
/*
 * The trace is over: every socket that has ended gets its verdict now, every
 * mini-socket that carries an unresolved FIN_WAIT2 too (unknown, trace-ended).
 * Sockets still open get none; they are counted.
 */
void flow_finish(struct flow_table *table, uint64_t now_ns);
struct flow_counts flow_counts(const struct flow_table *table);
/* Does a socket of that namespace wait for its verdict? */
bool flow_pending_in(const struct flow_table *table, uint32_t netns);

/*
 * Mini-sockets whose FIN_WAIT2 may go on to TIME_WAIT without a trace, and those
 * that were found and not heard of since: user space has them read again and,
 * once everything that happened before was taken in, hands the answer in as
 * OBS_MINI_PEEK (mini.addr and tuple as here). Up to max addresses, round robin
 * over calls; returns how many.
 */
struct flow_peek {
	uint64_t mini_addr;
	struct tuple tuple;
};
size_t flow_peeks(struct flow_table *table, struct flow_peek *ret, size_t max);

/* A mini-socket that is held now. */
struct flow_mini {
	uint64_t conn;
	struct tuple tuple;
	uint32_t netns;
	struct owner owner;  /* as far as it is known */
	uint8_t born_state;  /* ST_FIN_WAIT2 or ST_TIME_WAIT: how it came to be ... */
	uint8_t state;	     /* ... and where it stands */
	uint64_t born_ns;    /* with `older` a bound: it is at least that old */
	uint64_t time_wait_ns; /* when TIME_WAIT began, likewise; 0 = it has not */
	bool older;	     /* than the trace */
	bool hidden;	     /* its socket's verdict was not wanted */
	bool dying;	     /* its timer is off: gone already, or armed again at once */
	bool ts_known, ts;   /* its connection had TCP timestamps */
	bool judged;	     /* its socket has its verdict: */
	enum cause cause;
	evidence_set evidence; /* of its socket, so far */
};
/* All that are held now, oldest first as they became known. each() must not call back. */
void flow_minis(const struct flow_table *table, void (*each)(void *ctx, const struct flow_mini *mini),
		void *ctx);
/* Those that have ended so early that it is told only after their sockets' verdicts, which are not given yet. */
void flow_minis_untold(const struct flow_table *table,
		       void (*each)(void *ctx, const struct flow_mini *mini), void *ctx);

/* True when some ended socket has no owner yet, however long that has been so. */
bool flow_lacks_owners(const struct flow_table *table);
/*
 * True when some ended socket waits for an owner that only a look at all tasks
 * can name. flow_looked(): that look was begun at began_ns and all of it was
 * handed in as OBS_SNAPSHOT; who it did not name has no owner.
 */
bool flow_wants_owners(const struct flow_table *table);
void flow_looked(struct flow_table *table, uint64_t began_ns);

/* True while some open socket's FIN is out and not answered for: its end is a round trip away. */
bool flow_closing(const struct flow_table *table);

#endif
