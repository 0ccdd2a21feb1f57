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
	at->opened_ns = anew ? obs->mono_ns : 0;
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

/* An IPv6 socket that is bound to ::ffff:192.0.2.1 speaks IPv4, and so do its children. */
static uint8_t spoken(const struct listener *l, uint8_t addr[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const uint8_t *at = l->tuple.local.addr;

	memset(addr, 0, 16);
	if (l->tuple.family == 6 && !memcmp(at, mapped, sizeof(mapped))) {
		memcpy(addr, at + sizeof(mapped), 4);
		return 4;
	}
	memcpy(addr, at, 16);
	return l->tuple.family;
}

enum fit { FITS_NOT, FITS_FOR_ALL, FITS_EXACTLY };

static enum fit fit_of(const struct listener *l, const struct flow *f)
{
	static const uint8_t any[16];
	uint8_t addr[16], family = spoken(l, addr);

	if (l->netns != f->v.netns || l->tuple.local.port != f->v.tuple.local.port)
		return FITS_NOT;
	if (!memcmp(addr, any, sizeof(any)))
		/* an IPv6 listener on all addresses may take IPv4 too */
		return family == 6 || f->v.tuple.family == 4 ? FITS_FOR_ALL : FITS_NOT;
	return family == f->v.tuple.family && !memcmp(addr, f->v.tuple.local.addr, sizeof(addr)) ? FITS_EXACTLY :
												   FITS_NOT;
}

/* Its children die in the task that closes the listener, though in no call on them. */
static const struct listener *closed_here(const struct listeners *l, const struct flow *f,
					  const struct obs *obs)
{
	const struct listener *last = NULL;

	for (size_t i = 0; i < l->n; i++)
		if (obs->has_task && l->all[i].closer.pid && fit_of(&l->all[i], f) &&
		    l->all[i].closer.tid == obs->task.tid && (!last || l->all[i].closed_ns > last->closed_ns))
			last = &l->all[i];
	return last;
}

/* Ports, and the numbers of network namespaces, are soon another's. */
static bool was_open(const struct listener *l, const struct flow *f)
{
	return l->opened_ns <= f->born_ns && (!l->closed_ns || l->closed_ns >= f->v.mono_ns);
}

/*
 * One that listens on that very address comes before one that does on all. Several
 * may share a port even so (SO_REUSEPORT): only when all of them have one owner is
 * it known.
 */
static const struct owner *owner_by_port(const struct listeners *l, const struct flow *f)
{
	const struct owner *found = NULL;
	enum fit best = FITS_FOR_ALL;

	for (size_t i = 0; i < l->n; i++)
		if (fit_of(&l->all[i], f) == FITS_EXACTLY && was_open(&l->all[i], f))
			best = FITS_EXACTLY;
	for (size_t i = 0; i < l->n; i++) {
		/* not all ways to attach see listen(); all see the close() */
		const struct owner *owner = l->all[i].owner.pid ? &l->all[i].owner :
								  &l->all[i].closer;

		if (fit_of(&l->all[i], f) != best || !was_open(&l->all[i], f))
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

	if (!at || !fit_of(at, f))
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
