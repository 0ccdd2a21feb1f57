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
_Static_assert(EV_MAX <= 64, "evidence is a set in one 64-bit word");

typedef uint64_t evidence_set;
#define EV(id) (UINT64_C(1) << EV_##id)

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
