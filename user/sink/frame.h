/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* frame: a whole text at once, or drawn in place on a terminal. Inside of sinks. */
#ifndef TCPCLOSE_SINK_FRAME_H
#define TCPCLOSE_SINK_FRAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "sink/sink.h"

/* Columns of a line that need not be broken. */
#define FRAME_COLUMNS 79

/*
 * live: over what was drawn before, and no more of it than the terminal shows;
 * the last one whole, so that it can be read back. 0, or negative errno of the output.
 */
int frame_write(const struct sink_config *config, const struct buf *text, bool last);
/* The text in lines of FRAME_COLUMNS at most, the first behind `first`, all others indented as far. */
void frame_wrap(struct buf *out, const char *first, const char *text);

#endif
