/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* out: a finished line on its way to the reader. */
#ifndef TCPCLOSE_SINK_OUT_H
#define TCPCLOSE_SINK_OUT_H

#include <stdio.h>

#include "base/buf.h"

/* All of b in one fwrite(). 0, the buffer's own error, or negative errno of the output (-EPIPE). */
int out_write(FILE *out, const struct buf *b);

#endif
