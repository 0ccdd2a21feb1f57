/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* judge: evidence in, cause out. Pure: the same sets give the same answer for ever. */
#ifndef TCPCLOSE_CORE_JUDGE_H
#define TCPCLOSE_CORE_JUDGE_H

#include <stddef.h>

#include "core/verdict.h"

struct proof {
	enum cause cause;
	evidence_set needs, bars;
};
/* The rows of cause.def in order; *n gets their number. For tests and documents. */
const struct proof *judge_proofs(size_t *n);
/* First proof that fits, its index in *proof_ret if not NULL (untouched for unknown). */
enum cause judge(evidence_set seen, evidence_set blind, size_t *proof_ret);
/*
 * What was judged before: a few sets make up most of what ends. All zero to begin
 * with, which is right as well: no proof needs nothing.
 */
#define JUDGED 32
struct judged {
	struct {
		evidence_set seen, blind;
		enum cause cause;
	} last[JUDGED];
};
/* judge() with a memory; NULL = none. */
enum cause judge_again(struct judged *judged, evidence_set seen, evidence_set blind);
/* Fills cause, how, first_closer and blind from evidence, rst_sent, rst_received; blind is what was invisible to the run. */
void judge_verdict(struct judged *judged, struct verdict *v, evidence_set blind);

#endif
