/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * wire: what a sensor sends, byte for byte. The only C header that both sides
 * read. Numbers are appended, never reused; structs grow at their end. A reader
 * copies min(size, what it knows) over zeroes and passes over unknown kinds.
 */
#ifndef TCPCLOSE_WIRE_H
#define TCPCLOSE_WIRE_H

#define WIRE_VERSION 1

enum wire_kind {
	WIRE_STATE = 1,
	WIRE_RST_ACTIVE = 2,
	WIRE_RST_REPLY = 3,
	WIRE_RST_RECEIVED = 4,
	WIRE_MINI_BORN = 5,
	WIRE_MINI_EXPIRED = 6,
	WIRE_MINI_CANCEL = 7,
	WIRE_MINI_KILLED = 8,
	WIRE_DESTROY = 9,
	WIRE_RELEASE = 10,
	WIRE_SNAPSHOT = 11,
	WIRE_MINI_FOUND = 12, /* it was there when asked; timeout_jiffies is what is left */
	WIRE_MINI_ARMED = 13, /* its timer is wound up again */
	WIRE_RST_STRAY = 14,
	WIRE_OVERFLOW = 15, /* the last segment of a handshake finds the accept queue full, and gets an RST */
	WIRE_REQUEST_GONE = 16, /* a half-open connection ends before it becomes a socket */
	WIRE_KIND_MAX = 17,
};

/* By what call a mini-socket's timer was taken off, or a request dropped (callers.def). */
enum wire_caller {
	WIRE_BY_UNKNOWN = 0,
	WIRE_BY_REARM = 1,   /* to be wound up again: no end */
	WIRE_BY_RST = 2,     /* an RST that arrived */
	WIRE_BY_SEGMENT = 3, /* another segment that may not go to it: data in FIN_WAIT2, a new SYN in TIME_WAIT */
	WIRE_BY_CONNECT = 4,
	WIRE_BY_ABORT = 5,
	WIRE_BY_PURGE = 6, /* its network namespace goes away */
	/* of a request only: */
	WIRE_BY_CHILD = 7,	 /* it becomes a socket: no end */
	WIRE_BY_CHECK = 8,	 /* a segment: an RST, a SYN, the last one of its handshake */
	WIRE_BY_ICMP = 9,
	WIRE_BY_TIMER = 10,
	WIRE_BY_NO_LISTENER = 11, /* a segment comes, and nobody listens any more */
	WIRE_BY_MAX = 12,
};

/* Which struct follows from the first byte on. */
enum wire_layout {
	WIRE_LEAN = 1,	/* struct wire_event */
	WIRE_BRIEF = 2, /* struct wire_brief */
	WIRE_FULL = 3,	/* struct wire_full */
	WIRE_MINI = 4,	/* struct wire_mini */
	WIRE_TASK = 5,	/* struct wire_by_task */
	WIRE_PLACE = 6, /* struct wire_place */
	WIRE_SOCK = 7,	/* struct wire_alone */
	WIRE_HELD = 8,	/* struct wire_held */
	WIRE_STRAY = 9, /* struct wire_stray */
	WIRE_REQUEST = 10, /* struct wire_request */
	/* small ones, of IPv4; they begin like the others as far as `sk`, and then differ */
	WIRE_SPOT = 11,	     /* struct wire_spot */
	WIRE_SPOT_WHO = 12,  /* struct wire_spot_who */
	WIRE_SPOT_SUMS = 13, /* struct wire_spot_sums */
	WIRE_SPOT_ALL = 14,  /* struct wire_spot_all */
	WIRE_SPOT_MINI = 15, /* struct wire_spot_mini */
};

enum wire_sock_flag {
	WIRE_OWNED = 1 << 0,	  /* sk_lock.owned */
	WIRE_DEAD = 1 << 1,	  /* SOCK_DEAD */
	WIRE_DONE = 1 << 2,	  /* SOCK_DONE */
	WIRE_HAS_SOCKET = 1 << 3, /* sk_socket != NULL */
	WIRE_LINGER = 1 << 4,	  /* SOCK_LINGER */
	WIRE_KEEPALIVE = 1 << 5,  /* SOCK_KEEPOPEN */
	WIRE_REPAIR = 1 << 6,
	WIRE_MPTCP = 1 << 7,
	WIRE_UNDERSTUDY = 1 << 8,   /* the first program on this hook was skipped */
	WIRE_RST_FLAG = 1 << 9,	    /* RST_RECEIVED: the segment's RST bit is set ... */
	WIRE_RST_FLAG_KNOWN = 1 << 10, /* ... and this hook saw the segment */
	WIRE_OTHERS = 1 << 11, /* it turned out not to be asked for; nothing more of it will come */
	WIRE_PSOCK = 1 << 12,  /* in a sockmap, which takes what arrives */
	WIRE_RESET = 1 << 13,  /* STATE: tcp_reset() was entered for it just before; no record of its own */
};

enum wire_task_flag {
	WIRE_TASK_EXITING = 1 << 0,
	WIRE_TASK_KTHREAD = 1 << 1,
	WIRE_TASK_MEANT = 1 << 2, /* process context on this socket's behalf */
	WIRE_TASK_HAS_FD = 1 << 3, /* it holds the socket by descriptor fd */
};

enum wire_mini_flag {
	WIRE_MINI_TS_KNOWN = 1 << 0, /* whether this connection had TCP timestamps ... */
	WIRE_MINI_TS = 1 << 1,	     /* ... and it had */
};

enum wire_request_flag {
	WIRE_REQUEST_ACKED = 1 << 0,	  /* the last segment of the handshake came, and could not be used */
	WIRE_REQUEST_LISTENING = 1 << 1,  /* its listener still listens; else the next two are not known */
	WIRE_REQUEST_DEFERRED = 1 << 2,	  /* TCP_DEFER_ACCEPT is on */
	WIRE_REQUEST_QUEUE_FULL = 1 << 3, /* no room in the accept queue, now */
	WIRE_REQUEST_ANSWERED = 1 << 4,	  /* an RST answered the segment that ends it (ev.reason) ... */
	WIRE_REQUEST_OVERFLOW = 1 << 5,	  /* ... which was the last one of its handshake: see WIRE_OVERFLOW */
};

#define WIRE_NO_REASON 0xffffffffU

#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"

struct wire_event {
	__u16 size; /* of the whole record */
	__u8 version;
	__u8 kind;
	__u8 layout;
	__u8 hook; /* enum hook (hooks.def): for counting only */
	__u16 cpu;
	__u64 mono_ns; /* CLOCK_MONOTONIC */
	__u64 sk;      /* address of the struct sock, or of the mini-socket; an id, nothing else */
	__u64 unused;  /* 0; older records: sk_cookie */
	__u16 flags;   /* enum wire_sock_flag */
	__u8 old_state;
	__u8 new_state;
	__u8 shutdown;
	__u8 pad[3];
	/* enum sk_rst_reason by this kernel's numbers, WIRE_NO_REASON; RELEASE: sk_err at that instant */
	__u32 reason;
	__u32 netns_ino;
};

struct wire_tuple {
	__u8 local[16]; /* IPv4 in the first four */
	__u8 peer[16];
	__u16 local_port; /* host order */
	__u16 peer_port;
	__u8 family; /* 4 or 6, as on the wire */
	__u8 pad[3];
};

struct wire_task {
	__u32 pid;
	__u32 tid;
	__u32 uid;
	__s32 exit_code;
	__u32 flags; /* enum wire_task_flag */
	__u8 comm[16];
	__u32 fd; /* with WIRE_TASK_HAS_FD */
};

struct wire_sock {
	struct wire_tuple tuple;
	__u64 unused; /* 0; older records: the cookie of its network namespace */
	__u64 cgroup_id;
	__u64 bytes_sent;
	__u64 bytes_acked;
	__u64 bytes_received;
	__u32 linger_jiffies;
	__u32 uid;
	__s32 err;
	__s32 err_soft;
	__u32 unread;
	__u32 unsent;
	__u32 unacked;
	__u32 snd_wnd;
	__u32 user_timeout_ms;
	__u32 total_retrans;
	__s32 linger2;
	__u8 state;
	__u8 retransmits;
	__u8 probes_out;
	__u8 pad;
};

struct wire_by_task {
	struct wire_event ev;
	struct wire_task task;
};

struct wire_place {
	struct wire_event ev;
	struct wire_tuple tuple;
};

struct wire_brief {
	struct wire_event ev;
	struct wire_task task;
	struct wire_tuple tuple;
};

struct wire_alone {
	struct wire_event ev;
	struct wire_sock sock;
};

struct wire_full {
	struct wire_event ev;
	struct wire_task task;
	struct wire_sock sock;
};

/* A socket that was there when asked, and who holds it. */
struct wire_held {
	struct wire_event ev;
	struct wire_task task;
	struct wire_sock sock;
	__u32 ack_age_jiffies; /* since the peer last acknowledged anything; 0 = not known */
	__u32 pad;
};

/* ev.sk is the mini-socket's address, ev.new_state its substate. */
struct wire_mini {
	struct wire_event ev;
	struct wire_tuple tuple;
	__u32 timeout_jiffies; /* until its timer runs out; 0 = not armed yet where this hook sits */
	__u8 caller;	       /* enum wire_caller; MINI_CANCEL and MINI_KILLED before its time */
	__u8 flags;	       /* enum wire_mini_flag */
	__u8 pad[2];
};

/* An RST that no connection sent: ev.old_state is what answered (0 none, LISTEN, NEW_SYN_RECV). */
struct wire_stray {
	struct wire_event ev;
	struct wire_tuple tuple;
};

/* ev.sk is the request's address. */
struct wire_request {
	struct wire_event ev;
	struct wire_tuple tuple;
	__u64 listener; /* address of the struct sock that it belongs to; an id, nothing else */
	__u64 age_ns;	/* since its first SYN-ACK; 0 = not known */
	__u16 flags;	/* enum wire_request_flag */
	__u8 caller;	/* enum wire_caller */
	__u8 pad[5];
};

#define WIRE_SPOT_NO_REASON 0xffff

/* What happened, and where. The fields mean what those of struct wire_event and wire_tuple mean. */
struct wire_spot {
	__u16 size;
	__u8 version;
	__u8 kind;
	__u8 layout;
	__u8 hook;
	__u16 cpu;
	__u64 mono_ns;
	__u64 sk;
	__u16 flags;
	__u8 old_state;
	__u8 new_state;
	__u32 netns_ino;
	__u32 local; /* IPv4 as on the wire */
	__u32 peer;
	__u16 local_port; /* host order */
	__u16 peer_port;
	__u16 reason; /* WIRE_SPOT_NO_REASON */
	__u8 shutdown;
	__u8 pad;
};

struct wire_who {
	__u32 pid;
	__u32 tid;
	__u32 uid;
	__u16 exit_code;
	__u16 flags; /* enum wire_task_flag */
	__u8 comm[16];
};

/* Of struct wire_sock what a verdict reads; the socket's state is the record's old_state. */
struct wire_sums {
	__u64 cgroup_id;
	__u32 bytes_sent;
	__u32 bytes_received;
	__u32 linger_jiffies;
	__u32 unread;
	__u32 unsent;
	__u32 unacked;
	__u32 snd_wnd;
	__u32 user_timeout_ms;
	__u32 total_retrans;
	__s32 linger2;
	__u16 err;
	__u16 err_soft;
	__u8 retransmits;
	__u8 probes_out;
	__u8 pad[2];
};

struct wire_spot_who {
	struct wire_spot spot;
	struct wire_who who;
};

struct wire_spot_sums {
	struct wire_spot spot;
	struct wire_sums sums;
};

struct wire_spot_all {
	struct wire_spot spot;
	struct wire_who who;
	struct wire_sums sums;
};

/* spot.sk is the mini-socket's address, spot.new_state its substate. */
struct wire_spot_mini {
	struct wire_spot spot;
	__u32 timeout_jiffies;
	__u8 caller;
	__u8 flags;
	__u8 pad[2];
};

/* One question and its answer (the peek program): is it still that mini-socket, and where? */
struct wire_peek {
	__u64 addr;
	struct wire_tuple tuple; /* out */
	__u8 substate;		 /* out; 0 = no mini-socket there any more */
	__u8 pad[7];
};
#define WIRE_PEEK_MAX 256

#define WIRE_FILTER_PIDS 64
#define WIRE_FILTER_PORTS 64

struct wire_filter {
	__u32 n_pids;
	__u32 n_ports;
	__u32 n_local_ports;
	__u32 n_remote_ports;
	__u32 pids[WIRE_FILTER_PIDS];
	__u16 ports[WIRE_FILTER_PORTS]; /* host order */
	__u16 local_ports[WIRE_FILTER_PORTS];
	__u16 remote_ports[WIRE_FILTER_PORTS];
	__u8 addr[16];
	__u64 cgroup_id;
	__u32 netns_ino;
	__u8 addr_family; /* 4, 6, 0 = any */
	__u8 addr_bits;
	__u8 family; /* 4, 6, 0 = both */
	__u8 on;     /* anything but pids set: look at the tuple at all */
};

/* A function of the kernel: where its code is. */
struct wire_code {
	__u64 start;
	__u64 end;
	__u32 caller; /* enum wire_caller */
	__u32 pad;
};
#define WIRE_CODES_MAX 40
#define WIRE_MARKS 1024 /* places for marks, where a socket's is found by its address */

/* What user space found out before the programs were loaded; frozen, so dead branches vanish. */
struct wire_config {
	struct wire_filter filter;
	__u64 tw_timer_handler; /* kernel address, 0 = not known */
	__u64 reqsk_timer_handler; /* likewise; 0 too where timers are not asked for requests */
	__u64 wake_bytes;	/* wake the reader once that much waits */
	__u8 active_reason_arg; /* argument index, 0 = none (argument 0 is the socket) */
	__u8 reply_reason_arg;
	__u8 tp_reason_arg;
	__u8 reset_skb_arg;
	__u8 events; /* send what no verdict needs too */
	__u8 tp_mini_killed; /* timer_cancel is asked for mini-sockets, too */
	__u16 second_understudies; /* bits 1 << hook: sense.bpf.h */
	__u32 n_codes; /* 0 = not known */
	__u32 pad2;
	struct wire_code codes[WIRE_CODES_MAX];
};

/* Per hook and CPU. */
struct wire_count {
	__u64 lost;    /* the ring had no room, or the socket could not be read */
	__u64 rescued; /* the understudy stepped in: nothing lost */
};

#pragma GCC diagnostic pop

#endif
