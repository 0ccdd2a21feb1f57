/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "raw_peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "echo_report.h"
#include "echo_step.h"
#include "raw_net.h"

#define WINDOW_FULL 65535
#define PEER_PORT   40000
/* Any will do: both ends are made for this one connection. */
#define FIRST_SEQ   0x10000000

enum raw_op {
	RAW_END,
	RAW_MEET,
	RAW_TALK,
	RAW_AWAIT,
	RAW_SEND,
	RAW_SEND_LATE,
	RAW_WINDOW,
	RAW_ICMP,
	RAW_UNROUTE,
	RAW_CONNECTION,
};

struct raw_step {
	enum raw_op op;
	uint8_t flags;
	uint32_t n;
};

/* In AWAIT: with bytes in it. No flag of TCP that we use. */
#define RAW_DATA 0x80

/* clang-format off */
#define FIN RAW_FIN
#define SYN RAW_SYN
#define RST RAW_RST
#define PSH RAW_PSH
#define ACK RAW_ACK
#define DATA RAW_DATA
#define MEET { RAW_MEET, 0, 0 }
#define TALK { RAW_TALK, 0, 0 }
#define AWAIT(flags) { RAW_AWAIT, (flags), 0 }
#define SEND(flags, n) { RAW_SEND, (flags), (n) }
#define SEND_LATE(flags, n) { RAW_SEND_LATE, (flags), (n) }
#define WINDOW(n) { RAW_WINDOW, 0, (n) }
#define ICMP(what) { RAW_ICMP, 0, RAW_##what }
#define UNROUTE { RAW_UNROUTE, 0, 0 }
#define CONNECTION(n) { RAW_CONNECTION, 0, (n) }
/* clang-format on */

#define STEPS_MAX 20
#define CONNECTIONS_MAX 3

static const struct raw_row {
	const char *sysctls; /* NULL = no raw peer */
	struct raw_step steps[STEPS_MAX];
} rows[ENDING_MAX] = {
#define RAW(id, sysctls_, ...) [ENDING_##id] = {.sysctls = (sysctls_), .steps = {__VA_ARGS__}},
#include "raw.def"
};

struct raw_connection {
	uint32_t sent; /* next of ours */
	uint32_t taken, taken_before; /* next of theirs; and before the last segment */
};

struct raw_peer {
	struct echo *echo;
	int tun;
	struct raw_ends ends;
	uint16_t window;
	struct raw_connection *c, connections[CONNECTIONS_MAX]; /* c: the one it is about */
	uint8_t last[RAW_PACKET_MAX]; /* what came last */
	size_t last_size;
};

static volatile sig_atomic_t stopped;

static void on_stop(int signal)
{
	(void)signal;
	stopped = 1;
}

const char *raw_sysctls(enum ending_id ending)
{
	return rows[ending].sysctls;
}

bool raw_needs_privileges(const struct echo_options *options)
{
	const struct raw_row *row = &rows[options->ending->id];

	for (size_t i = 0; i < STEPS_MAX; i++)
		if (row->steps[i].op == RAW_UNROUTE)
			return true;
	return options->tun_fd < 0;
}

struct sockaddr_storage raw_peer_address(int family, unsigned n)
{
	struct sockaddr_storage ret = {.ss_family = (sa_family_t)family};
	struct sockaddr_in *four = (void *)&ret;
	struct sockaddr_in6 *six = (void *)&ret;
	struct raw_ends ends;

	raw_net_ends(family, &ends);
	/* The port stands at the same place in both families. */
	four->sin_port = htons((uint16_t)(PEER_PORT + n));
	if (family == AF_INET)
		memcpy(&four->sin_addr, ends.here, sizeof(four->sin_addr));
	else
		memcpy(&six->sin6_addr, ends.here, sizeof(six->sin6_addr));
	return ret;
}

/* "SYN|ACK" */
static const char *flag_words(uint8_t flags, char buf[32])
{
	static const struct {
		uint8_t flag;
		const char *word;
	} words[] = {
		{RAW_SYN, "SYN"}, {RAW_FIN, "FIN"}, {RAW_RST, "RST"},
		{RAW_PSH, "PSH"}, {RAW_ACK, "ACK"}, {RAW_DATA, "data"},
	};
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (flags & words[i].flag)
			n += (size_t)snprintf(buf + n, 32 - n, "%s%s", n ? "|" : "", words[i].word);
	return buf;
}

/* One packet that is ours; -ECANCELED: told to stop, -ETIME: time is up. */
static int next_segment(struct raw_peer *p, struct raw_segment *ret)
{
	struct pollfd poll = {.fd = p->tun, .events = POLLIN};
	sigset_t none;
	ssize_t n;

	sigemptyset(&none);
	for (;;) {
		if (stopped)
			return -ECANCELED;
		if (echo_expired())
			return -ETIME;
		if (ppoll(&poll, 1, NULL, &none) < 0 && errno != EINTR)
			return -errno;
		n = read(p->tun, p->last, sizeof(p->last));
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n <= 0 || raw_parse(p->last, (size_t)n, &p->ends, ret))
			continue;
		p->last_size = (size_t)n;
		return 0;
	}
}

/* In order, or the beginning: it counts as taken. */
static void take(struct raw_peer *p, const struct raw_segment *s)
{
	uint32_t length = (uint32_t)s->len + !!(s->flags & RAW_SYN) + !!(s->flags & RAW_FIN);

	if (!(s->flags & RAW_SYN) && s->seq != p->c->taken)
		return;
	p->c->taken_before = s->seq;
	p->c->taken = s->seq + length;
}

static bool is_awaited(const struct raw_segment *s, uint8_t flags)
{
	uint8_t wanted = flags & ~RAW_DATA;

	if ((s->flags & wanted) != wanted || (flags & RAW_DATA && !s->len))
		return false;
	/* a SYN is no SYN|ACK */
	return !(wanted & RAW_SYN) || (s->flags & RAW_ACK) == (wanted & RAW_ACK);
}

static int await_segment(struct raw_peer *p, uint8_t flags, struct raw_segment *ret)
{
	struct call call;
	char words[32];
	int r;

	do {
		r = next_segment(p, ret);
		if (r)
			return r;
		take(p, ret);
	} while (!is_awaited(ret, flags));
	/* How long it was waited for is nobody's business. */
	call = call_begin("receive", "%s", flag_words(flags, words));
	call.end_ns = clock_mono_ns();
	call.result = (int64_t)ret->len;
	caller_report(&p->echo->caller, &call, "%s, %zu bytes", flag_words(ret->flags, words),
		      ret->len);
	return 0;
}

static int put_packet(struct raw_peer *p, const uint8_t *packet, size_t size, struct call *call)
{
	call->result = write(p->tun, packet, size) < 0 ? -errno : 0;
	call->end_ns = clock_mono_ns();
	caller_report(&p->echo->caller, call, "%s", call->args);
	return (int)call->result;
}

static int send_bytes(struct raw_peer *p, uint8_t flags, const void *data, size_t len, bool late)
{
	struct raw_segment s = {
		.flags = flags,
		.seq = p->c->sent,
		.ack = flags & RAW_ACK ? (late ? p->c->taken_before : p->c->taken) : 0,
		.window = p->window,
		.data = data,
		.len = len,
	};
	uint8_t packet[RAW_PACKET_MAX];
	struct call call;
	char words[32];

	if (p->window == WINDOW_FULL)
		call = call_begin("send", "%s, %zu B", flag_words(flags, words), len);
	else
		call = call_begin("send", "%s, %zu B, window %u", flag_words(flags, words), len,
				  p->window);
	p->c->sent += (uint32_t)len + !!(flags & RAW_SYN) + !!(flags & RAW_FIN);
	return put_packet(p, packet, raw_build(&p->ends, &s, packet), &call);
}

static int send_zeros(struct raw_peer *p, const struct raw_step *step)
{
	static const uint8_t zeros[64];

	return send_bytes(p, step->flags, zeros, step->n < sizeof(zeros) ? step->n : sizeof(zeros),
			  step->op == RAW_SEND_LATE);
}

static int send_icmp(struct raw_peer *p, enum raw_icmp what)
{
	static const char *const words[] = {
		[RAW_HOST_UNREACHABLE] = "ICMP host unreachable",
		[RAW_PORT_UNREACHABLE] = "ICMP port unreachable",
		[RAW_PROHIBITED] = "ICMP prohibited",
	};
	struct call call = call_begin("send", "%s", words[what]);
	uint8_t packet[RAW_PACKET_MAX];

	return put_packet(p, packet, raw_build_icmp(&p->ends, what, p->last, p->last_size, packet),
			  &call);
}

static int meet(struct raw_peer *p)
{
	struct raw_segment s;
	int r;

	if (p->echo->options->role == SIDE_SERVER) {
		r = await_segment(p, RAW_SYN, &s);
		if (!r)
			r = send_bytes(p, RAW_SYN | RAW_ACK, NULL, 0, false);
		return r ? r : await_segment(p, RAW_ACK, &s);
	}
	r = send_bytes(p, RAW_SYN, NULL, 0, false);
	if (!r)
		r = await_segment(p, RAW_SYN | RAW_ACK, &s);
	return r ? r : send_bytes(p, RAW_ACK, NULL, 0, false);
}

static int talk(struct raw_peer *p)
{
	const char *message = p->echo->options->message;
	struct raw_segment s;
	int r = meet(p);

	if (r)
		return r;
	if (p->echo->options->role == SIDE_SERVER) {
		r = await_segment(p, RAW_DATA, &s);
		return r ? r : send_bytes(p, RAW_PSH | RAW_ACK, s.data, s.len, false);
	}
	r = send_bytes(p, RAW_PSH | RAW_ACK, message, strlen(message), false);
	if (!r)
		r = await_segment(p, RAW_DATA, &s);
	return r ? r : send_bytes(p, RAW_ACK, NULL, 0, false);
}

static int unroute(struct raw_peer *p)
{
	struct call call = call_begin("unroute", "%s", RAW_NET_DEVICE);

	call.result = raw_net_unroute();
	call.end_ns = clock_mono_ns();
	caller_report(&p->echo->caller, &call, "%s", "the host loses its route to here");
	return (int)call.result;
}

/* Another connection, from another port of ours. */
static void turn_to(struct raw_peer *p, uint32_t n)
{
	n = n < CONNECTIONS_MAX ? n : CONNECTIONS_MAX - 1;
	p->c = &p->connections[n];
	if (p->echo->options->role == SIDE_CLIENT)
		p->ends.here_port = (uint16_t)(PEER_PORT + n);
}

static int do_step(struct raw_peer *p, const struct raw_step *step)
{
	struct raw_segment s;

	switch (step->op) {
	case RAW_MEET:
		return meet(p);
	case RAW_TALK:
		return talk(p);
	case RAW_AWAIT:
		return await_segment(p, step->flags, &s);
	case RAW_SEND:
	case RAW_SEND_LATE:
		return send_zeros(p, step);
	case RAW_ICMP:
		return send_icmp(p, (enum raw_icmp)step->n);
	case RAW_UNROUTE:
		return unroute(p);
	case RAW_WINDOW:
		p->window = (uint16_t)step->n;
		return 0;
	case RAW_CONNECTION:
		turn_to(p, step->n);
		return 0;
	case RAW_END:
		break;
	}
	return 0;
}

/* The client may come from now on. */
static void say_ready(struct raw_peer *p)
{
	struct call call = call_begin("listen", "%s", "raw");

	call.end_ns = clock_mono_ns();
	if (p->echo->options->role == SIDE_SERVER)
		caller_report(&p->echo->caller, &call, "%s", "as a scripted peer, no socket");
}

static void prepare(struct raw_peer *p, struct echo *e)
{
	const struct sockaddr_in *server = (const void *)&e->options->address;
	/* The port stands at the same place in both families. */
	uint16_t port = ntohs(server->sin_port);

	*p = (struct raw_peer){ .echo = e, .window = WINDOW_FULL };
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		p->connections[i].sent = FIRST_SEQ;
	raw_net_ends(e->options->family, &p->ends);
	p->ends.here_port = e->options->role == SIDE_SERVER ? port : PEER_PORT;
	p->ends.there_port = e->options->role == SIDE_SERVER ? 0 : port;
	turn_to(p, 0);
}

int raw_play(struct echo *e)
{
	const struct raw_row *row = &rows[e->options->ending->id];
	struct sigaction action = {.sa_handler = on_stop};
	CLEANUP(close) int own = -1;
	struct raw_peer p;
	int r = step_hold_stop();

	prepare(&p, e);
	p.tun = e->options->tun_fd;
	if (!r && p.tun < 0) {
		r = raw_net_here(row->sysctls, &own);
		p.tun = own;
	}
	if (!r && sigaction(SIGTERM, &action, NULL))
		r = -errno;
	if (r)
		return r;
	say_ready(&p);
	for (size_t i = 0; i < STEPS_MAX && row->steps[i].op != RAW_END && !r; i++)
		r = do_step(&p, &row->steps[i]);
	/* A wire of our own would go with us. */
	if (!r && own >= 0)
		r = step_await_stop(e);
	return r == -ECANCELED ? 0 : r;
}
