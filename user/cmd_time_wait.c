/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* tcpclose time-wait: how many mini-sockets, and whose are they? */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "cmd.h"
#include "core/now.h"
#include "load/namespaces.h"
#include "netns.h"
#include "report/bill.h"
#include "view.h"

#define WATCH_NS UINT64_C(5000000000)
#define NAMESPACES_MAX 256

static const char usage[] =
	"Usage: tcpclose time-wait [OPTIONS]\n\n"
	"Who pays for TIME_WAIT: mini-sockets by owner, by both ends and by how they came to be;\n"
	"births, deaths and real lifetimes; the ephemeral ports that they hold; and what to do.\n"
	"On a terminal it is drawn every second until Ctrl-C; else there is one report, after\n"
	"5 seconds or those of -d. The longer it watches, the more owners it knows.\n"
	"\n"
	"Examples:\n"
	"  sudo tcpclose time-wait                   # live\n"
	"  sudo tcpclose time-wait --once -d 60      # one report, of a minute\n"
	"  sudo tcpclose time-wait -D 8080 -j | jq '.destinations[0]'\n"
	"\n";

struct time_wait {
	const struct config *config;
	const struct flow_table *flows;
	struct bill *bill;
	uint32_t mini_bytes;
	/* while looking: in which namespaces are there any? */
	struct bill_rules rules[NAMESPACES_MAX];
	size_t n_namespaces;
};

static int begin(void *ctx, const struct config *config, struct run *run)
{
	struct time_wait *t = ctx;
	int r;

	t->config = config;
	t->flows = run_flows(run);
	t->mini_bytes = netns_mini_bytes();
	r = bill_new(run_now_ns(), &t->bill);
	if (r)
		log_error("cannot start: %s", strerror(-r));
	return r;
}

static void take(void *ctx, const struct record *record)
{
	struct time_wait *t = ctx;

	if (record->kind == REC_MINISOCKET)
		bill_ended(t->bill, record->minisocket);
}

/* It has no cgroup of its own: with that filter, only its socket's verdict says that it is wanted. */
static bool is_wanted(const struct time_wait *t, const struct flow_mini *m)
{
	return !m->hidden && opts_want_owner(t->config, &m->tuple, &m->owner) &&
	       (m->judged || !t->config->filter.cgroup_id);
}

static void add_namespace(struct time_wait *t, uint32_t netns)
{
	for (size_t i = 0; i < t->n_namespaces; i++)
		if (t->rules[i].netns == netns)
			return;
	if (t->n_namespaces < NAMESPACES_MAX)
		t->rules[t->n_namespaces++].netns = netns;
}

/* The first of two times through all of them. */
static void expect_mini(void *ctx, const struct flow_mini *m)
{
	struct time_wait *t = ctx;

	if (!is_wanted(t, m))
		return;
	add_namespace(t, m->netns);
	bill_expect(t->bill, m);
}

static void see_mini(void *ctx, const struct flow_mini *m)
{
	struct time_wait *t = ctx;

	if (is_wanted(t, m))
		bill_mini(t->bill, m);
}

static void see_open(void *ctx, const struct flow_now *f)
{
	bill_open(((struct time_wait *)ctx)->bill, f);
}

/* A destination is whole where only namespaces, families or destinations are chosen. */
static bool is_partial(const struct config *c)
{
	const struct filter *f = &c->filter;

	return c->comm[0] || f->n_pids || f->cgroup_id || f->n_ports || f->n_local_ports || f->addr_family;
}

static void find_rules(struct time_wait *t)
{
	uint32_t asked = t->config->filter.netns_ino;

	t->n_namespaces = 0;
	add_namespace(t, asked ? asked : namespaces_own());
	flow_minis(t->flows, expect_mini, t);
	netns_rules(t->rules, t->n_namespaces);
	for (size_t i = 0; i < t->n_namespaces; i++)
		bill_rules(t->bill, &t->rules[i]);
}

static int look(void *ctx, uint64_t lost, bool last, struct record *ret)
{
	struct time_wait *t = ctx;

	bill_begin(t->bill, run_now_ns());
	if (is_partial(t->config))
		bill_partial(t->bill);
	find_rules(t);
	flow_minis(t->flows, see_mini, t);
	flow_minis_untold(t->flows, see_mini, t);
	flow_each_open(t->flows, see_open, t);
	ret->kind = REC_TIME_WAIT;
	ret->time_wait = bill_done(t->bill, t->mini_bytes, lost, last);
	ret->mono_ns = ret->time_wait->mono_ns;
	return 0;
}

int cmd_time_wait(int argc, char **argv)
{
	static const struct view_ops ops = {
		.command = CMD_TIME_WAIT,
		.usage = usage,
		.text = &sink_bill,
		.watch_ns = WATCH_NS,
		.begin = begin,
		.take = take,
		.look = look,
	};
	struct time_wait t = { 0 };
	int status = view_main(&ops, &t, argc, argv);

	bill_free(t.bill);
	return status;
}
