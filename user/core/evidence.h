/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* evidence: what was seen of one socket, one bit each (rows: evidence.def). */
#ifndef TCPCLOSE_CORE_EVIDENCE_H
#define TCPCLOSE_CORE_EVIDENCE_H

#include <stdint.h>

#include "core/obs.h"

enum evidence {
#define EVIDENCE(id, slug, vantage, words) EV_##id,
#include "core/evidence.def"
#undef EVIDENCE
	EV_MAX,
};
_Static_assert(EV_MAX <= 128, "evidence is a set in two 64-bit words");

/* Aligned as one word is: in the structs that carry it, it must not leave holes. */
__extension__ typedef unsigned __int128 evidence_set __attribute__((aligned(8)));
#define EV_BIT(ev) ((evidence_set)1 << (ev))
#define EV(id)	   EV_BIT(EV_##id)

/* The first of a set that is not empty: `for (; set; set &= set - 1) evidence_first(set)` walks it. */
static inline enum evidence evidence_first(evidence_set set)
{
	uint64_t low = (uint64_t)set;

	return (enum evidence)(low ? __builtin_ctzll(low) : 64 + __builtin_ctzll((uint64_t)(set >> 64)));
}

struct evidence_row {
	const char *slug;
	const char *words;
	enum vantage vantage;
};
/* Row of one bit; ev < EV_MAX. */
const struct evidence_row *evidence_row(enum evidence ev);
/* Evidence whose absence means nothing when only `covered` (bits 1 << VANTAGE_...) is. */
evidence_set evidence_blind(uint32_t covered);
/* The vantage's slug, for `blind` in words. */
const char *vantage_slug(enum vantage v);
const char *vantage_words(enum vantage v);

#endif
