/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* obs: one thing that a sensor saw, in user space's words. No cause exists here. */
#ifndef TCPCLOSE_CORE_OBS_H
#define TCPCLOSE_CORE_OBS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/states.h"
#include "core/tuple.h"

/*
 * What can be seen, independent of how. A kernel or a set of privileges covers
 * some of these; evidence that hangs on an uncovered vantage is blind.
 */
#define VANTAGES(X)                                                                                \
	X(STATE, "state", "state changes of the socket")                                           \
	X(RST_ACTIVE, "rst-active", "RSTs that this socket sends of its own accord")               \
	X(RST_REPLY, "rst-reply", "RSTs that answer a segment")                                    \
	X(MINI_REPLY, "minisocket-reply", "RSTs that a mini-socket answers with")                   \
	X(RST_RECEIVED, "rst-received", "RSTs that arrive")                                        \
	X(MINI_BORN, "minisocket-born", "the mini-socket that takes over FIN_WAIT2 or TIME_WAIT")  \
	X(MINI_EXPIRED, "minisocket-expired", "the mini-socket's timer running out")               \
	X(MINI_KILLED, "minisocket-killed", "the mini-socket ending before its time")              \
	X(MINI_CALLER, "minisocket-ended-by", "what ended the mini-socket before its time")         \
	X(DESTROY, "destroy", "the socket's memory going away")                                    \
	X(RELEASE, "close-called", "the last close() of the descriptor, and the task that does it")\
	X(RST_STRAY, "stray-rst", "RSTs that answer a segment for no connection")               \
	X(REQUEST, "request", "half-open connections that end before they become a socket")        \
	X(REQUEST_CALLER, "request-ended-by", "what ended the half-open connection, if not time")

enum vantage {
#define X(id, slug, words) VANTAGE_##id,
	VANTAGES(X)
#undef X
	VANTAGE_MAX,
};

enum obs_kind {
	OBS_STATE = 1,	  /* old -> new, before the kernel stores it */
	OBS_RST_ACTIVE,	  /* tcp_send_active_reset */
	OBS_RST_REPLY,	  /* a reset that answers a segment */
	OBS_RST_RECEIVED, /* tcp_reset(); an RST only if no OBS_RST_REPLY of this socket follows */
	OBS_MINI_BORN,	  /* mini-socket armed (or armed again: same address, same tuple) */
	OBS_MINI_EXPIRED, /* its timer ran out */
	OBS_MINI_CANCEL,  /* its timer was taken off the wheel: by itself no end */
	OBS_MINI_KILLED,  /* it is gone (inet_twsk_kill) */
	OBS_MINI_ARMED,	  /* its timer was wound up again */
	OBS_MINI_FOUND,	  /* it was there when asked, and its timer was running */
	OBS_MINI_PEEK,	  /* read again on our request: mini.substate as of now, 0 = it is no longer that one */
	OBS_DESTROY,	  /* last event of a full socket */
	OBS_RELEASE,	  /* last close(), before TCP does anything */
	OBS_SNAPSHOT,	  /* existed when asked: sock.ack_age_ns and task.has_fd are of this kind alone */
	OBS_RST_STRAY,	  /* an RST that no connection sent: for a closed port (old_state 0), a listener, a request */
	OBS_OVERFLOW,	  /* the last segment of a handshake found the accept queue full, and got an RST */
	OBS_REQUEST_GONE, /* a half-open connection ended before it became a socket: request has the rest */
	OBS_KIND_MAX,
};

/* The task on the CPU. Only where `meant` is it anybody's doing. */
struct obs_task {
	uint32_t pid, tid, uid;
	int32_t exit_code; /* task->exit_code: (status << 8) | signal; only with exiting */
	bool exiting;	   /* PF_EXITING */
	bool kthread;	   /* PF_KTHREAD */
	bool meant;	   /* process context and the socket owned: this task's call led here */
	bool has_fd;	   /* OBS_SNAPSHOT: it holds the socket by descriptor fd */
	uint32_t fd;
	char comm[16];	   /* a stranger's bytes; NUL-terminated */
};

/*
 * The socket at that instant. netns_ino (0 = not said), shutdown and the
 * booleans are true in every record of a full socket but OBS_RELEASE's; the rest
 * only where obs.has_sock. Counts of bytes are differences of sequence numbers.
 */
struct obs_sock {
	struct tuple tuple;
	uint32_t netns_ino;
	uint64_t cgroup_id; /* 0 = not known */
	uint32_t uid;
	uint8_t state;	   /* sk_state at that instant */
	uint8_t shutdown;  /* RCV_SHUTDOWN 1, SEND_SHUTDOWN 2 */
	bool owned;	   /* sk_lock.owned: locked by a process */
	bool dead;	   /* SOCK_DEAD: orphan */
	bool done;	   /* SOCK_DONE: the peer's FIN was taken in sequence */
	bool has_socket;   /* sk_socket: a descriptor exists or existed until now */
	bool linger;	   /* SOCK_LINGER */
	bool keepalive;	   /* SOCK_KEEPOPEN */
	bool repair;	   /* tp->repair */
	bool mptcp;	   /* an MPTCP subflow */
	bool psock;	   /* in a sockmap: what it took looks unread */
	uint32_t linger_ms; /* sk_lingertime */
	int32_t err, err_soft; /* positive errno numbers of this kernel, 0 = none */
	uint32_t unread;   /* rcv_nxt - copied_seq: counts the FIN as one */
	uint32_t unsent;   /* write_seq - snd_nxt: counts an unsent FIN as one */
	uint32_t unacked;  /* snd_nxt - snd_una: counts SYN and FIN as one each */
	uint32_t snd_wnd;
	uint32_t retransmits, probes_out, total_retrans;
	int32_t linger2;   /* TCP_LINGER2: < 0 = no FIN_WAIT2; jiffies otherwise */
	uint32_t user_timeout_ms;
	uint64_t bytes_sent, bytes_acked, bytes_received;
	uint64_t ack_age_ns; /* OBS_SNAPSHOT: since the last acknowledgement came; 0 = not known */
};

/* What took a mini-socket's timer off before its time; slugs are in the JSON. */
#define MINI_CALLERS(X)                                                                            \
	X(UNKNOWN, NULL)     /* not looked for, or nothing that is known */                        \
	X(REARM, "rearm")    /* to be wound up again: no end */                                    \
	X(RST, "rst")	     /* an RST that arrived */                                             \
	X(SEGMENT, "segment") /* data (or a SYN) in FIN_WAIT2; a newer SYN in TIME_WAIT */          \
	X(CONNECT, "connect") /* connect() took the addresses over */                              \
	X(ABORT, "abort")    /* SOCK_DESTROY */                                                    \
	X(PURGE, "namespace-exit")

enum mini_caller {
#define X(id, slug) MINI_BY_##id,
	MINI_CALLERS(X)
#undef X
	MINI_BY_MAX,
};

struct obs_mini {
	uint64_t addr;	  /* address of the inet_timewait_sock; 0 = that hook does not show it */
	uint8_t substate; /* ST_FIN_WAIT2 or ST_TIME_WAIT */
	uint8_t caller;	     /* enum mini_caller; CANCEL and KILLED */
	uint64_t timeout_ns; /* from now until it expires; 0 = not known */
	bool ts_known, ts;   /* OBS_MINI_BORN: did the connection have TCP timestamps? */
};

/* What ended a half-open connection; slugs are in the JSON. */
#define REQUEST_CALLERS(X)                                                                         \
	X(UNKNOWN, NULL)                                                                           \
	X(TIMER, "timer")	/* the last SYN-ACK's time ran out */                              \
	X(SEGMENT, "segment")	/* an RST, a SYN, or the last segment of its handshake */          \
	X(ICMP, "icmp")                                                                            \
	X(ABORT, "abort")	/* SOCK_DESTROY */                                                 \
	X(NO_LISTENER, "no-listener") /* a segment came, and nobody listened any more */

enum request_caller {
#define X(id, slug) REQUEST_BY_##id,
	REQUEST_CALLERS(X)
#undef X
	REQUEST_BY_MAX,
};

/* A half-open connection (NEW_SYN_RECV) as it ends. */
struct obs_request {
	uint64_t listener; /* address of the listener's struct sock */
	uint64_t age_ns;   /* since its first SYN-ACK; 0 = not known */
	uint8_t caller;	   /* enum request_caller */
	bool acked;	   /* the last segment of the handshake came, and could not be used */
	bool listening;	   /* its listener still listens; else the next two are not known */
	bool deferred;	   /* TCP_DEFER_ACCEPT is on */
	bool queue_full;   /* no room in the accept queue, now */
	bool answered;	   /* an RST answered the segment that ended it (rst_reason) ... */
	bool overflow;	   /* ... which was the last one of its handshake, the queue was full, and tcp_abort_on_overflow on */
};

struct obs {
	enum obs_kind kind;
	uint64_t mono_ns; /* CLOCK_MONOTONIC */
	uint64_t sk;	  /* address of the struct sock; 0 = no full socket concerned */
	uint16_t cpu;
	bool understudy;  /* the first program on the hook was skipped for this event */
	uint8_t old_state, new_state; /* OBS_STATE; OBS_RST_STRAY: old_state alone; OBS_RELEASE and OBS_SNAPSHOT: both where it stands */
	const char *rst_reason; /* OBS_RST_ACTIVE/REPLY: kernel's name without SK_RST_REASON_, or NULL; lives as long as the run */
	bool rst_flag_known, rst_flag; /* OBS_RST_RECEIVED where the segment was seen */
	bool reset_called; /* OBS_STATE to CLOSE: as if OBS_RST_RECEIVED had come just before, by the same segment */
	int32_t release_err; /* OBS_RELEASE: sk_err then, of a live connection; 0 = none, or not known */
	bool others; /* it turned out not to be asked for; nothing more of it will come */
	bool has_sock, has_task;
	struct tuple tuple; /* family 0 = not in this record; also set where has_sock */
	struct obs_sock sock;
	struct obs_task task;
	struct obs_mini mini;
	struct obs_request request;
};

#endif
