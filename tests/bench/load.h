/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* load: what the benchmark puts on the network, bounded in count and in time, on loopback only. */
#ifndef TCPCLOSE_BENCH_LOAD_H
#define TCPCLOSE_BENCH_LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define SECOND_NS UINT64_C(1000000000)

struct load_options {
	uint64_t count;	      /* operations at most, all processes together */
	uint64_t seconds_ns;  /* time at most */
	uint64_t per_s;	      /* pace of one process; 0 = as fast as it goes */
	uint32_t processes;
	uint32_t tw_buckets;  /* of the private network namespace; 0 = as the kernel has it */
	bool pin;	      /* a CPU for each process, the last one first */
	bool wait;	      /* "go" on standard input starts it, its end ends it */
	bool here;	      /* in the caller's network namespace, not in one of its own */
};

/* One of its processes. */
struct worker {
	const struct load_options *options;
	uint32_t index;
	uint64_t count; /* its share */
	uint64_t ops;	/* done so far */
	uint64_t started_ns;
	struct sockaddr_in server;
	int listener;
	int near, far; /* both ends of its one connection, where it has one */
	bool by_reset; /* its server ends connections so */
};

struct load {
	const char *name;
	const char *unit; /* what one operation is */
	const char *what;
	bool holds; /* what is left open counts: as many processes as descriptors need */
	int (*prepare)(struct worker *w); /* before the clock runs */
	int (*once)(struct worker *w);	  /* one operation; 0 or -errno */
};

/* What one process, or all of them together, have done. */
struct load_result {
	uint64_t ops;
	uint64_t ns;	  /* from the first operation to the last one's end */
	uint64_t cpu_ns;  /* of its processes in that time; loopback's softirq is in it */
	uint64_t wait_ns; /* they were ready to run and something else ran */
};

uint64_t load_now_ns(void);

/* net.c: -errno */
int net_private(uint32_t tw_buckets);
int net_listen(struct sockaddr_in *ret);
int net_connect(uint32_t from, const struct sockaddr_in *server);
/* Where the next connection comes from: many addresses, so that ports and TIME_WAITs suffice. */
uint32_t net_source(const struct worker *w);
int net_pair(struct worker *w, int *near_ret, int *far_ret);
int net_end_by_reset(int fd);
uint64_t net_namespace(void);

/* worker.c: starts all processes, waits until they are prepared, calls go(), adds up. */
int workers_run(const struct load *load, const struct load_options *options,
		int (*go)(void *ctx), int (*leave)(void *ctx, const struct load_result *all), void *ctx);

extern const struct load load_churn_rst, load_churn_fin, load_churn_mix;
extern const struct load load_meet_rst, load_meet_fin;
extern const struct load load_http_rst, load_http_fin;
extern const struct load load_idle, load_bulk, load_pingpong;
extern const struct load load_listen, load_keepalive;

#endif
