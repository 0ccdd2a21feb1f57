/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Connections that open and end one after the other: the server's side closes first. */
#include <errno.h>
#include <unistd.h>

#include "load.h"

static int prepare(struct worker *w)
{
	w->listener = net_listen(&w->server);
	return w->listener < 0 ? w->listener : 0;
}

static int churn(struct worker *w, bool by_reset)
{
	int near, far, r = net_pair(w, &near, &far);
	char byte;

	if (r)
		return r;
	if (by_reset)
		r = net_end_by_reset(far);
	close(far);
	/* Everything that the first close() sets off has happened when this returns. */
	if (read(near, &byte, 1) > 0)
		r = -EPROTO;
	close(near);
	return r;
}

static int by_reset(struct worker *w)
{
	return churn(w, true);
}

static int by_fin(struct worker *w)
{
	return churn(w, false);
}

static int by_turns(struct worker *w)
{
	return churn(w, w->ops & 1);
}

const struct load load_churn_rst = {
	.name = "churn-rst", .unit = "connection", .what = "the server's side ends each by SO_LINGER 0",
	.prepare = prepare, .once = by_reset,
};
const struct load load_churn_fin = {
	.name = "churn-fin", .unit = "connection", .what = "both sides close, the server's first: a TIME_WAIT each",
	.prepare = prepare, .once = by_fin,
};
const struct load load_churn_mix = {
	.name = "churn-mix", .unit = "connection", .what = "by turns the one and the other",
	.prepare = prepare, .once = by_turns,
};
