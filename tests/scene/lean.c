// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * lean: which observations of a scene the sensors would not send without -e, because
 * the one next to it says the same (bpf/app.bpf.c, bpf/peer.bpf.h, bpf/sense.bpf.h).
 * The verdicts must not depend on it.
 */
#include "scene.h"

/* The socket's next (by 1) or former (by -1) observation, NULL when there is none. */
static const struct obs *beside(const struct scene *s, size_t i, int by)
{
	int sock = s->steps[i].sock;

	for (i += (size_t)by; i < s->n_steps; i += (size_t)by)
		if (s->steps[i].kind == STEP_OBS && s->steps[i].sock == sock)
			return &s->steps[i].obs;
	return NULL;
}

static bool is_close(const struct obs *o)
{
	return o && o->kind == OBS_STATE && o->new_state == ST_CLOSE && o->old_state != ST_CLOSE;
}

static bool same_call(const struct obs *a, const struct obs *b)
{
	return b && b->sock.owned && b->has_task && b->task.meant && b->task.tid == a->task.tid;
}

/* A close() whose FIN, RST or destructor names the task. */
static bool is_told_next(const struct scene *s, size_t i)
{
	const struct obs *o = &s->steps[i].obs, *next = beside(s, i, 1);

	if (!same_call(o, next))
		return false;
	if (o->old_state == ST_CLOSE)
		return next->kind == OBS_DESTROY;
	if (o->old_state != ST_ESTABLISHED && o->old_state != ST_CLOSE_WAIT)
		return false;
	return next->kind == OBS_STATE && !o->release_err && !o->sock.psock &&
	       !(next->sock.linger && next->sock.linger_ms);
}

/* Whose it was told connect(), and the network has ended it. */
static bool is_told_by_connect(const struct scene *s, size_t i)
{
	int sock = s->steps[i].sock;
	bool by_network = false;

	while (i-- > 0) {
		const struct obs *o = &s->steps[i].obs;

		if (s->steps[i].kind != STEP_OBS || s->steps[i].sock != sock)
			continue;
		if (is_close(o))
			by_network = !o->sock.owned;
		else if (o->kind == OBS_STATE && (o->new_state == ST_SYN_SENT || o->old_state == ST_SYN_RECV))
			return by_network && o->new_state == ST_SYN_SENT && o->sock.owned;
	}
	return false;
}

/* An orphan goes with its CLOSE, and what close() aborts goes with its RST. */
static bool is_told_before(const struct scene *s, size_t i)
{
	const struct obs *last = beside(s, i, -1);

	if (is_told_by_connect(s, i))
		return true;
	if (is_close(last))
		return last->sock.dead;
	if (!last || last->kind != OBS_RST_ACTIVE || !same_call(&s->steps[i].obs, last))
		return false;
	for (; i-- > 0;)
		if (s->steps[i].kind == STEP_OBS && &s->steps[i].obs == last)
			return is_close(beside(s, i, -1));
	return false;
}

bool lean_leaves_out(const struct scene *s, size_t i)
{
	const struct obs *o = &s->steps[i].obs, *next = beside(s, i, 1);

	if (o->others || o->understudy)
		return false;
	switch (o->kind) {
	case OBS_RELEASE:
		return is_told_next(s, i);
	case OBS_DESTROY:
		return is_told_before(s, i);
	case OBS_RST_RECEIVED:
		return !o->sock.owned && is_close(next) && !next->sock.owned;
	default:
		return false;
	}
}

void lean_fold(const struct scene *s, size_t i, struct obs *obs)
{
	const struct obs *last = beside(s, i, -1);

	if (!is_close(obs) || !last || last->kind != OBS_RST_RECEIVED || last->sock.owned ||
	    obs->sock.owned || last->understudy)
		return;
	obs->reset_called = true;
	obs->rst_flag = last->rst_flag;
	obs->rst_flag_known = last->rst_flag_known;
}
