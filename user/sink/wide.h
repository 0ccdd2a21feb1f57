/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* wide: what -w adds below a verdict's line, one fact a line. Inside of the text sink. */
#ifndef TCPCLOSE_SINK_WIDE_H
#define TCPCLOSE_SINK_WIDE_H

#include <stdbool.h>

#include "base/buf.h"
#include "core/verdict.h"

void wide_put(struct buf *out, const struct verdict *verdict, bool utf8);

#endif
