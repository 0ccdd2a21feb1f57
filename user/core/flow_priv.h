/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the files of the flow table share: the table, its flows and mini-sockets. Not for other layers. */
#ifndef TCPCLOSE_CORE_FLOW_PRIV_H
#define TCPCLOSE_CORE_FLOW_PRIV_H

#include "base/index.h"
#include "base/list.h"
#include "base/pool.h"
#include "core/flow.h"
#include "core/judge.h"

/* TCP_TIMEWAIT_LEN: the one time that all kernels agree on. */
#define TIME_WAIT_NS (UINT64_C(60) * 1000 * 1000 * 1000)

struct mini;

enum flow_stage {
	FLOW_OPEN,
	FLOW_SETTLING,	 /* ended; what must follow may still come */
	FLOW_WAITS_REST, /* what must follow has not come yet, though it is time */
	FLOW_WAITS_MINI, /* ended here, its FIN_WAIT2 goes on in a mini-socket */
	FLOW_WAITS_OWNER,
};

struct flow {
	struct index_link by_sk, by_tuple;
	struct list queue; /* by stage; open ones in the order of their last event */
	struct verdict v;  /* filled as it goes: conn, tuple, owner, path, evidence ... */
	uint64_t sk;
	uint64_t born_ns;
	uint64_t due_ns; /* in every stage but FLOW_OPEN */
	union {
		uint64_t closing_ns; /* in FLOW_OPEN: close() was called, and goes on; 0 = not, or it has returned */
		uint64_t asked_ns;   /* in FLOW_WAITS_OWNER: when the look at all tasks was asked for; 0 = not */
		uint64_t listener;   /* of a request: the struct sock that it belonged to */
	};
	uint64_t last_kind_ns;	 /* when last_kind was */
	struct mini *mini;
	int32_t release_err;	 /* error that waited for the program when it closed the live socket */
	uint8_t stage : 4, last_old : 4;
	uint8_t state : 4;	 /* with last_old: of the last state change */
	bool in_gap : 1;	 /* records were lost while it was open: of it, as far as is known */
	uint8_t last_kind;	 /* of the last observation but state changes */
	bool fin_queued : 1;	 /* our FIN has a sequence number */
	bool reset_called : 1;	 /* tcp_reset() ran ... */
	bool reset_flag_known : 1; /* ... and the hook saw the segment */
	bool only_met : 1;	 /* found by a look around, not heard of since */
	bool released : 1, destroyed : 1;
	bool in_sockmap : 1;	 /* when close() was called: TCP's own close comes after the sockmap has let go */
	bool rest_awaited : 1;	 /* was given FLOW_REST_WAIT_NS already */
	bool pair_unclear : 1;	 /* several other ends may be its own */
	bool close_called : 1;	 /* while it was open */
	bool maybe_twin : 1;	 /* no connection, unless an RST was sent as it went */
	bool place_late : 1;	 /* where it was came to be known as it ended: its mini-socket may be another's by now */
};

struct mini {
	struct index_link by_addr;
	struct list queue;	  /* all of them, oldest first */
	struct list cancelled;	  /* timer cancelled, fate open */
	struct list timed;	  /* until its end; in none where due_ns is 0 */
	struct list asking;	  /* where it stands may change without a trace */
	uint64_t addr;		  /* 0 = found, and no event of it since */
	uint64_t conn;
	struct flow *flow;	  /* while it waits; then NULL */
	struct tuple tuple;
	uint32_t netns;
	struct owner owner;
	uint64_t born_ns, time_wait_ns; /* 0 = not */
	union {
		uint64_t cancel_ns; /* 0 = its timer was not taken off */
		uint64_t ended_ns;  /* once it is over */
	};
	uint64_t due_ns;	  /* when its timer runs out, or a bound of that; 0 = not known */
	uint64_t found_ns;	  /* when, of one that is older than the trace; 0 = it is not */
	uint8_t born_state, state;
	evidence_set evidence;	  /* of its socket, and ... */
	uint8_t cause;		  /* ... its verdict, once it is judged */
	bool judged;
	bool ts_known, ts;	  /* its connection had TCP timestamps */
	bool hidden;		  /* its socket's verdict was not wanted */
	bool over;		  /* it has ended, its socket's verdict comes first; then: */
	uint8_t end;		  /* enum mini_end */
	uint8_t caller;		  /* enum mini_caller: who took its timer off */
	bool replied;		  /* it answered a segment with an RST */
	bool fin_wait2_at_most;	  /* in TIME_WAIT when asked: since time_wait_ns or for longer */
	bool vanished;		  /* not there when asked: cancel_ns is when, no hook said why */
};

/* Who listens, and who has listened just now: the owners of what nobody has accepted. */
#define LISTENERS_MAX 256
struct listeners {
	size_t n, next; /* filled; whose turn it is to be overwritten */
	struct listener {
		uint64_t sk;
		struct tuple tuple;
		uint32_t netns;
		struct owner owner;  /* who called listen(), or holds it */
		struct owner closer; /* who closed it; pid 0 = not known */
		uint64_t opened_ns;  /* 0 = not seen */
		uint64_t closed_ns;  /* 0 = it is open */
	} all[LISTENERS_MAX];
};

/* stray.c: RSTs that no connection sent, and who had their tuples. */
struct strays {
	struct pool waiting, recents;
	struct list queue, oldest; /* of the one and of the other */
	struct index by_tuple;	   /* recents, up to ... */
	struct list *fresh;	   /* ... this one of them; `oldest` when none is left */
};

struct flow_table {
	struct flow_config config;
	evidence_set blind;
	evidence_set of_sockets, of_requests; /* what a socket, or a mere request, may have */
	evidence_set told_apart; /* what the state changes do not tell */
	struct flow_counts counts;
	uint64_t next_conn;
	uint64_t gap_until_ns;
	uint64_t stopped_ns; /* 0 = not */
	uint64_t looked_ns;  /* when the last look at all tasks began */
	struct pool flows, minis;
	struct index by_sk, by_tuple, by_addr; /* by_addr: by tuple where the address is not known */
	size_t n_unmet;	     /* mini-sockets without an address */
	size_t n_unmet_flows; /* sockets likewise */
	struct list open, settling, waits_rest, waits_mini, waits_owner;
	struct list unseen;  /* open, and known by their mini-sockets only: their CLOSE is due at once */
	struct listeners listeners;
	struct judged judged;
	struct strays strays;
	struct list all_minis, cancelled, asking;
	struct list timed;   /* mini-sockets whose time is known, by when they were last wound up */
	bool minis_evicted;
};

/* Whether some hook shows that. */
static inline bool flow_covers(const struct flow_table *t, enum vantage vantage)
{
	return t->config.covered >> vantage & 1;
}

/* flow.c: the table and its flows */
struct flow *flow_by_sk(struct flow_table *t, uint64_t sk);
void flow_set_tuple(struct flow_table *t, struct flow *f, const struct tuple *tuple);
struct flow *flow_open_by_tuple(struct flow_table *t, const struct tuple *tuple, uint32_t netns);
struct flow *flow_new(struct flow_table *t, const struct obs *obs, evidence_set how_born);
/* As far as its tuple is known: whatever was found under it without an address was this one. */
void flow_forget_found(struct flow_table *t, const struct flow *born);
void flow_move_to(struct flow_table *t, struct flow *f, enum flow_stage stage, struct list *queue);
/* In CLOSE: what must follow has FLOW_SETTLE_NS from now on. */
void flow_ended(struct flow_table *t, struct flow *f, uint64_t now_ns);
/* Judged, given out, forgotten. */
void flow_emit(struct flow_table *t, struct flow *f);
/* Forgotten without a verdict; `wanted`: its mini-socket is still to be reported. */
void flow_drop(struct flow_table *t, struct flow *f, bool wanted);
/* It ends as records were lost, or that cannot be excluded. */
void flow_keep_gap(struct flow *f);
/* The mini-socket that it waited for is resolved, or will never be. */
void flow_resolved(struct flow_table *t, struct flow *f, uint64_t now_ns);

/* fold.c: what one observation says of its flow, and nothing about tables. */
/* Older than the trace: what must have happened before it got into that state. */
void fold_past(struct flow *f, uint8_t state);
/* It turns out to be in that state, and how it came there was not seen. */
void fold_missed(struct flow *f, uint8_t state);
void fold_path(struct flow *f, uint8_t state, uint64_t at_ns);
void fold_state(struct flow *f, const struct obs *obs);
/* fold_end.c */
void fold_close(struct flow *f, const struct obs *obs);
/* What is set on the socket. */
evidence_set fold_options(const struct obs_sock *sock);
/* The task whose call sends the FIN or throws the connection away. */
void fold_closer(struct flow *f, const struct obs_task *task);
/* Our FIN is still in the queue, behind data that may not leave: nobody has seen it. */
bool fold_fin_waits(const struct flow *f, const struct obs_sock *sock);
void fold_rst_sent(struct flow *f, const struct obs *obs);
void fold_rst_received(struct flow *f, const struct obs *obs);
void fold_release(struct flow *f, const struct obs *obs);
void fold_destroy(struct flow *f, const struct obs *obs);
void fold_snapshot(struct flow *f, const struct obs *obs, bool is_new);
void fold_sock(struct flow *f, const struct obs_sock *sock);
struct owner owner_of(const struct obs_task *task, enum owner_source source);
void fold_owner(struct flow *f, const struct obs_task *task, enum owner_source source);
/* Nothing more will come: what was undecided is decided. */
void fold_settled(struct flow *f, evidence_set blind);
/* A call ended it where shutdown() may have shut both directions before: was that call close()? */
bool fold_asks_for_close(const struct flow *f);

/* mini.c */
/* An answer of a mini-socket that the understudy tells again. */
bool mini_is_repeat(struct flow_table *t, const struct obs *obs);
uint64_t mini_take(struct flow_table *t, const struct obs *obs, struct tuple *tuple_ret);
void mini_tick(struct flow_table *t, uint64_t now_ns);
bool mini_is_due(const struct flow_table *t, uint64_t now_ns);
void mini_finish(struct flow_table *t, uint64_t now_ns);
/* met.c: the one that this observation is about, as far as it is known. */
struct mini *mini_met(struct flow_table *t, const struct obs *obs);
/* It was found before what had been traced until then was taken in. */
bool mini_is_before_found(const struct mini *m, const struct obs *obs);
/* addr 0 = not known: it is found by its tuple. */
void mini_index(struct flow_table *t, struct mini *m, uint64_t addr);
/* Nobody finds it any more. */
void mini_unlink(struct flow_table *t, struct mini *m);
/* It may step on to TIME_WAIT unseen, or was only found: have it read again. */
void mini_ask(struct flow_table *t, struct mini *m, const struct obs *obs);
/* It is gone; by what call, m->caller says. */
void mini_killed(struct flow_table *t, struct mini *m, uint64_t at_ns);
/* Is it in FIN_WAIT2, and might that be over without a trace? */
bool mini_may_step(const struct mini *m, uint64_t now_ns);
/* Its timer runs out then; 0 = nobody knows. */
void mini_wind(struct flow_table *t, struct mini *m, uint64_t due_ns);
/* Whose time was up long ago is asked after. */
void mini_sweep(struct flow_table *t, uint64_t now_ns);
bool mini_is_overdue(const struct flow_table *t, uint64_t now_ns);
/* The kernel made none: says so. */
void mini_refused(struct flow_table *t, const struct flow *f);
/* No socket is to be seen that it could have come from: goes on alone, as one whose beginning was missed. */
void mini_orphaned(struct flow_table *t, struct mini *m);
/* Its socket has its verdict: goes on alone, or is reported now if it is over. */
void mini_leave_flow(struct flow_table *t, struct mini *m, bool wanted);
/* At its CLOSE: corrects what its birth was said to be. */
void mini_was_born(struct flow *f, const struct obs *obs);
/* The last FIN of `f` was acknowledged just now: its peer's FIN_WAIT2, if that is here, is over. */
void mini_peer_done(struct flow_table *t, const struct flow *f);

/* listener.c */
/* Can it be of a listener? Next to none is, and this is asked for each. */
static inline bool listener_is_meant(const struct obs *obs)
{
	return obs->old_state == ST_LISTEN || obs->new_state == ST_LISTEN || obs->kind == OBS_SNAPSHOT;
}
/* True when the observation is of a listener, and so of no connection. */
bool listener_take(struct flow_table *t, const struct obs *obs);
/* If it ended because the listener in whose queue it was closed: whose it was, and who did that. */
void listener_closes(struct flow_table *t, struct flow *f, const struct obs *obs);
/* If it ended in a queue: its owner is the listener's, as far as is known by now. */
void listener_owns(struct flow_table *t, struct flow *f);

/* stray.c */
int strays_init(struct flow_table *t);
void strays_free(struct flow_table *t);
/* The understudy tells again what was told. */
bool strays_is_repeat(const struct flow_table *t, const struct obs *obs);
void strays_take(struct flow_table *t, const struct obs *obs);
void strays_remember(struct flow_table *t, const struct verdict *v, bool wanted);
void strays_tick(struct flow_table *t, uint64_t now_ns);
bool strays_are_due(const struct flow_table *t, uint64_t now_ns);
void strays_finish(struct flow_table *t);
bool strays_pending_in(const struct flow_table *t, uint32_t netns);

/* overflow.c: the conn of a handshake that a full accept queue has ended, 0 when it is none. */
uint64_t overflow_take(struct flow_table *t, const struct obs *obs);

/* request.c: the conn of a half-open connection that has ended. */
uint64_t request_take(struct flow_table *t, const struct obs *obs);
/* It did not end: there was a socket in its place by then. */
bool request_became_socket(struct flow_table *t, const struct flow *f);

/* A child that the kernel threw away for its twin: no connection, and nobody's other end. */
static inline bool flow_is_twin(const struct flow *f)
{
	return f->maybe_twin && !(f->v.evidence & EV(RST_ACTIVE));
}

/* pair.c: can a and b be the two ends of one connection? */
bool pair_fits(const struct flow *a, const struct flow *b);
/* flow.c: the other end, NULL when it is not on this host or not known. */
struct flow *flow_pair(struct flow_table *t, const struct flow *f);

#endif
