/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* ledger: what became of the bytes, in words. */
#ifndef TCPCLOSE_SINK_LEDGER_H
#define TCPCLOSE_SINK_LEDGER_H

#include "base/buf.h"
#include "core/verdict.h"

/* "37 B received and never read, 20 B never left this host"; nothing when nothing was lost. */
void ledger_lost(struct buf *out, const struct verdict *v);
/* "close() waited 1.0 s, then gave up; ..."; nothing when it did not wait for SO_LINGER. */
void ledger_linger(struct buf *out, const struct verdict *v);

#endif
