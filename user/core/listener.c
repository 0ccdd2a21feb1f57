/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * listener: who listens where. A connection that nobody has accepted belongs to
 * the listener's owner: it ends by no call of its own, and in no task of its own.
 */
#include <string.h>

#include "core/flow_priv.h"

static struct listener *listener_at(struct listeners *l, uint64_t sk)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->all[i].sk == sk)
			return &l->all[i];
	return NULL;
}

/* Where one was, another may be by now: not all ways to attach see its listen(). */
static struct listener *same_listener(struct listeners *l, const struct obs *obs)
{
	struct listener *at = listener_at(l, obs->sk);

	return at && at->netns == obs->sock.netns_ino &&
	       tuple_equal(&at->tuple, &obs->tuple) ? at : NULL;
}

/* Of many the one that was noted first gives its place. */
static struct listener *listener_new(struct listeners *l, const struct obs *obs)
{
	struct listener *at = listener_at(l, obs->sk);

	if (!at && l->n < LISTENERS_MAX)
		at = &l->all[l->n++];
	if (!at) {
		at = &l->all[l->next];
		l->next = (l->next + 1) % LISTENERS_MAX;
	}
	*at = (struct listener){
		.sk = obs->sk,
		.tuple = obs->tuple,
		.netns = obs->sock.netns_ino,
	};
	return at;
}

static void listener_closed(struct listeners *l, const struct obs *obs)
{
	struct listener *at = same_listener(l, obs);

	if (!at)
		at = listener_new(l, obs);
	at->closed_ns = obs->mono_ns;
	if (obs->has_task && obs->task.meant && obs->task.pid)
		at->closer = owner_of(&obs->task, OWNER_LISTENER);
}

/* A look around that names nobody says nothing new. */
static void listener_open(struct listeners *l, const struct obs *obs, bool anew)
{
	struct listener *at = anew ? NULL : same_listener(l, obs);

	if (!anew && (!obs->has_task || (at && !at->closed_ns)))
		return;
	at = listener_new(l, obs);
	if (obs->has_task && obs->task.meant && !obs->task.kthread && obs->task.pid)
		at->owner = owner_of(&obs->task, OWNER_LISTENER);
}

bool listener_take(struct flow_table *t, const struct obs *obs)
{
	uint8_t state = obs->has_sock && obs->sock.state ? obs->sock.state : obs->old_state;

	if (obs->others || !obs->tuple.family)
		return false;
	if (obs->kind == OBS_STATE && obs->new_state == ST_LISTEN)
		listener_open(&t->listeners, obs, true);
	else if (obs->kind == OBS_STATE && obs->old_state == ST_LISTEN &&
		 obs->new_state == ST_CLOSE)
		listener_closed(&t->listeners, obs);
	else if (obs->kind == OBS_SNAPSHOT && state == ST_LISTEN)
		listener_open(&t->listeners, obs, false);
	else
		return false;
	return true;
}

static bool fits(const struct listener *l, const struct flow *f)
{
	static const uint8_t any[16];
	const struct endpoint *at = &l->tuple.local, *ours = &f->v.tuple.local;

	if (l->netns != f->v.netns || at->port != ours->port)
		return false;
	/* an IPv6 listener on all addresses may take IPv4 too */
	return (!memcmp(at->addr, any, sizeof(any)) && (l->tuple.family == 6 || f->v.tuple.family == 4)) ||
	       (l->tuple.family == f->v.tuple.family && !memcmp(at->addr, ours->addr, sizeof(any)));
}

/* Its children die in the task that closes the listener, though in no call on them. */
static const struct listener *closed_here(const struct listeners *l, const struct flow *f,
					  const struct obs *obs)
{
	for (size_t i = 0; i < l->n; i++)
		if (obs->has_task && l->all[i].closer.pid && fits(&l->all[i], f) &&
		    l->all[i].closer.tid == obs->task.tid)
			return &l->all[i];
	return NULL;
}

/* Ports, and the numbers of network namespaces, are soon another's. */
static bool was_open(const struct listener *l, uint64_t at_ns)
{
	return !l->closed_ns || l->closed_ns >= at_ns;
}

/* Several may share a port (SO_REUSEPORT): only when all that fit have one owner is it known. */
static const struct owner *owner_by_port(const struct listeners *l, const struct flow *f)
{
	const struct owner *found = NULL;

	for (size_t i = 0; i < l->n; i++) {
		/* not all ways to attach see listen(); all see the close() */
		const struct owner *owner = l->all[i].owner.pid ? &l->all[i].owner :
								  &l->all[i].closer;

		if (!fits(&l->all[i], f) || !was_open(&l->all[i], f->v.mono_ns))
			continue;
		if (!owner->pid || (found && found->pid != owner->pid))
			return NULL;
		found = owner;
	}
	return found;
}

/* Of several that share a port the one that it came to. */
static const struct owner *owner_by_address(struct listeners *l, const struct flow *f)
{
	const struct listener *at = f->listener ? listener_at(l, f->listener) : NULL;

	if (!at || !fits(at, f))
		return NULL;
	return at->owner.pid ? &at->owner : at->closer.pid ? &at->closer : NULL;
}

void listener_closes(struct flow_table *t, struct flow *f, const struct obs *obs)
{
	const struct listener *closed = NULL;

	if (f->v.evidence & EV(NOT_ACCEPTED) && !f->v.error)
		closed = closed_here(&t->listeners, f, obs);
	if (!closed)
		return;
	f->v.closer = closed->closer;
	if (f->v.owner.source == OWNER_UNKNOWN)
		f->v.owner = closed->owner.pid ? closed->owner : closed->closer;
}

void listener_owns(struct flow_table *t, struct flow *f)
{
	const struct owner *owner;

	if (!(f->v.evidence & (EV(NOT_ACCEPTED) | EV(QUEUE_FULL) | EV(REQUEST))) ||
	    f->v.owner.source != OWNER_UNKNOWN)
		return;
	owner = f->v.evidence & EV(REQUEST) ? owner_by_address(&t->listeners, f) : NULL;
	if (!owner)
		owner = owner_by_port(&t->listeners, f);
	if (owner)
		f->v.owner = *owner;
}
