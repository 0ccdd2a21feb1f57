/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* tcpclose stuck: sockets between the first FIN and the end that do not get there. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "cmd.h"
#include "core/now.h"
#include "report/stuck.h"
#include "view.h"

#define OLDER_NS UINT64_C(30000000000)

static const char usage[] =
	"Usage: tcpclose stuck [OPTIONS]\n\n"
	"Sockets in CLOSE_WAIT, FIN_WAIT1, FIN_WAIT2, LAST_ACK or CLOSING for 30 seconds or more:\n"
	"for how long (> says at least), who holds them, what is unread and unsent, and what each\n"
	"waits for. On a terminal it is drawn every second until Ctrl-C; else, or with --once,\n"
	"there is one report, at once or after the seconds of -d.\n"
	"\n"
	"Examples:\n"
	"  sudo tcpclose stuck                       # live\n"
	"  sudo tcpclose stuck --once --older 300    # who has forgotten to close?\n"
	"  sudo tcpclose stuck -d 60 -j | jq -r '.sockets[].words'\n"
	"\n";

struct stuck_view {
	const struct config *config;
	struct run *run;
	struct stuck *stuck;
};

/* Where pids or a name are asked for: of its owner, or of one who holds it. */
static bool is_wanted(void *ctx, const struct stuck_sock *sock)
{
	const struct stuck_view *s = ctx;

	if (opts_want_owner(s->config, &sock->tuple, &sock->owner))
		return true;
	for (size_t i = 0; i < sock->n_holders && i < STUCK_HOLDERS_MAX; i++) {
		struct owner owner = { .source = OWNER_HOLDS, .pid = sock->holders[i].pid };

		memcpy(owner.comm, sock->holders[i].comm, sizeof(owner.comm));
		if (opts_want_owner(s->config, &sock->tuple, &owner))
			return true;
	}
	return false;
}

static int begin(void *ctx, const struct config *config, struct run *run)
{
	struct stuck_view *s = ctx;
	int r;

	s->config = config;
	s->run = run;
	r = stuck_new(run_now_ns(), config->older_set ? config->older_ns : OLDER_NS, is_wanted, s,
		      &s->stuck);
	if (r)
		log_error("cannot start: %s", strerror(-r));
	return r;
}

static void see_obs(void *ctx, const struct obs *obs)
{
	stuck_see(((struct stuck_view *)ctx)->stuck, obs);
}

static void see_flow(void *ctx, const struct flow_now *flow)
{
	stuck_flow(((struct stuck_view *)ctx)->stuck, flow);
}

static void see_mini(void *ctx, const struct flow_mini *mini)
{
	stuck_mini(((struct stuck_view *)ctx)->stuck, mini);
}

static int look(void *ctx, uint64_t lost, bool last, struct record *ret)
{
	struct stuck_view *s = ctx;
	int r;

	stuck_begin(s->stuck, run_now_ns());
	r = run_look(s->run, see_obs, s);
	if (r) {
		log_error("cannot look at the sockets that exist: %s", strerror(-r));
		return r;
	}
	flow_each_open(run_flows(s->run), see_flow, s);
	flow_minis(run_flows(s->run), see_mini, s);
	ret->kind = REC_STUCK;
	ret->stuck = stuck_done(s->stuck, lost, last);
	ret->mono_ns = ret->stuck->mono_ns;
	return 0;
}

int cmd_stuck(int argc, char **argv)
{
	static const struct view_ops ops = {
		.command = CMD_STUCK,
		.usage = usage,
		.text = &sink_stuck,
		.begin = begin,
		.look = look,
	};
	struct stuck_view s = { 0 };
	int status = view_main(&ops, &s, argc, argv);

	stuck_free(s.stuck);
	return status;
}
