/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "core/judge.h"

#include "base/index.h"

static const struct proof proofs[] = {
#define PROOF(id, needs, bars) { CAUSE_##id, needs, bars },
#include "core/cause.def"
};

const struct proof *judge_proofs(size_t *n)
{
	*n = sizeof(proofs) / sizeof(proofs[0]);
	return proofs;
}

enum cause judge(evidence_set seen, evidence_set blind, size_t *proof_ret)
{
	for (size_t i = 0; i < sizeof(proofs) / sizeof(proofs[0]); i++) {
		const struct proof *p = &proofs[i];

		/* what is barred must have been visible, or its absence says nothing */
		if ((seen & p->needs) != p->needs || p->bars & (seen | blind))
			continue;
		if (proof_ret)
			*proof_ret = i;
		return p->cause;
	}
	return CAUSE_UNKNOWN;
}

enum cause judge_again(struct judged *judged, evidence_set seen, evidence_set blind)
{
	uint64_t mixed = (uint64_t)seen ^ (uint64_t)(seen >> 64) ^ (uint64_t)blind;
	size_t at = index_mix(mixed) % JUDGED;

	if (!judged)
		return judge(seen, blind, NULL);
	if (judged->last[at].seen != seen || judged->last[at].blind != blind) {
		judged->last[at].seen = seen;
		judged->last[at].blind = blind;
		judged->last[at].cause = judge(seen, blind, NULL);
	}
	return judged->last[at].cause;
}

/* An RST that had to do with the end: one in reply to a bad segment before it is not evidence. */
#define RSTS_SENT (EV(RST_ACTIVE) | EV(RST_REPLY) | EV(MINI_REPLY))
#define RSTS_RECEIVED (EV(RST_IN) | EV(MINI_RST_IN))

static enum how how_as_seen(const struct verdict *v)
{
	if (v->evidence & (RSTS_SENT | RSTS_RECEIVED))
		return HOW_RST;
	if (v->evidence & EV(ERR_TIMEOUT))
		return HOW_TIMEOUT;
	if (v->evidence & (EV(FIN_FIRST) | EV(PEER_FIN_FIRST)))
		return HOW_FIN;
	return HOW_SILENT;
}

/* RSTs of ours that may have gone by: those of a mini-socket only where there may have been one. */
static evidence_set unseen_rsts(const struct verdict *v)
{
	evidence_set may_be = v->evidence | v->blind;

	return v->blind & (may_be & EV(MINI_FIN_WAIT2) ? RSTS_SENT : RSTS_SENT & ~EV(MINI_REPLY));
}

/*
 * A cause that sends an RST may find the socket in a state where the kernel has
 * nothing to send (SYN_SENT; LAST_ACK with all sent). Only where every RST would
 * have been seen is none seen a fact.
 */
static enum how how_of(const struct verdict *v)
{
	enum how how = cause_row(v->cause)->how;

	if (v->cause == CAUSE_UNKNOWN)
		return how_as_seen(v);
	if (how == HOW_RST && !(v->evidence & (RSTS_SENT | RSTS_RECEIVED)) &&
	    !unseen_rsts(v))
		return HOW_SILENT;
	return how;
}

/* Whose FIN or RST the connection saw first. */
static enum closer first_closer_of(const struct verdict *v)
{
	if (v->evidence & EV(FINS_CROSSED))
		return CLOSER_BOTH;
	if (v->evidence & EV(FIN_FIRST))
		return CLOSER_LOCAL;
	if (v->evidence & EV(PEER_FIN_FIRST))
		return CLOSER_PEER;
	if (v->evidence & RSTS_RECEIVED)
		return CLOSER_PEER;
	return v->evidence & RSTS_SENT ? CLOSER_LOCAL : CLOSER_NONE;
}

void judge_verdict(struct judged *judged, struct verdict *v, evidence_set blind)
{
	/* an end that was not seen is not guessed from its beginning */
	if (v->evidence & (EV(EVICTED) | EV(TRACE_ENDED)))
		v->cause = CAUSE_UNKNOWN;
	else
		v->cause = judge_again(judged, v->evidence, blind);
	/* what was seen was not invisible */
	v->blind = blind & ~v->evidence;
	v->how = how_of(v);
	v->first_closer = first_closer_of(v);
}
