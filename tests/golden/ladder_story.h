/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Stories as fixed arrays, and what plays them into a sink. One row of an array is one record. */
#ifndef TCPCLOSE_TESTS_LADDER_STORY_H
#define TCPCLOSE_TESTS_LADDER_STORY_H

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink/sink.h"

enum side { S, C };
enum flag { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

#define SERVER_PORT 7007
#define CLIENT_PORT 40122
#define START_NS    UINT64_C(5000000000000)

struct step {
	uint32_t us; /* since the story began */
	enum record_kind kind;
	enum side side; /* of a segment: the sender */
	/* REC_APP */
	const char *call, *args;
	int64_t result;
	int error;
	uint32_t took_us;
	/* REC_EVENT */
	enum obs_kind obs;
	int from, to; /* states; of a mini-socket: `to` */
	const char *reason;
	uint32_t seconds; /* a mini-socket's timeout */
	bool exiting;
	int exit_code;
	/* REC_SEGMENT */
	int flags;
	uint32_t seq, ack, len;
	bool window_shut;
	uint16_t client_port; /* 0 = CLIENT_PORT */
	bool portless;        /* the client has none */
	/* REC_CLOSE */
	const struct verdict *verdict;
	/* REC_MINISOCKET: it expired, after so long */
	uint32_t time_wait_us;
	enum mini_end end;
	uint64_t conn; /* of what a tuple's second life shows; 0 = by side and port */
};

#define CALL(at, who, name, value, ...)                                                \
	{                                                                              \
		.us = at, .kind = REC_APP, .side = who, .call = name, .result = value, \
		##__VA_ARGS__                                                          \
	}
#define FAIL(at, who, name, err, ...) CALL(at, who, name, -1, .error = err, ##__VA_ARGS__)
#define STATE(at, who, old, new, ...)                                                         \
	{                                                                                     \
		.us = at, .kind = REC_EVENT, .side = who, .obs = OBS_STATE, .from = ST_##old, \
		.to = ST_##new, ##__VA_ARGS__                                                 \
	}
#define OBS(at, who, what, ...)                                                            \
	{                                                                                  \
		.us = at, .kind = REC_EVENT, .side = who, .obs = OBS_##what, ##__VA_ARGS__ \
	}
#define SEG(at, who, letters, s, a, n, ...)                                                       \
	{                                                                                         \
		.us = at, .kind = REC_SEGMENT, .side = who, .flags = letters, .seq = s, .ack = a, \
		.len = n, ##__VA_ARGS__                                                           \
	}
#define VERDICT(at, who, v, ...)                                                       \
	{                                                                              \
		.us = at, .kind = REC_CLOSE, .side = who, .verdict = &v, ##__VA_ARGS__ \
	}

#define MINISOCKET(at, who, lived, ...)                                                            \
	{                                                                                          \
		.us = at, .kind = REC_MINISOCKET, .side = who, .time_wait_us = lived, ##__VA_ARGS__ \
	}

static inline struct tuple story_tuple(const struct step *step)
{
	struct endpoint server = {{127, 0, 0, 1}, SERVER_PORT};
	struct endpoint client = {{127, 0, 0, 1},
				  step->client_port ? step->client_port : CLIENT_PORT};

	if (step->portless)
		client.port = 0;
	return step->side == S ? (struct tuple){4, server, client}
			       : (struct tuple){4, client, server};
}

static inline int play_app(const struct sink_ops *ops, struct sink *sink, const struct step *s,
			   uint64_t ns)
{
	struct app app = {.mono_ns = ns,
			  .took_ns = s->took_us * UINT64_C(1000),
			  .pid = s->side == S ? 4711 : 4712};
	struct record record = {.kind = REC_APP, .mono_ns = ns, .app = &app};

	strcpy(app.role, s->side == S ? "server" : "client");
	snprintf(app.call, sizeof(app.call), "%s", s->call);
	snprintf(app.args, sizeof(app.args), "%s", s->args ? s->args : "");
	app.result = s->result;
	app.error = s->error;
	if (strcmp(s->call, "socket") && strcmp(s->call, "listen"))
		app.tuple = story_tuple(s);
	return ops->take(sink, &record);
}

static inline int play_event(const struct sink_ops *ops, struct sink *sink, const struct step *s,
			     uint64_t ns)
{
	struct obs obs = {.kind = s->obs,
			  .mono_ns = ns,
			  .old_state = (uint8_t)s->from,
			  .new_state = (uint8_t)s->to};
	struct event event = {
		.conn = s->conn ? s->conn : (uint64_t)(s->client_port ? 3 : 1) + s->side, .obs = &obs, .tuple = story_tuple(s)};
	struct record record = {.kind = REC_EVENT, .mono_ns = ns, .event = &event};

	/* As the kernel has it: not both ports are known yet. */
	if (s->obs == OBS_STATE && s->to == ST_SYN_SENT)
		event.tuple.local.port = 0;
	if (s->obs == OBS_STATE && s->from == ST_LISTEN)
		event.tuple.peer.port = 0;
	obs.rst_reason = s->reason;
	obs.rst_flag_known = obs.rst_flag = s->obs == OBS_RST_RECEIVED;
	obs.mini.substate = (uint8_t)s->to;
	obs.mini.timeout_ns = s->seconds * UINT64_C(1000000000);
	obs.has_task = s->obs == OBS_RELEASE;
	obs.task.pid = s->side == S ? 4711 : 4712;
	obs.task.exiting = s->exiting;
	obs.task.exit_code = s->exit_code;
	return ops->take(sink, &record);
}

static inline int play_segment(const struct sink_ops *ops, struct sink *sink, const struct step *s,
			       uint64_t ns)
{
	/* Numbers on the wire begin anywhere; the server's wrap in the middle of a connection. */
	uint32_t isn[] = {0xfffffffau, 0x12345678u};
	struct tuple t = story_tuple(s);
	struct segment segment = {
		.mono_ns = ns,
		.family = t.family,
		.from = t.local,
		.to = t.peer,
		.tcp_flags = (uint8_t)s->flags,
		.seq = s->seq + isn[s->side],
		.ack = s->flags & ACK ? s->ack + isn[!s->side] : 0,
		.len = s->len,
		.window = s->window_shut || s->flags & RST ? 0 : 65536,
	};
	struct record record = {.kind = REC_SEGMENT, .mono_ns = ns, .segment = &segment};

	return ops->take(sink, &record);
}

static inline int play_close(const struct sink_ops *ops, struct sink *sink, const struct step *s,
			     uint64_t ns)
{
	struct verdict verdict = *s->verdict;
	struct record record = {.kind = REC_CLOSE, .mono_ns = ns, .close = &verdict};

	verdict.tuple = story_tuple(s);
	verdict.mono_ns = ns;
	return ops->take(sink, &record);
}

static inline int play_minisocket(const struct sink_ops *ops, struct sink *sink, const struct step *s,
				  uint64_t ns)
{
	struct minisocket mini = {.conn = 1,
				  .mono_ns = ns,
				  .tuple = story_tuple(s),
				  .time_wait_ns = s->time_wait_us * UINT64_C(1000),
				  .end = s->end};
	struct record record = {.kind = REC_MINISOCKET, .mono_ns = ns, .minisocket = &mini};

	return ops->take(sink, &record);
}

static inline int play_step(const struct sink_ops *ops, struct sink *sink, const struct step *s)
{
	uint64_t ns = START_NS + s->us * UINT64_C(1000);

	switch (s->kind) {
	case REC_APP:
		return play_app(ops, sink, s, ns);
	case REC_EVENT:
		return play_event(ops, sink, s, ns);
	case REC_SEGMENT:
		return play_segment(ops, sink, s, ns);
	case REC_CLOSE:
		return play_close(ops, sink, s, ns);
	case REC_MINISOCKET:
		return play_minisocket(ops, sink, s, ns);
	default:
		return -EINVAL;
	}
}

static inline int play_story(const struct sink_ops *ops, struct sink *sink,
			     const struct story *story, const struct step *steps, size_t n)
{
	struct story part = *story;
	struct record record = {.kind = REC_STORY, .mono_ns = START_NS, .story = &part};
	int err;

	part.begin = true;
	err = ops->take(sink, &record);
	for (size_t i = 0; i < n && !err; i++)
		err = play_step(ops, sink, &steps[i]);
	part.begin = false;
	return err ? err : ops->take(sink, &record);
}

static inline int play_summary(const struct sink_ops *ops, struct sink *sink)
{
	static const struct summary summary;
	struct record record = {.kind = REC_SUMMARY, .summary = &summary};

	return ops->take(sink, &record);
}

#endif
