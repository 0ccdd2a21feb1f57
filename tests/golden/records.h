/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The records that every sink of lines is shown: several causes, IPv6, a hostile
 * name, an unknown owner, lost bytes, and one of each other kind.
 */
#ifndef TCPCLOSE_TESTS_GOLDEN_RECORDS_H
#define TCPCLOSE_TESTS_GOLDEN_RECORDS_H

#include <errno.h>
#include <string.h>

#include "core/record.h"

#define US UINT64_C(1000)
#define MS (1000 * US)
#define SEC (1000 * MS)
/* 2024-05-01T12:00:00Z, had the machine started then. */
#define WALL_MINUS_MONO (UINT64_C(1714564800) * SEC)

#define V4(a, b, c, d, p) { .addr = { a, b, c, d }, .port = p }
#define LOOPBACK(local_port, peer_port)                                                            \
	{ .family = 4, .local = V4(127, 0, 0, 1, local_port), .peer = V4(127, 0, 0, 1, peer_port) }
#define OWNED_BY(name, id, how)                                                                    \
	{ .source = how, .pid = id, .tid = id, .uid = 1000, .comm = name }
#define STEP(name, at) { .state = ST_##name, .at_ns = at }

static const struct verdict verdicts[] = {
	{
		.conn = 1, .pair = 2, .mono_ns = 10 * SEC + 1234567, .tuple = LOOPBACK(9000, 40000),
		.netns = 4026531840, .cgroup_id = 77,
		.owner = OWNED_BY("echo-server", 4711, OWNER_CLOSE),
		.closer = OWNED_BY("echo-server", 4711, OWNER_CLOSE),
		.cause = CAUSE_ACTIVE_CLOSE, .how = HOW_FIN, .first_closer = CLOSER_LOCAL,
		.n_path = 4,
		.path = { STEP(ESTABLISHED, 0), STEP(FIN_WAIT1, 10 * SEC), STEP(FIN_WAIT2, 10 * SEC + 40 * US),
			  STEP(TIME_WAIT, 10 * SEC + 100 * US) },
		.sent_bytes = 11, .received_bytes = 11, .age_ns = 10 * SEC + 100 * US,
		.minisocket = ST_TIME_WAIT,
		.evidence = EV(ACCEPTED) | EV(FIN_FIRST) | EV(FIN_ACKED) | EV(MINI_TIME_WAIT), .complete = true,
	},
	{
		.conn = 2, .pair = 1, .mono_ns = 10 * SEC + 1334567, .tuple = LOOPBACK(40000, 9000),
		.netns = 4026531840,
		.owner = OWNED_BY("echo-client", 4712, OWNER_CONNECT),
		.closer = OWNED_BY("echo-client", 4712, OWNER_CLOSE),
		.cause = CAUSE_PASSIVE_CLOSE, .how = HOW_FIN, .first_closer = CLOSER_PEER,
		.n_path = 5,
		.path = { STEP(SYN_SENT, 0), STEP(ESTABLISHED, 60 * US), STEP(CLOSE_WAIT, 10 * SEC),
			  STEP(LAST_ACK, 10 * SEC + 50 * US), STEP(CLOSE, 10 * SEC + 120 * US) },
		.sent_bytes = 11, .received_bytes = 11, .age_ns = 10 * SEC + 120 * US,
		.evidence = EV(CONNECTED) | EV(PEER_FIN_FIRST) | EV(FIN_AFTER) | EV(LAST_ACKED), .complete = true,
	},
	{	/* bytes lost, addresses of real length */
		.conn = 3, .mono_ns = 11 * SEC,
		.tuple = { .family = 4, .local = V4(192, 168, 1, 10, 443), .peer = V4(142, 250, 185, 78, 51234) },
		.netns = 4026531840,
		.owner = OWNED_BY("nginx", 812, OWNER_CLOSE), .closer = OWNED_BY("nginx", 812, OWNER_CLOSE),
		.cause = CAUSE_UNREAD_DATA, .how = HOW_RST, .first_closer = CLOSER_LOCAL,
		.n_path = 2, .path = { STEP(ESTABLISHED, 0), STEP(CLOSE, 12300 * US) },
		.rst_sent = 1, .rst_reason = "TCP_ABORT_ON_CLOSE",
		.unread_bytes = 37, .unsent_bytes = 1460, .unacked_bytes = 2920,
		.sent_bytes = 1048576, .received_bytes = 37, .retransmits = 2, .age_ns = 12300 * US,
		.evidence = EV(ACCEPTED) | EV(BY_CALL) | EV(UNREAD) | EV(UNSENT) | EV(UNACKED) | EV(RST_ACTIVE),
		.complete = true,
	},
	{	/* the short form of the same on loopback */
		.conn = 4, .mono_ns = 11 * SEC + 1,
		.tuple = LOOPBACK(9000, 40002), .netns = 4026531840,
		.owner = OWNED_BY("tcpclose-echo-s", 4194304, OWNER_HOLDS),
		.closer = OWNED_BY("tcpclose-echo-s", 4194304, OWNER_CLOSE), .exit_code = 9,
		.cause = CAUSE_LINGER_ZERO, .how = HOW_RST, .first_closer = CLOSER_LOCAL,
		.n_path = 2, .path = { STEP(ESTABLISHED, 0), STEP(CLOSE, 850) },
		.rst_sent = 1, .rst_reason = "TCP_STATE", .linger_on = true,
		.unsent_bytes = 37, .sent_bytes = 0, .age_ns = 850,
		.evidence = EV(BY_CALL) | EV(LINGER_ZERO) | EV(UNSENT) | EV(RST_ACTIVE) | EV(EXITING) | EV(KILLED),
		.complete = true,
	},
	{	/* how is not what the cause usually looks like */
		.conn = 5, .mono_ns = 12 * SEC, .tuple = LOOPBACK(9000, 40004), .netns = 4026531840,
		.owner = OWNED_BY("a", 1, OWNER_CLOSE), .closer = OWNED_BY("a", 1, OWNER_CLOSE),
		.cause = CAUSE_LINGER_ZERO, .how = HOW_SILENT, .first_closer = CLOSER_LOCAL,
		.n_path = 2, .path = { STEP(CLOSE_WAIT, 0), STEP(CLOSE, 1) },
		.linger_on = true, .linger_ms = 1500, .age_ns = 123 * MS,
		.evidence = EV(BY_CALL) | EV(LINGER_ZERO), .complete = true,
	},
	{	/* a name that wants to be something else, and a peer that reset */
		.conn = 6, .mono_ns = 13 * SEC,
		.tuple = { .family = 6, .local = { .addr = { [15] = 1 }, .port = 8080 },
			   .peer = { .addr = { [15] = 1 }, .port = 52000 } },
		.netns = 4026532000,
		.owner = OWNED_BY("\033[2J\"\\\n\xff\xc3\xb6", 666, OWNER_CONNECT),
		.cause = CAUSE_PEER_RESET, .how = HOW_RST, .first_closer = CLOSER_PEER,
		.n_path = 2, .path = { STEP(ESTABLISHED, 0), STEP(CLOSE, 60 * SEC) },
		.rst_received = 1, .unacked_bytes = 5, .error = ECONNRESET, .age_ns = 60 * SEC,
		.evidence = EV(CONNECTED) | EV(ERR_RESET) | EV(UNACKED) | EV(RESET_CALLED) | EV(RST_IN),
		.complete = true,
	},
	{	/* two IPv6 addresses that still fit on one line of their own */
		.conn = 7, .mono_ns = 14 * SEC,
		.tuple = { .family = 6, .local = { .addr = { 0x20, 1, 0xd, 0xb8, [15] = 1 }, .port = 443 },
			   .peer = { .addr = { 0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, [15] = 0x42 }, .port = 65535 } },
		.netns = 4026531840,
		.owner = OWNED_BY("caddy", 99, OWNER_CLOSE),
		.cause = CAUSE_KEEPALIVE_TIMEOUT, .how = HOW_TIMEOUT, .first_closer = CLOSER_LOCAL,
		.n_path = 2, .path = { STEP(ESTABLISHED, 0), STEP(CLOSE, 7875 * SEC) },
		.rst_sent = 1, .rst_reason = "TCP_KEEPALIVE_TIMEOUT", .error = ETIMEDOUT, .age_ns = 7875 * SEC,
		.evidence = EV(ACCEPTED) | EV(KEEPALIVE) | EV(PROBED) | EV(ERR_TIMEOUT) | EV(RST_ACTIVE) |
			    EV(REASON_KEEPALIVE),
		.complete = true,
	},
	{	/* two IPv6 addresses that do not; older than the trace; nobody known; blind */
		.conn = 8, .mono_ns = 15 * SEC,
		.tuple = { .family = 6,
			   .local = { .addr = { 0x20, 1, 0xd, 0xb8, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0x12,
						0x34, 0x56, 0x78 }, .port = 54321 },
			   .peer = { .addr = { 0x20, 1, 0xd, 0xb8, 0x87, 0x65, 0x43, 0x21, 0xfe, 0xdc, 0xba, 0x98, 0x76,
					       0x54, 0x32, 0x10 }, .port = 12345 } },
		.netns = 4026531840,
		.cause = CAUSE_RETRANSMIT_TIMEOUT, .how = HOW_TIMEOUT, .first_closer = CLOSER_NONE,
		.n_path = 1, .path = { STEP(CLOSE, 0) },
		.unacked_bytes = 123456, .error = EHOSTUNREACH, .age_ns = 932 * SEC,
		.evidence = EV(UNACKED) | EV(ERR_OTHER) | EV(ERR_SOFT) | EV(OLDER),
		.blind = EV(RST_REPLY) | EV(MINI_KILLED) | EV(MINI_RST_IN),
	},
	{	/* the longest that IPv4 has, and nothing fits */
		.conn = 9, .mono_ns = 16 * SEC,
		.tuple = { .family = 4, .local = V4(255, 255, 255, 255, 65535), .peer = V4(255, 255, 255, 254, 65534) },
		.netns = 4026531840,
		.owner = OWNED_BY("fifteen-letters", 4194303, OWNER_CLOSE),
		.cause = CAUSE_UNKNOWN, .how = HOW_TIMEOUT, .first_closer = CLOSER_BOTH,
		.n_path = 2, .path = { STEP(ESTABLISHED, 0), STEP(CLOSE, 99949 * US) },
		.unread_bytes = 4294967295, .unsent_bytes = 4294967295, .unacked_bytes = 4294967295,
		.age_ns = 99949 * US, .evidence = EV(GAP),
	},
	{	/* no tuple, no port: a connect() that never got one */
		.conn = 10, .mono_ns = 17 * SEC,
		.tuple = { .family = 4, .local = V4(0, 0, 0, 0, 0), .peer = V4(192, 0, 2, 1, 80) },
		.netns = 4026531840,
		.owner = OWNED_BY("curl", 31337, OWNER_CONNECT), .closer = OWNED_BY("curl", 31337, OWNER_CLOSE),
		.exit_code = 7 << 8,
		.cause = CAUSE_CONNECT_FAILED, .how = HOW_SILENT, .first_closer = CLOSER_LOCAL,
		.n_path = 2, .path = { STEP(SYN_SENT, 0), STEP(CLOSE, 3 * US) },
		.error = EADDRNOTAVAIL, .age_ns = 3 * US,
		.evidence = EV(CONNECTED) | EV(SYN_UNSENT) | EV(IN_SYN_SENT) | EV(BY_CALL) | EV(EXITING),
		.complete = true,
	},
	{	/* evicted before anything was known of it */
		.conn = 11, .mono_ns = 18 * SEC, .cause = CAUSE_UNKNOWN, .how = HOW_SILENT,
		.first_closer = CLOSER_NONE, .evidence = EV(OLDER) | EV(EVICTED),
	},
};
#define N_VERDICTS (sizeof(verdicts) / sizeof(verdicts[0]))

static const struct minisocket minisockets[] = {
	{
		.conn = 1, .mono_ns = 70 * SEC, .tuple = LOOPBACK(9000, 40000), .netns = 4026531840,
		.owner = OWNED_BY("echo-server", 4711, OWNER_CLOSE),
		.fin_wait2_ns = 1500 * MS, .time_wait_ns = 60 * SEC, .end = MINI_EXPIRED, .complete = true,
	},
	{ .conn = 12, .mono_ns = 70 * SEC + 1, .tuple = LOOPBACK(1, 2), .time_wait_ns = 5 * MS, .end = MINI_NEW_SYN },
};

static const struct obs observations[] = {
	{
		.kind = OBS_STATE, .old_state = ST_ESTABLISHED, .new_state = ST_FIN_WAIT1, .cpu = 1,
		.has_task = true, .task = { .pid = 4711, .tid = 4712, .comm = "echo\033server", .meant = true },
		.has_sock = true,
		.sock = { .state = ST_ESTABLISHED, .shutdown = 3, .owned = true, .snd_wnd = 65536, .linger_ms = 2500,
			  .linger2 = -1, .err = EPIPE, .user_timeout_ms = 30000, .netns_ino = 4026531840 },
	},
	{ .kind = OBS_RST_ACTIVE, .rst_reason = "TCP_STATE", .has_task = true, .task = { .comm = "swapper/0" } },
	{ .kind = OBS_RST_RECEIVED, .rst_flag_known = true, .rst_flag = false, .understudy = true },
	{ .kind = OBS_MINI_BORN, .mini = { .addr = 1, .substate = ST_TIME_WAIT, .timeout_ns = 60 * SEC } },
	{ .kind = OBS_MINI_CANCEL, .mini = { .addr = 1 } },
	{ .kind = OBS_DESTROY },
};
#define N_OBSERVATIONS (sizeof(observations) / sizeof(observations[0]))

static const struct event events[N_OBSERVATIONS] = {
	{ .conn = 1, .obs = &observations[0], .tuple = LOOPBACK(9000, 40000) },
	{ .conn = 1, .obs = &observations[1], .tuple = LOOPBACK(9000, 40000) },
	{ .conn = 123456, .obs = &observations[2], .tuple = LOOPBACK(9000, 40000) },
	{ .conn = 1, .obs = &observations[3], .tuple = LOOPBACK(9000, 40000) },
	{ .conn = 1, .obs = &observations[4], .tuple = LOOPBACK(9000, 40000) },
	{ .obs = &observations[5] },
};

static const struct app apps[] = {
	{ .mono_ns = 20 * SEC, .took_ns = 10 * MS, .conn = 2, .role = "client", .pid = 4712, .call = "read",
	  .args = "3, buf, 4096", .result = -1, .error = ECONNRESET, .tuple = LOOPBACK(40000, 9000) },
	{ .mono_ns = 20 * SEC + 1, .role = "server", .pid = 4711, .call = "listen", .args = "3, 1", .result = 0 },
};

static const struct segment segments[] = {
	{ .mono_ns = 21 * SEC, .conn = 1, .family = 4, .from = V4(127, 0, 0, 1, 9000), .to = V4(127, 0, 0, 1, 40000),
	  .tcp_flags = 0x14, .seq = 4294967295, .ack = 12, .window = 65536 },
	{ .mono_ns = 21 * SEC + 1, .family = 6, .from = { .addr = { [15] = 1 }, .port = 1 },
	  .to = { .addr = { [15] = 1 }, .port = 2 }, .tcp_flags = 0x18, .len = 11 },
	{ .mono_ns = 21 * SEC + 2, .family = 4, .from = V4(1, 2, 3, 4, 5), .to = V4(5, 4, 3, 2, 1), .tcp_flags = 0 },
};

static const struct loss losses[] = {
	{ .mono_ns = 22 * SEC, .where = "tcp_set_state", .count = 17 },
};

static const struct story stories[] = {
	{ .begin = true, .ending = "linger-zero", .title = "close() with SO_LINGER on and 0 seconds",
	  .closer = "server", .server_port = 9000 },
	{ .ending = "linger-zero", .title = "close() with SO_LINGER on and 0 seconds", .closer = "server",
	  .server_port = 9000, .expect = { CAUSE_LINGER_ZERO, CAUSE_PEER_RESET }, .as_expected = true },
	{ .ending = "default", .title = "close()", .closer = "client", .server_port = 9000,
	  .expect = { CAUSE_PASSIVE_CLOSE, CAUSE_ACTIVE_CLOSE } },
};

static const struct reset resets[] = {
	{ .mono_ns = 23 * SEC, .tuple = LOOPBACK(9000, 40000), .netns = 4026531840, .by = RESET_NO_SOCKET,
	  .reason = "NO_SOCKET", .to = 2, .of = 1, .owner = OWNED_BY("echo-server", 4711, OWNER_CLOSE),
	  .cause = CAUSE_LINGER_ZERO, .after_ns = 3200 * MS },
	{ .mono_ns = 23 * SEC + 1, .tuple = LOOPBACK(1, 40001), .by = RESET_LISTENER },
	{ .mono_ns = 23 * SEC + 2, .tuple = LOOPBACK(9000, 40000), .by = RESET_MINISOCKET, .of = 1,
	  .cause = CAUSE_DATA_AFTER_CLOSE, .after_ns = 5 * MS },
};

#define COUNTED(id, count, from, to, is)                                                           \
	[COUNTER_##id] = { .counter = COUNTER_##id, .kernel = count, .observed = { from, to }, .result = is }
static const struct trial trials[] = {
	{ .mono_ns = 79 * SEC, .number = 1, .of = 4, .ending = "linger-zero", .closer = "server", .ip = "ipv4",
	  .took_ns = 400 * MS, .tries = 1, .expect = { CAUSE_LINGER_ZERO, CAUSE_PEER_RESET },
	  .seen = { CAUSE_LINGER_ZERO, CAUSE_PEER_RESET }, .has_expect = { true, true }, .has_seen = { true, true },
	  .saw = { "close: 0", "read: ECONNRESET" }, .segments = { 8, 2, 0, 1, 2 },
	  .counts = { COUNTED(OUT_RSTS, 1, 1, 1, AUDIT_EXACT), COUNTED(ABORT_ON_DATA, 1, 0, 1, AUDIT_WITHIN) } },
	{ .mono_ns = 79 * SEC + 1, .number = 2, .of = 4, .ending = "refused", .closer = "client", .ip = "mapped",
	  .outcome = TRIAL_FAILED, .took_ns = SEC, .tries = 3, .expect = { CAUSE_UNKNOWN, CAUSE_REFUSED },
	  .seen = { CAUSE_UNKNOWN, CAUSE_UNREACHABLE }, .has_expect = { false, true }, .has_seen = { false, true },
	  .saw = { "bind: 0", "connect: ECONNREFUSED" }, .segments = { 2, 1, 0, 1, 0 },
	  .counts = { COUNTED(OUT_RSTS, 1, 0, 0, AUDIT_GAP), COUNTED(TIME_WAIT, 0, 1, 2, AUDIT_GAP) },
	  .why = { "the client's verdict is unreachable, not refused", "OutRsts is 1, observed were 0" }, .n_why = 2 },
	{ .mono_ns = 79 * SEC + 2, .number = 3, .of = 4, .ending = "simultaneous", .closer = "server", .ip = "ipv6",
	  .outcome = TRIAL_SKIPPED, .why = { "no IPv6 on this machine" }, .n_why = 1 },
	{ .mono_ns = 79 * SEC + 3, .number = 4, .of = 4, .ending = "tw-reset", .closer = "client", .ip = "ipv6",
	  .outcome = TRIAL_FAILED, .took_ns = SEC, .tries = 1, .expect = { CAUSE_UNKNOWN, CAUSE_ACTIVE_CLOSE },
	  .seen = { CAUSE_UNKNOWN, CAUSE_ACTIVE_CLOSE }, .has_expect = { false, true }, .has_seen = { false, true },
	  .saw = { "receive: 0", "close: 0" }, .segments = { 10, 2, 2, 1, 2 }, .mini_expect = "reset", .mini_seen = "unseen",
	  .why = { "the client's mini-socket ended as unseen, not reset" }, .n_why = 1 },
};

static const struct audit_line audits[] = {
	{ .netns = 4026531840, .count = { COUNTER_OUT_RSTS, 180, { 180, 180 }, AUDIT_EXACT } },
	{ .netns = 4026532000, .count = { COUNTER_OUT_RSTS, 5, { 1, 2 }, AUDIT_GAP } },
};

/* Resets with a gap, aborts with more than was counted, and one that cannot be seen. */
#define AUDIT_SUM                                                                                  \
	{ .made = true, .namespaces = 2, .unread = 1, .in_flight = 3, .gap = true,                 \
	  .total = { [COUNTER_OUT_RSTS] = { 185, 182, 0, 0, 4026532000 },                          \
		     [COUNTER_ESTAB_RESETS] = { 1234567, 1234567, 0, 0, 0 },                       \
		     [COUNTER_ABORT_ON_DATA] = { 3, 3, 2, 0, 4026531840 },                         \
		     [COUNTER_TIME_WAIT] = { 9, 8, 0, 1, 0 },                                      \
		     [COUNTER_TIMEOUTS] = { 9, 2, 0, 7, 0 } } }

static const struct summary summaries[] = {
	{ .mono_ns = 80 * SEC, .duration_ns = 80 * SEC, .events = 1234567, .verdicts = 11,
	  .by_cause = { [CAUSE_UNKNOWN] = 2, [CAUSE_ACTIVE_CLOSE] = 1, [CAUSE_PASSIVE_CLOSE] = 1,
			[CAUSE_LINGER_ZERO] = 2, [CAUSE_UNREAD_DATA] = 1, [CAUSE_PEER_RESET] = 4 },
	  .lost = 3, .missed = 5, .rescued = 4, .evicted = 1, .filtered = 9, .open = 6, .resets = 3 },
	{ .mono_ns = 81 * SEC, .duration_ns = 5 * SEC, .events = 0, .verdicts = 0 },
	{ .mono_ns = 82 * SEC, .duration_ns = 5 * SEC, .events = 1, .verdicts = 0, .audit = AUDIT_SUM },
	{ .mono_ns = 83 * SEC, .duration_ns = 5 * SEC, .audit = { .made = true, .namespaces = 1 } },
};

static const struct left lefts[] = {
	{ .ending = "default", .closer = "client", .runs = 100, .as_expected = 100, .time_wait = 98, .fin_wait2 = 1,
	  .others = 1, .ephemeral_ports = 100, .range_ports = 28232, .mini_bytes = 256, .kernel_bytes = 99 * 256 },
	{ .ending = "linger-zero", .closer = "client", .runs = 100, .as_expected = 99, .rst_sent = 100,
	  .lost_bytes = 37 },
};

/* All of them, in turn. */
#define EACH(array, rec, member, mono)                                                             \
	for (size_t i_ = 0; i_ < sizeof(array) / sizeof((array)[0]) && !err; i_++) {               \
		struct record record = { .kind = rec, .mono_ns = mono, .member = &(array)[i_] };    \
		err = take(ctx, &record);                                                           \
	}

/* The first error of take() ends it. */
static inline int golden_records(int (*take)(void *ctx, const struct record *record), void *ctx)
{
	int err = 0;

	EACH(stories, REC_STORY, story, 9 * SEC)
	EACH(verdicts, REC_CLOSE, close, verdicts[i_].mono_ns)
	EACH(events, REC_EVENT, event, 19 * SEC + 5 * i_)
	EACH(apps, REC_APP, app, apps[i_].mono_ns)
	EACH(segments, REC_SEGMENT, segment, segments[i_].mono_ns)
	EACH(losses, REC_LOSS, loss, losses[i_].mono_ns)
	EACH(minisockets, REC_MINISOCKET, minisocket, minisockets[i_].mono_ns)
	EACH(lefts, REC_LEFT, left, 79 * SEC)
	EACH(resets, REC_RESET, reset, resets[i_].mono_ns)
	EACH(trials, REC_TRIAL, trial, trials[i_].mono_ns)
	EACH(audits, REC_AUDIT, audit, 79 * SEC + 5)
	EACH(summaries, REC_SUMMARY, summary, summaries[i_].mono_ns)
	return err;
}

#endif
