/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * request: half-open connections that end before they become a socket. There was
 * only a request: one observation is all of its life that is seen. (Two, where a
 * full accept queue ends it with an RST: overflow.c.)
 */
#include <string.h>

#include "base/span.h"
#include "core/flow_priv.h"

/*
 * A request whose time runs out on one CPU while another makes a socket of it: the
 * record of that socket's birth may come before or after.
 */
#define TWIN_NS (UINT64_C(1000) * 1000)

static bool is_twin(const struct flow *f, uint64_t at_ns)
{
	uint64_t apart = f->born_ns > at_ns ? f->born_ns - at_ns : at_ns - f->born_ns;

	return f->v.evidence & EV(ACCEPTED) && !(f->v.evidence & EV(REQUEST)) && apart < TWIN_NS;
}

bool request_became_socket(struct flow_table *t, const struct flow *f)
{
	struct index_link *link;

	if (!(f->v.evidence & EV(REQUEST_EXPIRED)))
		return false;
	link = index_first(&t->by_tuple, tuple_hash(&f->v.tuple));
	for (; link; link = index_next(&t->by_tuple, link)) {
		const struct flow *each = container_of(link, struct flow, by_tuple);

		if (each != f && each->v.netns == f->v.netns &&
		    tuple_equal(&each->v.tuple, &f->v.tuple) && is_twin(each, f->v.mono_ns))
			return true;
	}
	return false;
}

/* The full queue has told already that it ends. */
static struct flow *told_by_queue(struct flow_table *t, const struct obs *obs)
{
	struct index_link *link = index_first(&t->by_tuple, tuple_hash(&obs->tuple));

	for (; link; link = index_next(&t->by_tuple, link)) {
		struct flow *f = container_of(link, struct flow, by_tuple);

		if (f->v.evidence & EV(QUEUE_FULL) && !(f->v.evidence & EV(REQUEST)) &&
		    f->v.netns == obs->sock.netns_ino && tuple_equal(&f->v.tuple, &obs->tuple))
			return f;
	}
	return NULL;
}

static evidence_set expired_evidence(const struct obs_request *r)
{
	if (!r->listening)
		return EV(REQUEST_UNHEARD);
	/* what came last was of no use for want of room, and there is none yet */
	return EV(REQUEST_EXPIRED) | (r->deferred ? EV(REQUEST_DEFERRED) : 0) |
	       (r->acked && !r->deferred && r->queue_full ? EV(QUEUE_FULL) : 0);
}

/* What the kernel calls the RST that goes with it; of another one the request did not die. */
static bool is_answered(const struct obs *obs)
{
	return obs->request.answered && (!obs->rst_reason || !strcmp(obs->rst_reason, "INVALID_SYN"));
}

static void fold_segment(struct flow *f, const struct obs *obs, evidence_set blind)
{
	f->v.evidence |= EV(REQUEST_SEGMENT);
	if (is_answered(obs)) {
		f->v.evidence |= EV(RST_REPLY) | (obs->request.overflow ? EV(QUEUE_FULL) : 0);
		f->v.rst_sent = 1;
		f->v.rst_reason = obs->rst_reason;
	} else if (!(blind & EV(RST_REPLY))) {
		/* nothing but an RST ends it without an answer */
		f->v.evidence |= EV(RST_IN);
		f->v.rst_received = 1;
	}
}

static void fold_request(struct flow *f, const struct obs *obs, evidence_set blind)
{
	f->v.evidence |= EV(REQUEST) | (obs->request.acked ? EV(REQUEST_ACKED) : 0);
	switch (obs->request.caller) {
	case REQUEST_BY_TIMER:
		f->v.evidence |= expired_evidence(&obs->request);
		break;
	case REQUEST_BY_SEGMENT:
		fold_segment(f, obs, blind);
		break;
	case REQUEST_BY_ICMP:
		f->v.evidence |= EV(REQUEST_ICMP);
		break;
	case REQUEST_BY_ABORT:
		f->v.evidence |= EV(REQUEST_ABORTED);
		break;
	case REQUEST_BY_NO_LISTENER:
		f->v.evidence |= EV(REQUEST_UNHEARD);
		break;
	}
}

static struct flow *request_new(struct flow_table *t, const struct obs *obs)
{
	struct flow *f = flow_new(t, obs, EV(ACCEPTED) | EV(IN_SYN_RECV));

	if (!f)
		return NULL;
	f->born_ns = span_ns(obs->request.age_ns, obs->mono_ns);
	f->listener = obs->request.listener;
	fold_path(f, ST_SYN_RECV, f->born_ns);
	fold_path(f, ST_CLOSE, obs->mono_ns);
	f->state = ST_CLOSE;
	f->v.mono_ns = obs->mono_ns;
	return f;
}

uint64_t request_take(struct flow_table *t, const struct obs *obs)
{
	struct flow *f;

	if (!obs->tuple.family) {
		t->counts.strays++;
		return 0;
	}
	audit_obs(t->config.audit, obs);
	f = told_by_queue(t, obs);
	if (f) {
		f->v.evidence |= EV(REQUEST) | EV(REQUEST_SEGMENT);
		return f->v.conn;
	}
	f = request_new(t, obs);
	if (!f)
		return 0;
	fold_request(f, obs, t->blind);
	flow_ended(t, f, obs->mono_ns);
	return f->v.conn;
}
