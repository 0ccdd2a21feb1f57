/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * consumer [fin|rst] [CONNECTIONS] [FILE] [OPEN]: what user space does with a churn,
 * and nothing else: records as the sensors send them without -e, made here, decoded,
 * folded, judged and written as JSON, beside OPEN connections that stay. No kernel, no
 * ring: it can be repeated, and callgrind can look at it. Prints nanoseconds of CPU
 * per connection end.
 */
#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "core/flow.h"
#include "ingest/decode.h"
#include "sink/sink.h"
#include "wire.h"

#define CONNECTIONS 200000
/* 20,000 connections a second */
#define EVERY_NS 50000
#define TICK_NS 20000000
#define START_NS 1000000000
#define SERVER_PORT 8080
#define PID 4242

enum { ESTABLISHED = 1, SYN_SENT, SYN_RECV, FIN_WAIT1, FIN_WAIT2, TIME_WAIT, CLOSE, CLOSE_WAIT, LAST_ACK };

struct feed {
	struct decoder decoder;
	struct flow_table *flows;
	struct sink *sink;
	uint64_t now_ns, ticked_ns;
	uint64_t records, closes;
	int error;
};

/* One end of the connection that is just being made up. */
struct end {
	uint64_t sk;
	uint32_t address;
	uint16_t port, peer_port;
	uint32_t peer_address;
};

static bool on_closed(void *ctx, const struct verdict *v)
{
	struct feed *feed = ctx;
	struct record record = { .kind = REC_CLOSE, .mono_ns = v->mono_ns, .close = v };

	feed->closes++;
	feed->error |= feed->sink->ops->take(feed->sink, &record);
	return true;
}

static void on_mini_ended(void *ctx, const struct minisocket *m)
{
	struct feed *feed = ctx;
	struct record record = { .kind = REC_MINISOCKET, .mono_ns = m->mono_ns, .minisocket = m };

	feed->error |= feed->sink->ops->take(feed->sink, &record);
}

static void send(struct feed *feed, struct wire_spot *w, size_t size)
{
	struct obs obs;

	w->size = (__u16)size;
	w->version = WIRE_VERSION;
	w->mono_ns = feed->now_ns += 100;
	w->reason = WIRE_SPOT_NO_REASON;
	w->netns_ino = 4026531840U;
	feed->records++;
	if (decode(&feed->decoder, w, size, &obs)) {
		feed->error = 1;
		return;
	}
	flow_take(feed->flows, &obs, NULL);
	if (obs.mono_ns > feed->ticked_ns + TICK_NS) {
		feed->ticked_ns = obs.mono_ns;
		flow_tick(feed->flows, obs.mono_ns);
	}
}

static struct wire_spot spot_of(const struct end *e, __u8 kind, __u8 layout, __u8 old_state, __u8 new_state, __u16 flags)
{
	return (struct wire_spot){ .kind = kind, .layout = layout, .sk = e->sk, .old_state = old_state,
				   .new_state = new_state, .flags = flags, .local = e->address, .peer = e->peer_address,
				   .local_port = e->port, .peer_port = e->peer_port };
}

static const struct wire_who who = { .pid = PID, .tid = PID, .uid = 1000, .flags = WIRE_TASK_MEANT, .comm = { 'c', 'h', 'u', 'r', 'n' } };
static const struct wire_sums sums = { .cgroup_id = 1, .bytes_sent = 1, .bytes_received = 1, .snd_wnd = 65536 };

static void spot(struct feed *feed, const struct end *e, __u8 kind, __u8 old_state, __u8 new_state, __u16 flags)
{
	struct wire_spot w = spot_of(e, kind, WIRE_SPOT, old_state, new_state, flags);

	send(feed, &w, sizeof(w));
}

static void by_task(struct feed *feed, const struct end *e, __u8 kind, __u8 old_state, __u8 new_state, __u16 flags)
{
	struct wire_spot_who w = { .spot = spot_of(e, kind, WIRE_SPOT_WHO, old_state, new_state, flags), .who = who };

	send(feed, &w.spot, sizeof(w));
}

/* By whose call, or by the network. */
static void closed_by_call(struct feed *feed, const struct end *e, __u8 old_state, __u16 flags)
{
	struct wire_spot_all w = { .spot = spot_of(e, WIRE_STATE, WIRE_SPOT_ALL, old_state, CLOSE, flags),
				   .who = who, .sums = sums };

	w.spot.shutdown = 3;
	send(feed, &w.spot, sizeof(w));
}

static void closed(struct feed *feed, const struct end *e, __u8 old_state, __u16 flags, __u16 err)
{
	struct wire_spot_sums w = { .spot = spot_of(e, WIRE_STATE, WIRE_SPOT_SUMS, old_state, CLOSE, flags), .sums = sums };

	w.spot.shutdown = 3;
	w.sums.err = err;
	send(feed, &w.spot, sizeof(w));
}

static void mini_born(struct feed *feed, const struct end *e, uint64_t addr)
{
	struct wire_spot_mini w = { .spot = spot_of(e, WIRE_MINI_BORN, WIRE_SPOT_MINI, 0, TIME_WAIT, 0), .timeout_jiffies = 15000 };

	w.spot.sk = addr;
	send(feed, &w.spot, sizeof(w));
}

static void open_both(struct feed *feed, const struct end *client, const struct end *server)
{
	by_task(feed, client, WIRE_STATE, CLOSE, SYN_SENT, WIRE_OWNED | WIRE_HAS_SOCKET);
	spot(feed, server, WIRE_STATE, SYN_RECV, ESTABLISHED, 0);
	spot(feed, client, WIRE_STATE, SYN_SENT, ESTABLISHED, WIRE_OWNED | WIRE_HAS_SOCKET);
}

/* The server closes first, then the client. */
static void end_by_fin(struct feed *feed, const struct end *client, const struct end *server, uint64_t n)
{
	const __u16 held = WIRE_OWNED | WIRE_HAS_SOCKET;

	by_task(feed, server, WIRE_STATE, ESTABLISHED, FIN_WAIT1, held);
	spot(feed, client, WIRE_STATE, ESTABLISHED, CLOSE_WAIT, WIRE_HAS_SOCKET | WIRE_DONE);
	spot(feed, server, WIRE_STATE, FIN_WAIT1, FIN_WAIT2, WIRE_DEAD);
	by_task(feed, client, WIRE_STATE, CLOSE_WAIT, LAST_ACK, held | WIRE_DONE);
	mini_born(feed, server, UINT64_C(0xffff900000000000) + n * 256);
	closed(feed, server, FIN_WAIT2, WIRE_DEAD | WIRE_DONE, 0);
	closed(feed, client, LAST_ACK, WIRE_DEAD | WIRE_DONE, 0);
}

/* The server closes with SO_LINGER 0. */
static void end_by_rst(struct feed *feed, const struct end *client, const struct end *server)
{
	const __u16 held = WIRE_OWNED | WIRE_HAS_SOCKET;

	closed_by_call(feed, server, ESTABLISHED, held | WIRE_LINGER);
	spot(feed, server, WIRE_RST_ACTIVE, CLOSE, CLOSE, held);
	closed(feed, client, ESTABLISHED, WIRE_HAS_SOCKET | WIRE_RESET, 104);
}

static struct end server_of(const struct end *client)
{
	return (struct end){ .sk = client->sk + 4096, .address = client->peer_address, .port = SERVER_PORT,
			     .peer_port = client->port, .peer_address = client->address };
}

static void connection(struct feed *feed, uint64_t n, bool by_fin)
{
	/* memory is given out again, as the kernel does */
	struct end client = { .sk = UINT64_C(0xffff800000000000) + n % 64 * 8192, .address = (uint32_t)(0x7f + (n / 20000 + 1) * 0x100),
			      .port = (uint16_t)(20000 + n % 20000), .peer_port = SERVER_PORT, .peer_address = 0x0100007f };
	struct end server = server_of(&client);

	feed->now_ns = START_NS + n * EVERY_NS;
	open_both(feed, &client, &server);
	if (by_fin)
		end_by_fin(feed, &client, &server, n);
	else
		end_by_rst(feed, &client, &server);
}

/* Connections that do not end. */
static void stay_open(struct feed *feed, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		struct end client = { .sk = UINT64_C(0xffff890000000000) + i * 8192, .address = (uint32_t)(0x0a + (i / 20000 + 1) * 0x100),
				      .port = (uint16_t)(20000 + i % 20000), .peer_port = SERVER_PORT, .peer_address = 0x0100007f };
		struct end server = server_of(&client);

		open_both(feed, &client, &server);
	}
}

static uint64_t cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * UINT64_C(1000000000) + (uint64_t)used.tv_nsec;
}

static int prepare(struct feed *feed, FILE *out)
{
	struct sink_config sink = { .out = out, .utf8 = true };
	struct flow_config flows = { .max_flows = 1048576, .max_minis = 1048576, .covered = UINT32_MAX,
				     .closed = on_closed, .mini_ended = on_mini_ended, .ctx = feed };
	int r = sink_ndjson.open(&sink, &feed->sink);

	feed->decoder.hz = 250;
	return r ? r : flow_table_new(&flows, &feed->flows);
}

int main(int argc, char **argv)
{
	bool by_fin = argc < 2 || strcmp(argv[1], "rst");
	uint64_t n = argc < 3 ? CONNECTIONS : strtoull(argv[2], NULL, 10), open = argc < 5 ? 0 : strtoull(argv[4], NULL, 10);
	uint64_t began, records;
	FILE *out = fopen(argc < 4 ? "/dev/null" : argv[3], "we");
	static char buffer[131072]; /* as user/output.c has it */
	struct feed feed = { 0 };

	if (!n || !out || prepare(&feed, out))
		return 2;
	setvbuf(out, buffer, _IOFBF, sizeof(buffer));
	stay_open(&feed, open);
	records = feed.records;
	began = cpu_ns();
	for (uint64_t i = 0; i < n; i++)
		connection(&feed, i, by_fin);
	flow_finish(feed.flows, feed.now_ns + UINT64_C(100000000000));
	began = cpu_ns() - began;
	printf("%s: %.0f ns per end, %.2f records per end, %llu verdicts of %llu\n", by_fin ? "fin" : "rst",
	       (double)began / (double)(2 * n), (double)(feed.records - records) / (double)(2 * n),
	       (unsigned long long)feed.closes, (unsigned long long)(2 * n));
	flow_table_free(feed.flows);
	sink_ndjson.close(feed.sink);
	fclose(out);
	return feed.error || feed.closes != 2 * n;
}
