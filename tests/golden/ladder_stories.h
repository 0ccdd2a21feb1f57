/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The stories that the ladder's golden files show. Times are as on a real machine, rounded. */
#ifndef TCPCLOSE_TESTS_LADDER_STORIES_H
#define TCPCLOSE_TESTS_LADDER_STORIES_H

#include "ladder_story.h"

#define STEPS(x) x, sizeof(x) / sizeof((x)[0])

#define SERVER_OWNER                                                                        \
	{                                                                                   \
		.source = OWNER_CLOSE, .pid = 4711, .tid = 4711, .comm = "tcpclose-echo-s" \
	}
#define CLIENT_OWNER                                                                         \
	{                                                                                    \
		.source = OWNER_CONNECT, .pid = 4712, .tid = 4712, .comm = "tcpclose-echo-c" \
	}

/* Handshake, "Hi, gopher?" and its echo. */
#define HANDSHAKE                                                                    \
	CALL(70, C, "connect", 0, .args = "4, 127.0.0.1:7007", .took_us = 67),       \
		STATE(5, C, CLOSE, SYN_SENT), SEG(9, C, SYN, 0, 0, 0),               \
		SEG(31, S, SYN | ACK, 0, 1, 0), STATE(40, C, SYN_SENT, ESTABLISHED), \
		SEG(44, C, ACK, 1, 1, 0), STATE(49, S, LISTEN, SYN_RECV),            \
		STATE(51, S, SYN_RECV, ESTABLISHED), CALL(77, S, "accept", 5, .took_us = 400)
#define ECHO                                                                                \
	SEG(130, C, PSH | ACK, 1, 1, 11), SEG(141, S, ACK, 1, 12, 0),                       \
		CALL(155, C, "write", 11, .args = "4, \"Hi, gopher?\", 11", .took_us = 30), \
		CALL(171, S, "read", 11, .took_us = 90), SEG(190, S, PSH | ACK, 1, 12, 11), \
		SEG(199, C, ACK, 12, 12, 0),                                                \
		CALL(207, S, "write", 11, .args = "5, \"Hi, gopher?\", 11", .took_us = 22), \
		CALL(225, C, "read", 11, .took_us = 60)

static const struct verdict default_server = {
	.conn = 1,
	.owner = SERVER_OWNER,
	.closer = SERVER_OWNER,
	.cause = CAUSE_ACTIVE_CLOSE,
	.how = HOW_FIN,
	.first_closer = CLOSER_LOCAL,
	.n_path = 4,
	.path = {{ST_ESTABLISHED, 0},
		 {ST_FIN_WAIT1, 100249000},
		 {ST_FIN_WAIT2, 100300000},
		 {ST_TIME_WAIT, 100412000}},
	.sent_bytes = 11,
	.received_bytes = 11,
	.minisocket = ST_TIME_WAIT,
	.complete = true,
	.evidence = EV(ACCEPTED) | EV(FIN_FIRST) | EV(FIN_ACKED) | EV(MINI_TIME_WAIT),
};
static const struct verdict default_client = {
	.owner = CLIENT_OWNER,
	.closer = CLIENT_OWNER,
	.cause = CAUSE_PASSIVE_CLOSE,
	.how = HOW_FIN,
	.first_closer = CLOSER_PEER,
	.n_path = 4,
	.path = {{ST_ESTABLISHED, 0},
		 {ST_CLOSE_WAIT, 100270000},
		 {ST_LAST_ACK, 100390000},
		 {ST_CLOSE, 100430000}},
	.sent_bytes = 11,
	.received_bytes = 11,
	.complete = true,
	.evidence = EV(CONNECTED) | EV(PEER_FIN_FIRST) | EV(FIN_AFTER) | EV(LAST_ACKED),
};
static const struct story default_story = {
	.ending = "default",
	.title = "close() with nothing special set: the four-way goodbye",
	.closer = "server",
	.server_port = SERVER_PORT,
	.expect = {CAUSE_ACTIVE_CLOSE, CAUSE_PASSIVE_CLOSE},
	.as_expected = true,
};
#define DEFAULT_END                                                                              \
	OBS(100290, S, RELEASE), STATE(100300, S, ESTABLISHED, FIN_WAIT1),                       \
		SEG(100306, S, FIN | ACK, 12, 12, 0), STATE(100315, C, ESTABLISHED, CLOSE_WAIT), \
		SEG(100322, C, ACK, 12, 13, 0), STATE(100329, S, FIN_WAIT1, FIN_WAIT2),          \
		CALL(100341, S, "close", 0, .took_us = 58),                                      \
		CALL(100352, C, "read", 0, .took_us = 100100), OBS(100430, C, RELEASE),          \
		STATE(100436, C, CLOSE_WAIT, LAST_ACK), SEG(100441, C, FIN | ACK, 12, 13, 0),    \
		OBS(100449, S, MINI_BORN, .to = ST_TIME_WAIT, .seconds = 60),                    \
		STATE(100451, S, FIN_WAIT2, CLOSE), SEG(100457, S, ACK, 13, 13, 0),              \
		STATE(100465, C, LAST_ACK, CLOSE), CALL(100480, C, "close", 0, .took_us = 55)
static const struct step default_steps[] = {
	HANDSHAKE,
	ECHO,
	DEFAULT_END,
	VERDICT(100480, C, default_client),
	VERDICT(100480, S, default_server),
};
/* TIME_WAIT is taken over by a SYN: the tuple lives again, and leaves a mini-socket of its own. */
static const struct verdict again_server = {
	.conn = 5,
	.owner = SERVER_OWNER,
	.closer = SERVER_OWNER,
	.cause = CAUSE_ACTIVE_CLOSE,
	.how = HOW_FIN,
	.first_closer = CLOSER_LOCAL,
	.minisocket = ST_TIME_WAIT,
	.complete = true,
	.evidence = EV(ACCEPTED) | EV(FIN_FIRST) | EV(MINI_TIME_WAIT),
};
static const struct step again_steps[] = {
	DEFAULT_END,
	VERDICT(100480, C, default_client),
	VERDICT(100480, S, default_server),
	SEG(100700, C, SYN, 20, 0, 0),
	OBS(100702, S, MINI_CANCEL, .to = ST_TIME_WAIT),
	MINISOCKET(100702, S, 253, .end = MINI_NEW_SYN),
	SEG(100710, S, SYN | ACK, 30, 21, 0),
	SEG(100720, C, ACK, 21, 31, 0),
	STATE(100725, S, SYN_RECV, ESTABLISHED, .conn = 5),
	STATE(200300, S, ESTABLISHED, FIN_WAIT1, .conn = 5),
	SEG(200306, S, FIN | ACK, 31, 21, 0),
	STATE(200329, S, FIN_WAIT1, FIN_WAIT2, .conn = 5),
	SEG(200441, C, FIN | ACK, 21, 32, 0),
	OBS(200449, S, MINI_BORN, .to = ST_TIME_WAIT, .seconds = 60, .conn = 5),
	STATE(200451, S, FIN_WAIT2, CLOSE, .conn = 5),
	SEG(200457, S, ACK, 32, 22, 0),
	VERDICT(200480, S, again_server),
};
/* The same, waited for: the mini-socket's end is seen. */
static const struct step followed_steps[] = {
	HANDSHAKE,
	ECHO,
	DEFAULT_END,
	VERDICT(100480, C, default_client),
	VERDICT(100480, S, default_server),
	OBS(60512000, S, MINI_EXPIRED, .to = ST_TIME_WAIT),
	OBS(60512002, S, MINI_KILLED, .to = ST_TIME_WAIT),
	MINISOCKET(60512002, S, 60411553),
};

static const struct verdict zero_server = {
	.owner = SERVER_OWNER,
	.closer = SERVER_OWNER,
	.cause = CAUSE_LINGER_ZERO,
	.how = HOW_RST,
	.first_closer = CLOSER_LOCAL,
	.n_path = 2,
	.path = {{ST_ESTABLISHED, 0}, {ST_CLOSE, 100249000}},
	.rst_sent = 1,
	.rst_reason = "TCP_STATE",
	.linger_on = true,
	.sent_bytes = 11,
	.received_bytes = 11,
	.complete = true,
	.evidence = EV(ACCEPTED) | EV(BY_CALL) | EV(LINGER_ZERO) | EV(RST_ACTIVE),
};
static const struct verdict zero_client = {
	.owner = CLIENT_OWNER,
	.cause = CAUSE_PEER_RESET,
	.how = HOW_RST,
	.first_closer = CLOSER_PEER,
	.n_path = 2,
	.path = {{ST_ESTABLISHED, 0}, {ST_CLOSE, 100270000}},
	.rst_received = 1,
	.error = ECONNRESET,
	.sent_bytes = 11,
	.received_bytes = 11,
	.complete = true,
	.evidence = EV(CONNECTED) | EV(ERR_RESET) | EV(RESET_CALLED) | EV(RST_IN),
};
static const struct story zero_story = {
	.ending = "linger-zero",
	.title = "SO_LINGER on, 0 s, then close(): an RST instead of a goodbye",
	.closer = "server",
	.server_port = SERVER_PORT,
	.expect = {CAUSE_LINGER_ZERO, CAUSE_PEER_RESET},
	.as_expected = true,
};
#define ZERO_END                                                                                  \
	CALL(100280, S, "setsockopt", 0, .args = "5, SO_LINGER, {on, 0 s}"),                      \
		OBS(100290, S, RELEASE), STATE(100300, S, ESTABLISHED, CLOSE),                    \
		OBS(100303, S, RST_ACTIVE, .reason = "TCP_STATE"),                                \
		SEG(100306, S, RST | ACK, 12, 12, 0), OBS(100311, C, RST_RECEIVED),               \
		STATE(100315, C, ESTABLISHED, CLOSE), CALL(100341, S, "close", 0, .took_us = 58), \
		FAIL(100352, C, "read", ECONNRESET, .took_us = 100100), OBS(100428, C, RELEASE),  \
		CALL(100430, C, "close", 0, .args = "4", .took_us = 5)
static const struct step zero_steps[] = {
	HANDSHAKE, ECHO, ZERO_END, VERDICT(100500, S, zero_server), VERDICT(100500, C, zero_client),
};
/* The programs' port was not captured and the client did not report. */
static const struct step blind_steps[] = {
	STATE(5, C, CLOSE, SYN_SENT),         STATE(40, C, SYN_SENT, ESTABLISHED),
	STATE(49, S, LISTEN, SYN_RECV),       STATE(51, S, SYN_RECV, ESTABLISHED),
	STATE(100300, S, ESTABLISHED, CLOSE), OBS(100303, S, RST_ACTIVE, .reason = "TCP_STATE"),
	OBS(100311, C, RST_RECEIVED),         STATE(100315, C, ESTABLISHED, CLOSE),
	VERDICT(100500, S, zero_server),      VERDICT(100500, C, zero_client),
};

static const struct verdict refused_client = {
	.owner = CLIENT_OWNER,
	.cause = CAUSE_REFUSED,
	.how = HOW_RST,
	.first_closer = CLOSER_PEER,
	.n_path = 2,
	.path = {{ST_SYN_SENT, 0}, {ST_CLOSE, 24000}},
	.rst_received = 1,
	.error = ECONNREFUSED,
	.complete = true,
	.evidence = EV(CONNECTED) | EV(IN_SYN_SENT) | EV(ERR_OTHER) | EV(RESET_CALLED) | EV(RST_IN),
};
static const struct story refused_story = {
	.ending = "refused",
	.title = "connect() to a port where nobody listens",
	.closer = "client",
	.server_port = SERVER_PORT,
	.expect = {CAUSE_UNKNOWN, CAUSE_REFUSED},
	.as_expected = true,
};
static const struct step refused_steps[] = {
	CALL(2, C, "socket", 3, .args = "AF_INET, SOCK_STREAM"),
	STATE(5, C, CLOSE, SYN_SENT),
	SEG(9, C, SYN, 0, 0, 0),
	SEG(21, S, RST | ACK, 0, 1, 0),
	OBS(27, C, RST_RECEIVED),
	STATE(29, C, SYN_SENT, CLOSE),
	FAIL(60, C, "connect", ECONNREFUSED, .took_us = 55),
	CALL(80, C, "close", 0, .took_us = 3),
	VERDICT(90, C, refused_client),
};

/* Its port is never known, and there is nothing on the wire to miss. */
static const struct verdict failed_client = {
	.conn = 2,
	.owner = CLIENT_OWNER,
	.cause = CAUSE_CONNECT_FAILED,
	.how = HOW_SILENT,
	.n_path = 2,
	.path = {{ST_SYN_SENT, 0}, {ST_CLOSE, 24000}},
	.complete = true,
	.evidence = EV(CONNECTED) | EV(SYN_UNSENT) | EV(IN_SYN_SENT) | EV(BY_CALL) | EV(NOT_SHUT),
};
static const struct story failed_story = {
	.ending = "connect-failed",
	.title = "connect() finds no free local port",
	.closer = "client",
	.server_port = SERVER_PORT,
	.expect = {CAUSE_UNKNOWN, CAUSE_CONNECT_FAILED},
	.as_expected = true,
};
static const struct step failed_steps[] = {
	STATE(5, C, CLOSE, SYN_SENT, .portless = true),
	STATE(29, C, SYN_SENT, CLOSE, .portless = true),
	FAIL(31, C, "connect", EADDRNOTAVAIL, .took_us = 28, .portless = true),
	CALL(80, C, "close", 0, .took_us = 3, .portless = true),
	VERDICT(90, C, failed_client, .portless = true),
};

static const struct verdict expired_server = {
	.owner = SERVER_OWNER,
	.closer = SERVER_OWNER,
	.cause = CAUSE_ACTIVE_CLOSE,
	.how = HOW_FIN,
	.first_closer = CLOSER_LOCAL,
	.n_path = 4,
	.path = {{ST_ESTABLISHED, 0}, {ST_FIN_WAIT1, 0}, {ST_FIN_WAIT2, 0}, {ST_TIME_WAIT, 0}},
	.linger_on = true,
	.linger_ms = 1000,
	.sent_bytes = 2621440,
	.received_bytes = 11,
	.minisocket = ST_TIME_WAIT,
	.complete = true,
	.evidence = EV(ACCEPTED) | EV(FIN_FIRST) | EV(FIN_ACKED) | EV(LINGER_SET) |
		    EV(LINGER_EXPIRED) | EV(MINI_TIME_WAIT),
	.blind = EV(MINI_EXPIRED) | EV(MINI_KILLED) | EV(MINI_RST_IN),
};
static const struct story expired_story = {
	.ending = "linger-expired",
	.title = "SO_LINGER on, n s, the peer does not read: close() gives up waiting, the kernel "
		 "goes on sending",
	.closer = "server",
	.server_port = SERVER_PORT,
	.expect = {CAUSE_ACTIVE_CLOSE, CAUSE_PASSIVE_CLOSE},
	.as_expected = true,
};

#endif
